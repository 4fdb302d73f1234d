/**
 * TDX quotes of a dstack guest, with the event log that explains its RTMRs, by the guest agent's socket.
 * Source: github.com/Dstack-TEE/dstack, guest-agent RPC, `GetQuote`.
 */

import { request } from "node:http";
import * as z from "zod";
import { fromUtf8, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import type { Attester } from "./attester.ts";

export const DSTACK_SOCKET = "/var/run/dstack.sock";

/** Bytes: an event log with firmware events is some hundred kilobytes. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
/** Milliseconds: the quoting service is asked through the host. */
const TIMEOUT_MS = 30_000;

const hex = z.string().regex(/^(?:0x)?(?:[0-9a-f]{2})+$/);
const QuoteReply = z.object({ quote: hex, event_log: z.string() });

export function createDstackAttester(socketPath: string = DSTACK_SOCKET): Attester {
  return {
    attest: async (reportData) => {
      const reply = await callAgent(socketPath, "/GetQuote", { report_data: toHex(reportData).slice(2) });
      const { quote, event_log } = parseQuoteReply(reply);
      // Only what evidence is made of: what else the agent says is the host's word.
      return { kind: "dstack", bytes: toUtf8(JSON.stringify({ quote, event_log })), endorsements: null };
    },
  };
}

function parseQuoteReply(bytes: Uint8Array): z.output<typeof QuoteReply> {
  try {
    return QuoteReply.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw unavailable("the guest agent's reply is no quote", cause);
  }
}

function callAgent(socketPath: string, path: string, body: Record<string, string>): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const bytes = toUtf8(JSON.stringify(body));
    const headers = { "content-type": "application/json", "content-length": bytes.length };
    const call = request({ socketPath, path, method: "POST", headers, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) response.destroy(unavailable("the guest agent's reply is too long"));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(new Uint8Array(Buffer.concat(chunks)));
        else reject(unavailable(`the guest agent answered ${response.statusCode ?? 0}`));
      });
    });
    call.on("timeout", () => call.destroy(unavailable("the guest agent did not answer in time")));
    call.on("error", (cause) => {
      reject(
        cause instanceof EvidenceError ? cause : unavailable("the guest agent cannot be reached", cause),
      );
    });
    call.end(bytes);
  });
}

function unavailable(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message, cause });
}
