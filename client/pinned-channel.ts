/** Node's way: TLS to the attested key. No certificate authority is asked, and nothing of the process is changed. */

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { toHex } from "../protocol/bytes.ts";
import { EvidenceError, UpstreamError } from "../protocol/errors.ts";
import type { AttestedPeer } from "./attested-client.ts";
import { KeysChanged, type Channel, type OpenChannel } from "./channel.ts";
import type { EvidenceVerifier } from "./evidence-verifier.ts";
import { readAttestation } from "./read-attestation.ts";
import { PinnedAgent, readPeerCertificate, type PeerCertificate } from "./pinned-agent.ts";

/** Milliseconds to connect, shake hands and show a certificate. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Milliseconds to make evidence for a nonce: a device takes some tens, and others may be before us. */
const ATTESTATION_TIMEOUT_MS = 20_000;
/** Connections at once: further calls wait for one. */
const MAX_SOCKETS = 64;

/**
 * Holds on return: the policy accepts the evidence in the certificate and fresh evidence for a nonce of ours, both for one
 * keyset; every later byte goes to the holder of its TLS key. Until then the server has seen the nonce alone.
 */
export const openPinnedChannel: OpenChannel = async (origin, verifier) => {
  const certificate = await readCertificate(origin);
  const certified = await verifier.verifyCertificate(certificate);
  const agent = new PinnedAgent(certificate.tlsKeyHash, MAX_SOCKETS);
  try {
    const peer = await attestPeer(origin, verifier, agent);
    if (peer.keysetId !== certified || peer.keyset.tlsKeyHash !== certificate.tlsKeyHash) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the certificate, the fresh evidence and the connection do not name the same keys",
      });
    }
    return createChannel(peer, agent);
  } catch (error) {
    agent.retire();
    throw error instanceof KeysChanged ? error.cause : error;
  }
};

function createChannel(peer: AttestedPeer, agent: PinnedAgent): Channel {
  return {
    peer,
    send: (request, body) => sendPinned(request, body, agent),
    close: () => {
      agent.retire();
    },
  };
}

async function readCertificate(origin: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(origin);
  try {
    return await readPeerCertificate(
      { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port === "" ? 443 : port) },
      HANDSHAKE_TIMEOUT_MS,
    );
  } catch (cause) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "no TLS connection to the enclave",
      details: { host: hostname },
      cause,
    });
  }
}

async function attestPeer(
  origin: string,
  verifier: EvidenceVerifier,
  agent: PinnedAgent,
): Promise<AttestedPeer> {
  const nonce = toHex(randomBytes(32));
  const signal = AbortSignal.timeout(ATTESTATION_TIMEOUT_MS);
  const request = new Request(new URL(`/v1/attestation?nonce=${nonce}`, origin), { signal });
  const reply = await readAttestation(() => sendPinned(request, null, agent));
  const { keysetId, evidence } = await verifier.verifyAttestation(reply, nonce);
  return { keyset: reply.keyset, keysetId, evidence, transport: "pinned-tls" };
}

/** @throws {KeysChanged} unsent: the agent writes nothing before the key is proven */
async function sendPinned(request: Request, body: Uint8Array | null, agent: PinnedAgent): Promise<Response> {
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = httpsRequest(
      request.url,
      {
        agent,
        method: request.method,
        headers: Object.fromEntries(request.headers),
        signal: request.signal,
      },
      resolve,
    );
    call.once("error", (error) => {
      const isOtherKey = error instanceof EvidenceError && error.code === "EVIDENCE_BINDING_MISMATCH";
      reject(isOtherKey ? new KeysChanged(true, error) : error);
    });
    call.end(body ?? undefined);
  });
  return toResponse(request, reply);
}

/** Statuses whose replies have no body, and whose `Response` must have none. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

function toResponse(request: Request, reply: IncomingMessage): Response {
  const status = reply.statusCode ?? 502;
  const headers = new Headers();
  for (const [name, values] of Object.entries(reply.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  const hasBody = request.method !== "HEAD" && !BODYLESS.has(status);
  if (!hasBody) reply.resume();
  // An aborted reply, or one that ends before its last chunk, is an error of this stream.
  const body = hasBody ? (Readable.toWeb(reply) as ReadableStream<Uint8Array<ArrayBuffer>>) : null;
  const response = new Response(body, { status, statusText: reply.statusMessage ?? "", headers });
  Object.defineProperty(response, "url", { value: request.url });
  return response;
}
