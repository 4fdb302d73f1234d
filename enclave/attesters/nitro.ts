/**
 * Attestation documents of an AWS Nitro enclave, from the Nitro Secure Module. Report data travels in `user_data`.
 * Source: github.com/aws/aws-nitro-enclaves-nsm-api, `Request` and `Response` in CBOR.
 */

import { spawn } from "node:child_process";
import { decodeCbor, isBytes, isMap } from "../../attestation/encoding/cbor.ts";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import type { Attester } from "./attester.ts";

/** Bytes of one exchange with the module (nsm-io: 0x1000 out, 0x3000 in). */
const MAX_REQUEST_BYTES = 0x1000;
const MAX_RESPONSE_BYTES = 0x3000;
const TIMEOUT_MS = 10_000;

/** Node has no ioctl: this program (enclave/init/nsm.c) makes the one that the device knows, stdin to stdout. */
const NSM_PROGRAM = "/usr/local/bin/adyton-nsm";

/** One CBOR message in, one out. */
export type NsmTransport = (request: Uint8Array) => Promise<Uint8Array>;

export function createNitroAttester(transport: NsmTransport = nsmProgram(NSM_PROGRAM)): Attester {
  return {
    attest: async (reportData) => {
      const bytes = readDocument(await transport(encodeRequest(reportData)));
      return { kind: "nitro", bytes, endorsements: null };
    },
  };
}

/** `{"Attestation": {"user_data": …, "nonce": null, "public_key": null}}` in definite-length CBOR (RFC 8949 §3). */
function encodeRequest(userData: Uint8Array): Uint8Array {
  const text = (name: string): Uint8Array => concatBytes(Uint8Array.of(0x60 | name.length), toUtf8(name));
  const nothing = Uint8Array.of(0xf6);
  const request = concatBytes(
    Uint8Array.of(0xa1),
    text("Attestation"),
    Uint8Array.of(0xa3),
    text("user_data"),
    Uint8Array.of(0x58, userData.length),
    userData,
    text("nonce"),
    nothing,
    text("public_key"),
    nothing,
  );
  if (request.length > MAX_REQUEST_BYTES) throw unavailable("the request is longer than the module takes");
  return request;
}

function readDocument(response: Uint8Array): Uint8Array {
  const limits = { maxBytes: MAX_RESPONSE_BYTES, maxDepth: 3, maxItems: 16, containers: "definite" } as const;
  const value = decodeCbor(new Uint8Array(response), limits);
  const attestation = isMap(value) ? value.get("Attestation") : undefined;
  const document = isMap(attestation) ? attestation.get("document") : undefined;
  if (!isBytes(document)) throw unavailable("the module answered with something else than a document");
  return document;
}

function nsmProgram(path: string): NsmTransport {
  return (request) =>
    new Promise((resolve, reject) => {
      const child = spawn(path, [], { stdio: ["pipe", "pipe", "ignore"], env: {}, timeout: TIMEOUT_MS });
      const chunks: Buffer[] = [];
      let size = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_RESPONSE_BYTES) child.kill();
        else chunks.push(chunk);
      });
      child.once("error", (cause) => {
        reject(unavailable("the program that speaks to the module cannot be run", cause));
      });
      child.once("close", (code) => {
        if (code === 0) resolve(new Uint8Array(Buffer.concat(chunks)));
        else reject(unavailable("the module did not answer"));
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(request);
    });
}

function unavailable(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message, cause });
}
