import { InputError, UpstreamError, type UpstreamErrorCode } from "../../protocol/errors.ts";
import { askModel, type AskOptions } from "../answers/ask-model.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../../runtime/models/model-format.ts";
import type { Charge } from "./account.ts";

const NOTHING = { inputTokens: 0, outputTokens: 0 };

/** Nothing was asked: there was no connection, or the provider said so before it began. */
const NEVER_BEGUN = new Set<UpstreamErrorCode>([
  "MODEL_UNREACHABLE",
  "MODEL_TLS_REFUSED",
  "MODEL_NOT_ATTESTED",
  "MODEL_ATTESTATION_UNAVAILABLE",
]);
const TURNED_AWAY = new Set<UpstreamErrorCode>([
  "MODEL_REQUEST_REJECTED",
  "MODEL_RATE_LIMITED",
  "MODEL_HTTP_ERROR",
  "MODEL_REDIRECTED",
]);

/** As `askModel`, with the account settled however it ends. */
export async function askOnAccount(
  charge: Charge,
  target: CatalogModel,
  question: ModelQuestion,
  options: Omit<AskOptions, "credential">,
): Promise<ModelReply> {
  try {
    const reply = await askModel(target, question, { ...options, credential: charge.credential });
    charge.settle(reply.usage);
    return reply;
  } catch (error) {
    charge.settle(wasFree(error) ? NOTHING : null);
    throw error;
  }
}

/** An error inside a stream or a 2xx body has no HTTP status of its own: what was written until then is billed. */
function wasFree(error: unknown): boolean {
  // Refuses questions that the format cannot carry, before anything is sent.
  if (error instanceof InputError) return true;
  if (!(error instanceof UpstreamError)) return false;
  const { code, details } = error;
  return NEVER_BEGUN.has(code) || (TURNED_AWAY.has(code) && typeof details["status"] === "number");
}
