/** The forms in which people hold evidence: as it is, as hex or base64 text, as PEM, or somewhere in a JSON document. */

import { fromHex, fromUtf8, isHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { recogniseEvidence } from "./verify-evidence.ts";
import { tryParseJsonEvidence } from "./json-evidence.ts";
import type { EvidenceKind } from "./verified-evidence.ts";
import { fromBase64 } from "../x509/pem.ts";

export type EvidenceForm = "raw" | "hex" | "base64" | "PEM" | "JSON";

export interface FoundEvidence {
  readonly form: EvidenceForm;
  /** `certificate`: an X.509 certificate, for `verifyRaTlsCertificate`; anything else is for `verifyEvidence`. */
  readonly kind: EvidenceKind | "certificate";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What stood beside the evidence in an attestation of ours, and should be what its report data commits to. */
  readonly claims: Hex | null;
}

/**
 * Finds the evidence in what a person or a tool handed over. In a JSON document it is the first member that is evidence
 * of a known kind; a certificate is taken when nothing else is found, as documents carry those of other things too.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED when there is none
 */
export function findEvidence(input: Uint8Array): FoundEvidence {
  const bytes = new Uint8Array(input);
  const found = recognise(bytes, "raw") ?? findInText(bytes);
  if (found !== undefined) return found;
  throw new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: "no evidence of a known kind in it: tried raw bytes, hex, base64, PEM and JSON",
    details: { length: bytes.length },
  });
}

/** Tag of SEQUENCE, and a length of two or more bytes: DER of anything as long as a certificate. */
const DER_SEQUENCE = 0x30;
const DER_LONG_LENGTHS: ReadonlySet<number | undefined> = new Set([0x82, 0x83]);

function recognise(bytes: Uint8Array<ArrayBuffer>, form: EvidenceForm): FoundEvidence | undefined {
  if (bytes[0] === DER_SEQUENCE && DER_LONG_LENGTHS.has(bytes[1])) {
    return { form, kind: "certificate", bytes, claims: null };
  }
  try {
    return { form, kind: recogniseEvidence(bytes), bytes, claims: null };
  } catch {
    // EVIDENCE_UNSUPPORTED, which is all that recognising throws: some other form may fit.
    return undefined;
  }
}

function findInText(bytes: Uint8Array<ArrayBuffer>): FoundEvidence | undefined {
  let text: string;
  try {
    text = fromUtf8(bytes).trim();
  } catch {
    return undefined;
  }
  return text.startsWith("{") || text.startsWith("[") ? findInJson(bytes) : findInWords(text);
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----/;
const HEX_TEXT = /^(?:0x)?[0-9A-Fa-f\s]+$/;
const BASE64_TEXT = /^[A-Za-z0-9+/_\s-]+={0,2}$/;

/** The first PEM block, hex, or base64 of either alphabet; white space inside means nothing. */
function findInWords(text: string): FoundEvidence | undefined {
  const [, , pem] = PEM_BLOCK.exec(text) ?? [];
  if (pem !== undefined) return recognise(decodeBase64(pem), "PEM");
  const hex = HEX_TEXT.test(text) ? decodeHex(text) : undefined;
  const asHex = hex === undefined ? undefined : recognise(hex, "hex");
  return asHex ?? (BASE64_TEXT.test(text) ? recognise(decodeBase64(text), "base64") : undefined);
}

function decodeHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replace(/\s+/g, "").toLowerCase();
  const hex = digits.startsWith("0x") ? digits : `0x${digits}`;
  return isHex(hex) ? fromHex(hex) : undefined;
}

/** Empty where it is not base64 after all. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const digits = text
    .replace(/\s+|=+\s*$/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  try {
    return fromBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, "="));
  } catch {
    return new Uint8Array();
  }
}

/** Most members looked at: evidence stands near the top of its document. */
const MAX_MEMBERS = 4_096;

function findInJson(bytes: Uint8Array): FoundEvidence | undefined {
  const members: unknown[] = [tryParseJsonEvidence(bytes)];
  let certificate: FoundEvidence | undefined;
  // Breadth first, and `members` grows while it is walked.
  for (const member of members) {
    const found = recogniseMember(member);
    if (found !== undefined && found.kind !== "certificate") return found;
    certificate ??= found;
    for (const inner of innerMembers(member)) if (members.length < MAX_MEMBERS) members.push(inner);
  }
  return certificate;
}

/** Numbers are left out: byte arrays would hide what stands after them. */
function innerMembers(member: unknown): readonly unknown[] {
  const values: readonly unknown[] =
    typeof member === "object" && member !== null ? Object.values(member) : [];
  return values.filter((value) => typeof value === "string" || typeof value === "object");
}

function recogniseMember(member: unknown): FoundEvidence | undefined {
  if (typeof member === "string") return asJson(findInWords(member));
  if (typeof member !== "object" || member === null) return undefined;
  const { bytes, claims } = member as { readonly bytes?: unknown; readonly claims?: unknown };
  if (typeof bytes === "string" && isHex(claims)) return asJson(findInWords(bytes), claims);
  // Kinds that are JSON themselves, inside of another document.
  return asJson(recognise(toUtf8(JSON.stringify(member)), "JSON"));
}

function asJson(found: FoundEvidence | undefined, claims: Hex | null = null): FoundEvidence | undefined {
  return found === undefined ? undefined : { ...found, form: "JSON", claims };
}
