import { malformed } from "../asn1/der-reader.ts";

/** Most blocks read from one text: a chain has four. */
const MAX_BLOCKS = 32;

/**
 * Base64 as RFC 4648 §4 writes it. `atob` alone forgives missing padding, and bits of the last character that stand for
 * nothing (§3.5): the same bytes would have several spellings.
 */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

/**
 * The bytes that `text` is the one base64 of, without line breaks.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!BASE64.test(text)) throw malformed("base64 is malformed");
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
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
