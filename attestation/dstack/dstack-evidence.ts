/**
 * What dstack's guest agent answers to `GetQuote`: a TDX quote in hex, and the event log that explains its RTMRs.
 *
 * Source: github.com/Dstack-TEE/dstack, guest-agent RPC `GetQuoteResponse`.
 */

import { z } from "zod";
import { fromHex, isHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseJsonEvidence, tryParseJsonEvidence } from "../json-evidence.ts";

export interface DstackEvidence {
  readonly quote: Uint8Array<ArrayBuffer>;
  /** JSON text of its own. */
  readonly eventLog: string;
}

const schema = z.object({
  quote: z.string().regex(/^(?:0x)?(?:[0-9a-f]{2})+$/),
  event_log: z.string(),
});

/** Whether these bytes are JSON of this shape. Throws nothing. */
export function isDstackEvidence(bytes: Uint8Array): boolean {
  return schema.safeParse(tryParseJsonEvidence(bytes)).success;
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseDstackEvidence(bytes: Uint8Array): DstackEvidence {
  const shape = schema.safeParse(parseJsonEvidence(bytes));
  if (!shape.success) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not a dstack quote response: `quote` in hex and `event_log` as JSON text",
      cause: shape.error,
    });
  }
  const { quote, event_log: eventLog } = shape.data;
  return { quote: fromHex(isHex(quote) ? quote : `0x${quote}`), eventLog };
}
