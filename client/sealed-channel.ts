/**
 * The browser's way, and that of any other runtime with `fetch` and WebCrypto: calls sealed to the enclave's attested key, through
 * whoever ends TLS in between. That one sees when a call is made and how long it is.
 */

import { concatBytes, toHex } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { ErrorReply } from "../protocol/enclave-api.ts";
import { InputError, UpstreamError, type InputErrorCode } from "../protocol/errors.ts";
import {
  SEALED_CALL_PATH,
  SEALED_MEDIA_TYPE,
  sealCall,
  SealedCallHead,
  type SealedCall,
} from "../protocol/sealed-call.ts";
import type { AttestedPeer } from "./attested-client.ts";
import { KeysChanged, type OpenChannel } from "./channel.ts";
import type { EvidenceVerifier } from "./evidence-verifier.ts";
import { readAtMost } from "./read-at-most.ts";
import { readAttestation } from "./read-attestation.ts";
import { openSealedReply } from "./sealed-reply.ts";

/** Bytes of a refusal in the clear. */
const MAX_REFUSAL_BYTES = 65_536;
/** The refusals before a call was opened. Nobody has signed it: it ends the call and nothing else. */
const CLEAR_REFUSALS: ReadonlySet<string> = new Set<InputErrorCode>([
  "INPUT_INVALID",
  "INPUT_TOO_LARGE",
  "INPUT_RATE_LIMITED",
]);
const NO_BODY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

export interface SealedWorld {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
}

/** Holds on return: the policy accepts fresh evidence for a nonce of ours, which vouches for the key that calls are sealed to. */
export function sealedChannels(world: SealedWorld): OpenChannel {
  return async (origin, verifier) => {
    const peer = await attestPeer(origin, verifier, world);
    return {
      peer,
      send: (request, body) => sendSealed(request, body, { origin, peer, world }),
      close: () => undefined,
    };
  };
}

async function attestPeer(
  origin: string,
  verifier: EvidenceVerifier,
  { fetch }: SealedWorld,
): Promise<AttestedPeer> {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(32)));
  const url = new URL(`/v1/attestation?nonce=${nonce}`, origin);
  const reply = await readAttestation(() => fetch(url, { ...PLAIN, method: "GET" }));
  const { keysetId, evidence } = await verifier.verifyAttestation(reply, nonce);
  return { keyset: reply.keyset, keysetId, evidence, transport: "sealed" };
}

/** Neither a cookie nor where the page is; a redirect would only carry the sealed bytes elsewhere. */
const PLAIN = {
  credentials: "omit",
  redirect: "error",
  referrerPolicy: "no-referrer",
  cache: "no-store",
} as const satisfies RequestInit;

interface SealedRoute {
  readonly origin: string;
  readonly peer: AttestedPeer;
  readonly world: SealedWorld;
}

/** @throws {KeysChanged} not certainly unsent: whoever says that another enclave is there may have shown the call to the first */
async function sendSealed(
  request: Request,
  body: Uint8Array<ArrayBuffer> | null,
  { origin, peer, world }: SealedRoute,
): Promise<Response> {
  const call = await seal(request, body, peer, world.now());
  const response = await world.fetch(new URL(SEALED_CALL_PATH, origin), {
    ...PLAIN,
    method: "POST",
    headers: { "content-type": SEALED_MEDIA_TYPE },
    body: call.bytes,
    signal: request.signal,
  });
  if (response.headers.get("content-type") !== SEALED_MEDIA_TYPE || response.body === null)
    throw await refusalOf(response);
  return await openSealedReply(response.body as ReadableStream<Uint8Array>, call.reply, request.url);
}

async function seal(
  request: Request,
  body: Uint8Array<ArrayBuffer> | null,
  { keysetId, keyset }: AttestedPeer,
  nowMs: number,
): Promise<SealedCall> {
  const { pathname, search } = new URL(request.url);
  const head = SealedCallHead.safeParse({
    method: request.method,
    path: `${pathname}${search}`,
    headers: Object.fromEntries(request.headers),
    sentAt: Math.floor(nowMs / 1_000),
  });
  if (!head.success) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "an enclave takes no such call",
      cause: head.error,
    });
  }
  return await sealCall({ keysetId, sealingKey: keyset.sealingKey }, head.data, body ?? NO_BODY);
}

async function refusalOf(response: Response): Promise<Error> {
  const said = ErrorReply.safeParse(await readJson(response)).data?.error;
  if (said?.code === "INPUT_NOT_RECIPIENT") return new KeysChanged(false);
  if (said !== undefined && CLEAR_REFUSALS.has(said.code)) {
    return new InputError({
      code: said.code as InputErrorCode,
      message: `the call was not opened: ${said.message}`,
    });
  }
  return new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: "what is between here and the enclave gave no reply of the enclave's",
    details: { status: response.status },
  });
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return parseJson(concatBytes(await readAtMost(response, MAX_REFUSAL_BYTES)));
  } catch {
    // Whoever is in between may say anything, or nothing that can be read.
    return undefined;
  }
}
