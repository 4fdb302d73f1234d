import { AnswerStatus } from "../../protocol/answer.ts";
import type { UpstreamError } from "../../protocol/errors.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";

/** How a request ends whose model gave no usable reply; some providers decline with an HTTP error. The reason quotes nobody but us. */
export function outcomeOfFailure(model: string, { code, message, details }: UpstreamError): Outcome {
  const status = code === "MODEL_REFUSED" ? AnswerStatus.refused : AnswerStatus.upstreamFailed;
  const http = typeof details["status"] === "number" ? `, HTTP status ${details["status"]}` : "";
  return without(status, `${model} gave no answer: ${message} (${code}${http})`);
}
