/** Runs a program in an enclave, over HTTP, and keeps its receipt. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import type { AttestedClient } from "../../client/attested-client.ts";
import { attestedFetch } from "../../client/node.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import type { AgentSecretCall } from "../../protocol/agent-secret.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { SignedAnswer } from "../../protocol/enclave-api.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { bytes32, bytesHex } from "../../protocol/fields.ts";
import { MAX_OUTPUT_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { AccountRunCall } from "../../runtime/agents/account-run.ts";
import { readPolicy } from "../verify/evidence-options.ts";
import type { BuiltProgram } from "./build-program.ts";
import { readEvents } from "./event-stream.ts";

/** Bytes of a call beside its program and its input. */
const CALL_BYTES = 512;

/** Whom to ask, and who may. */
export interface EnclaveAccess {
  readonly url: string;
  /** Appraisal policy that its evidence is held to. */
  readonly policyFile: string;
  readonly credential: string;
}

export interface NetworkRun {
  readonly requestId: Hex;
  readonly status: string;
  readonly output: Hex;
  readonly receipt: Receipt;
  readonly receiptFile: string;
  /** Milliseconds that each call was open. */
  readonly times: ReadonlyMap<number, number>;
}

const CallEvent = z.object({ call: z.int(), op: z.string(), state: z.enum(["made", "settled"]) });
const EndEvent = z.object({ requestId: bytes32, status: z.string(), output: bytesHex, receipt: z.string() });
const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export interface RunRequest {
  readonly built: BuiltProgram;
  readonly input: Uint8Array;
  /** Where the receipt goes. */
  readonly folder: string;
  /** Wei that models may cost. */
  readonly fee: string | undefined;
  readonly onCall: (op: string) => void;
}

/**
 * Holds on return: the enclave's evidence was accepted by the policy, and the receipt is genuine.
 *
 * @throws {UpstreamError} ENCLAVE_UNAVAILABLE with what the enclave said; {EvidenceError}, {AppraisalError}
 */
export async function runOnNetwork(access: EnclaveAccess, request: RunRequest): Promise<NetworkRun> {
  using client = await openEnclave(access);
  const payload = await toPayload(client, access, request);
  const times = new Map<number, number>();
  const end = await ask(client, access, { payload, request, times });
  const bytes = await fetchReceipt(client, access, end.receipt);
  const { receipt } = await verifyReceipt(bytes);
  createFolder(request.folder);
  const receiptFile = join(request.folder, `receipt-${end.requestId.slice(2, 10)}.json`);
  writeFileSync(receiptFile, bytes);
  return { ...end, receipt, receiptFile, times };
}

/** @throws {EvidenceError}, {AppraisalError}, {UpstreamError} as `attestedFetch` */
export async function openEnclave({ url, policyFile }: EnclaveAccess): Promise<AttestedClient> {
  return await attestedFetch(url, { policy: await readPolicy(policyFile) });
}

/** Brings the program to the enclave, which keeps it by its hash. */
export async function bringProgram(
  client: AttestedClient,
  access: EnclaveAccess,
  { file }: BuiltProgram,
): Promise<void> {
  const headers = { ...authorization(access), "content-type": "application/octet-stream" };
  const response = await client.fetch("/v1/programs", { method: "PUT", headers, body: file });
  if (!response.ok) throw await refusal(response);
  await response.body?.cancel();
}

/** Brings a secret that was sealed to the enclave's keyset. */
export async function bringSecret(
  client: AttestedClient,
  access: EnclaveAccess,
  call: AgentSecretCall,
): Promise<void> {
  const headers = { ...authorization(access), "content-type": "application/json" };
  const body = JSON.stringify(call);
  const response = await client.fetch("/v1/agents/secrets", { method: "PUT", headers, body });
  if (!response.ok) throw await refusal(response);
  await response.body?.cancel();
}

/** With the program inside, where it fits: the receipt then holds all that a replay needs. */
async function toPayload(
  client: AttestedClient,
  access: EnclaveAccess,
  { built, input }: RunRequest,
): Promise<Uint8Array> {
  const fits = built.file.length + input.length + CALL_BYTES <= MAX_PAYLOAD_BYTES;
  if (!fits) await bringProgram(client, access, built);
  const call = {
    programHash: built.program.hash,
    program: fits ? built.file : new Uint8Array(),
    input,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  };
  return encodePayload({ type: PayloadType.agent, call });
}

/** Has the enclave run a granted program for its account. @throws {UpstreamError} ENCLAVE_UNAVAILABLE with what the enclave said */
export async function runForAccount(
  client: AttestedClient,
  access: EnclaveAccess,
  call: AccountRunCall,
): Promise<SignedAnswer> {
  const response = await client.fetch("/v1/agents/account-runs", {
    method: "POST",
    headers: { ...authorization(access), "content-type": "application/json" },
    body: JSON.stringify(z.encode(AccountRunCall, call)),
  });
  if (!response.ok) throw await refusal(response);
  return SignedAnswer.parse(await response.json());
}

interface Asking {
  readonly payload: Uint8Array;
  readonly request: RunRequest;
  readonly times: Map<number, number>;
}

async function ask(
  client: AttestedClient,
  access: EnclaveAccess,
  { payload, request, times }: Asking,
): Promise<z.output<typeof EndEvent>> {
  const response = await client.fetch("/v1/agents/runs", {
    method: "POST",
    headers: {
      ...authorization(access),
      "content-type": "application/json",
      accept: "text/event-stream",
    },
    body: JSON.stringify({
      payload: toHex(payload),
      ...(request.fee === undefined ? {} : { fee: request.fee }),
    }),
  });
  // A run that makes no call has nothing to tell before its end, and one that cannot begin is refused.
  if (!response.ok || response.body === null) throw await refusal(response);
  const madeAt = new Map<number, number>();
  for await (const { name, data } of readEvents(response.body)) {
    const json: unknown = JSON.parse(data);
    if (name === "end") return EndEvent.parse(json);
    const { call, op, state } = CallEvent.parse(json);
    const now = performance.now();
    if (state === "made") {
      madeAt.set(call, now);
      request.onCall(op);
    } else {
      times.set(call, Math.round(now - (madeAt.get(call) ?? now)));
    }
  }
  throw unavailable("the enclave ended the connection in the middle of the run: look at its log");
}

async function fetchReceipt(
  client: AttestedClient,
  access: EnclaveAccess,
  path: string,
): Promise<Uint8Array> {
  const response = await client.fetch(path, { headers: authorization(access) });
  if (!response.ok) throw await refusal(response);
  return new Uint8Array(await response.arrayBuffer());
}

function authorization({ credential }: EnclaveAccess): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` };
}

async function refusal(response: Response): Promise<UpstreamError> {
  const text = await response.text();
  let said = text;
  try {
    const { error } = Refusal.parse(JSON.parse(text));
    said = `${error.message} [${error.code}]`;
  } catch {
    // Something that is no enclave of ours: its own words are all there is.
  }
  return unavailable(`the enclave refuses (HTTP ${response.status}): ${said}`);
}

function unavailable(message: string): UpstreamError {
  return new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message });
}
