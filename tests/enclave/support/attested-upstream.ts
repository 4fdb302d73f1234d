/** A provider that attests itself with the simulator's evidence, or lies about it as a test wants. */

import { createHash, X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import type { ServerCredentials } from "../../../devnet/throwaway-authority.ts";
import { concatBytes, fromHex, toHex } from "../../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../../protocol/canonical-json.ts";
import { SIMULATED_NOW, simulatedQuote } from "../../support/simulated-evidence.ts";

/** What the server says of itself, for a challenge and the hash of its key. */
export type UpstreamDocument = (
  nonce: Uint8Array,
  spki: Uint8Array,
  request: IncomingMessage,
) => Promise<Json>;

export interface AttestedUpstream {
  /** As `baseUrl`. */
  readonly url: string;
  /** A line for each request: method, path and credential (`-` where there is none). */
  readonly received: string[];
  /** New connections get this key; the document goes on vouching for the first. */
  readonly changeKey: (credentials: ServerCredentials) => void;
  readonly stop: () => Promise<void>;
}

export interface AttestedUpstreamOptions {
  readonly credentials: ServerCredentials;
  /** null: it has none. */
  readonly document: UpstreamDocument | null;
  /** To every POST. */
  readonly answer: string;
}

export async function startAttestedUpstream({
  credentials,
  document,
  answer,
}: AttestedUpstreamOptions): Promise<AttestedUpstream> {
  const received: string[] = [];
  const server = createServer(credentials, (request, response) => {
    received.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"}`);
    request.resume();
    const send = (status: number, body: string): void => {
      response.writeHead(status, { "content-length": Buffer.byteLength(body) }).end(body);
    };
    request.on("end", () => {
      if (request.method === "POST") {
        send(200, answer);
        return;
      }
      const nonce = /nonce=([0-9a-f]{64})/.exec(request.url ?? "")?.[1] ?? "";
      if (document === null) {
        send(404, "");
        return;
      }
      void document(fromHex(`0x${nonce}`), spkiOf(credentials.cert), request).then((json) => {
        send(200, JSON.stringify(json));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received,
    changeKey: (next) => {
      server.setSecureContext(next);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** That accepts the simulator as it is, and pins what it measures. */
export async function policyOfSimulator(): Promise<Record<string, Json>> {
  const genuine = await verifyEvidence(await simulatedQuote(), {}, { now: SIMULATED_NOW });
  return structuredClone(proposePolicy(genuine)) as unknown as Record<string, Json>;
}

const ADDRESS = "c0".repeat(20);

/** Each form's document, from report data that is right. */
export const near: UpstreamDocument = async (nonce, spki) => ({
  signing_address: `0x${ADDRESS}`,
  intel_quote: hex(await simulatedQuote(concatBytes(sha256(fromHex(`0x${ADDRESS}`), spki), nonce))),
});

/** @param until seconds: when its keyset ends */
export function aciUntil(until: () => number): UpstreamDocument {
  return async (nonce, spki) => {
    const keyset = { subject: null, not_after: until(), tls_public_keys: [{ spki_sha256: hex(spki) }] };
    const digest = `sha256:${hex(sha256(encodeCanonicalJson(keyset)))}`;
    const statement = { keyset_digest: digest, nonce: hex(nonce), purpose: "aci.report_data.v1" };
    const reportData = concatBytes(sha256(encodeCanonicalJson(statement)), new Uint8Array(32));
    const quote = hex(await simulatedQuote(reportData));
    return {
      api_version: "aci/1",
      attestation: { workload_keyset: keyset, evidence: { quote, event_log: null } },
    };
  };
}

export const tinfoil: UpstreamDocument = async (_nonce, spki) => {
  const quote = await simulatedQuote(concatBytes(spki, new Uint8Array(32).fill(7)));
  return { format: "https://tinfoil.sh/predicate/any", body: Buffer.from(quote).toString("base64") };
};

export function spkiOf(cert: string): Uint8Array {
  const { publicKey } = new X509Certificate(cert);
  return sha256(new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
}

const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash("sha256")
      .update(concatBytes(...parts))
      .digest(),
  );
}
