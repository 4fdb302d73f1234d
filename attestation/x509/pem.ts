import { fromBase64 as decodeBase64, toBase64 } from "../../protocol/base64.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { malformed } from "../encoding/malformed.ts";

/** Most blocks read from one text: a chain has four. */
const MAX_BLOCKS = 32;

/**
 * The bytes that `text` is the one base64 of, without line breaks.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64(text);
  } catch (cause) {
    throw new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "base64 is malformed", cause });
  }
}

/**
 * The base64 bodies, without line breaks, of the blocks labelled `label` in a PEM text (RFC 7468). Text between
 * blocks is allowed there, and skipped; a block that begins and does not end is malformed.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function splitPem(text: string, label: string): readonly string[] {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const bodies: string[] = [];
  for (let from = text.indexOf(begin); from !== -1; from = text.indexOf(begin, from)) {
    const bodyStart = from + begin.length;
    const bodyEnd = text.indexOf(end, bodyStart);
    if (bodyEnd === -1) throw malformed("PEM block does not end");
    if (bodies.length === MAX_BLOCKS) throw malformed("PEM text has too many blocks");
    bodies.push(text.slice(bodyStart, bodyEnd).replace(/\s+/g, ""));
    from = bodyEnd + end.length;
  }
  return bodies;
}

/** A certificate as PEM. */
export function toPem(der: Uint8Array): string {
  const body = toBase64(der).replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}
