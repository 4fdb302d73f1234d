import { EvidenceError } from "../../protocol/errors.ts";

/** The error of every parser here: these bytes do not follow the format that they claim. */
export function malformed(
  message: string,
  details?: Readonly<Record<string, string | number>>,
): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, ...(details && { details }) });
}
