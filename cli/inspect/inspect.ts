import { findEvidence } from "../../attestation/evidence/find-evidence.ts";
import { findCertificateEvidence } from "../../attestation/ra-tls/certificate-evidence.ts";
import { openEvidence } from "../../attestation/evidence/recognise-evidence.ts";
import { parseCertificate } from "../../attestation/x509/certificate.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { paint, printableLine, wrap } from "../terminal.ts";
import { claimRows } from "../verify/claim-rows.ts";
import { looksLikeReceipt } from "../../attestation/receipt/looks-like-receipt.ts";
import { LINE_COLUMNS, shortenDigests, titleOf } from "../verify/wording.ts";

export interface InspectedPiece {
  readonly path: string;
  readonly form: string;
  readonly kind: string;
  readonly bytes: number;
  /** As the file has them: nothing establishes them. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Why claims are missing. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** @throws {EvidenceError} EVIDENCE_UNSUPPORTED when nothing is recognised */
export function inspect(file: Uint8Array): readonly InspectedPiece[] {
  if (looksLikeReceipt(file)) return inspectReceipt(file);
  return findEvidence(file).map((piece) => {
    const { path, form, kind, bytes } = piece;
    const read = (): Readonly<Record<string, unknown>> =>
      (piece.evidence ?? openEvidence(findCertificateEvidence(parseCertificate(bytes)).evidence)).claims();
    return { path, form, kind, bytes: bytes.length, ...attempt(read) };
  });
}

function inspectReceipt(file: Uint8Array): readonly InspectedPiece[] {
  const read = (): Readonly<Record<string, unknown>> => {
    const { answer, evidence } = parseReceipt(file);
    return {
      requestId: answer.requestId,
      status: answerStatusName(answer.status),
      answeredAt: answer.answeredAt.toString(),
      keysetId: answer.keysetId,
      evidenceKind: evidence.kind,
      evidence: openEvidence(fromHex(evidence.bytes)).claims(),
    };
  };
  return [{ path: "", form: "JSON", kind: "receipt", bytes: file.length, ...attempt(read) }];
}

function attempt(read: () => Readonly<Record<string, unknown>>): Pick<InspectedPiece, "claims" | "error"> {
  try {
    return { claims: read() };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const { code, message } = error as AdytonError;
    return { claims: {}, error: { code, message } };
  }
}

export function describeInspection(pieces: readonly InspectedPiece[], full: boolean): string {
  const lines = pieces.flatMap(({ path, form, kind, bytes, claims, error }) => {
    const rows = claimRows(claims);
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    return [
      paint.strong(wrap(printableLine(`${path === "" ? "" : `${path}: `}${titleOf(kind)}`), 2, LINE_COLUMNS)),
      `  ${bytes} bytes, ${form}. Its claims, of which nothing is judged:`,
      ...rows.map(([name, value]) =>
        wrap(
          `  ${printableLine(name).padEnd(Math.min(width, MAX_NAME))}  ${printableLine(full ? value : shortenDigests(value))}`,
          4 + Math.min(width, MAX_NAME),
          LINE_COLUMNS,
        ),
      ),
      ...(error === undefined
        ? []
        : [wrap(`  ${printableLine(error.message)} [${error.code}]`, 2, LINE_COLUMNS)]),
      "",
    ];
  });
  return lines.join("\n");
}

const MAX_NAME = 32;
