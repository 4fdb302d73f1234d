/** The endorsements that stand beside a piece in its own document: it is judged with them when nobody named others. */

import { EndorsementError } from "../../protocol/errors.ts";
import { needsOf, type EndorsementSource } from "../endorsements/endorsement-source.ts";
import type { NamedFile } from "../endorsements/files/named-file.ts";
import { createSourceOfFiles } from "../endorsements/files/source-of-files.ts";
import type { FoundEvidence } from "../evidence/find-evidence.ts";
import type { RecognisedEvidence } from "../evidence/recognise-evidence.ts";
import { findCertificateEvidence } from "../ra-tls/certificate-evidence.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate } from "../x509/certificate.ts";
import type { JudgeOptions } from "./judge-piece.ts";

/** Nothing is fetched: a verifier that works without a network says so by working. */
export function endorsementsBeside(document: NamedFile, now: UnixSeconds): JudgeOptions["findEndorsements"] {
  let beside: EndorsementSource | undefined;
  return async (piece) => {
    const evidence = innerEvidence(piece);
    const { intel, amd, nvidia } = needsOf(evidence);
    if ((intel === null && amd === null && nvidia === null) || !isText(document.bytes)) return {};
    return await findOrNone(() => (beside ??= createSourceOfFiles([document])), evidence, now);
  };
}

/** What is in a certificate, or the piece itself. */
export function innerEvidence({ evidence, bytes }: FoundEvidence): Uint8Array | RecognisedEvidence {
  return evidence ?? findCertificateEvidence(parseCertificate(bytes)).evidence;
}

/**
 * That there are none is for the verifier to say, which knows whether it can do without: some evidence brings its own in a
 * form of its kind.
 */
async function findOrNone(
  source: () => EndorsementSource,
  evidence: Uint8Array | RecognisedEvidence,
  now: UnixSeconds,
): ReturnType<JudgeOptions["findEndorsements"]> {
  try {
    return await source().find(evidence, now);
  } catch (error) {
    if (error instanceof EndorsementError && error.code === "ENDORSEMENT_UNAVAILABLE") return {};
    throw error;
  }
}

/** JSON or PEM: what may hold more than the evidence. */
function isText(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => !SPACE_OR_MARK.has(byte));
  return first !== undefined && ["{", "[", "-"].includes(String.fromCharCode(first));
}

/** White space of JSON, and the bytes of a byte order mark. */
const SPACE_OR_MARK: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);
