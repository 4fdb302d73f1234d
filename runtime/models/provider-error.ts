/** Errors in the providers' own words, and what they mean for us. */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import { UpstreamError, type ErrorDetails, type UpstreamErrorCode } from "../../protocol/errors.ts";
import { parseProviderJson } from "./response-body.ts";

const label = z.union([z.string(), z.number()]).nullish().catch(null);

const ErrorObject = z.object({
  type: label,
  code: label,
  status: label,
  param: label,
  /** Azure's, with the policy that was applied. */
  innererror: z.object({ code: label }).nullish().catch(null),
  /** OpenRouter's, of a moderation that it ran itself. */
  metadata: z
    .object({ reasons: z.array(z.string()).nullish() })
    .nullish()
    .catch(null),
});
type ErrorObject = z.output<typeof ErrorObject>;

/** OpenAI, Anthropic and Gemini wrap theirs in `error`, Gemini's streams in a list too; vLLM and Ollama may not. */
const ErrorBody = z.union([
  z.object({ error: ErrorObject }).transform(({ error }) => error),
  z.tuple([z.object({ error: ErrorObject })]).transform(([{ error }]) => error),
  ErrorObject,
]);

const NOTHING_SAID: ErrorObject = {
  type: null,
  code: null,
  status: null,
  param: null,
  innererror: null,
  metadata: null,
};

/** Words by which providers say that the content, not the call, is why nothing was answered. */
const REFUSALS = new Set([
  "content_filter",
  "content_policy_violation",
  "invalid_prompt",
  "bio_policy",
  "cyber_policy",
  "cyber_policy_violation",
  "safety_violation",
  "moderation_blocked",
  "ResponsibleAIPolicyViolation",
  "data_inspection_failed",
  "prohibited_content",
  "PROHIBITED_CONTENT",
]);
const RATE_LIMITS = new Set([
  "429",
  "capacity_exceeded",
  "rate_limit_exceeded",
  "rate_limit_error",
  "overloaded_error",
  "RESOURCE_EXHAUSTED",
]);
/** An account that is empty stays so for the time of a retry. */
const ACCOUNT = new Set(["insufficient_quota", "billing_error", "credit_balance_too_low"]);

/** Vendors' names of errors: short, and made of nothing that could be a prompt. */
const LABEL = /^[A-Za-z0-9_.[\]-]{1,64}$/;

/** The error of a response whose status is not 2xx. */
export function errorOfResponse(status: number, body: Uint8Array): UpstreamError {
  if (status >= 300 && status < 400) {
    return new UpstreamError({
      code: "MODEL_REDIRECTED",
      message: "redirects are not followed",
      details: { status },
    });
  }
  const said = saidIn(body);
  return upstreamError(codeOf(said) ?? codeOfStatus(status), said, { status });
}

/** The error that a provider reports inside a 2xx body or a stream: the object itself, not its wrapping. */
export function errorInBody(error: Json): UpstreamError {
  const said = ErrorObject.safeParse(error).data ?? NOTHING_SAID;
  return upstreamError(codeOf(said) ?? codeOfNumber(said), said, {});
}

/** Gateways put the status that they were answered with into `code`. */
function codeOfNumber({ code }: ErrorObject): UpstreamErrorCode {
  const status = typeof code === "number" ? code : 0;
  return status >= 400 && status < 600 ? codeOfStatus(status) : "MODEL_HTTP_ERROR";
}

function saidIn(body: Uint8Array): ErrorObject {
  try {
    return ErrorBody.safeParse(parseProviderJson(body)).data ?? NOTHING_SAID;
  } catch {
    // A proxy's HTML says nothing that the status does not.
    return NOTHING_SAID;
  }
}

function codeOf({ type, code, status, innererror, metadata }: ErrorObject): UpstreamErrorCode | null {
  const words = [type, code, status, innererror?.code].map(String);
  if ((metadata?.reasons ?? []).length > 0) return "MODEL_REFUSED";
  if (words.some((word) => ACCOUNT.has(word))) return "MODEL_REQUEST_REJECTED";
  if (words.some((word) => REFUSALS.has(word))) return "MODEL_REFUSED";
  if (words.some((word) => RATE_LIMITS.has(word))) return "MODEL_RATE_LIMITED";
  return null;
}

/** 529 is Anthropic's "overloaded". 408, 409 and 425 say "again"; any other 4xx says the same to the same call. */
function codeOfStatus(status: number): UpstreamErrorCode {
  if (status === 429 || status === 529) return "MODEL_RATE_LIMITED";
  const again = status >= 500 || status === 408 || status === 409 || status === 425;
  return again ? "MODEL_HTTP_ERROR" : "MODEL_REQUEST_REJECTED";
}

function upstreamError(code: UpstreamErrorCode, said: ErrorObject, context: ErrorDetails): UpstreamError {
  const details: Record<string, string | number | boolean | null> = { ...context };
  for (const name of ["type", "code", "status", "param"] as const) {
    const value = said[name];
    // The message stays out: it may quote the prompt.
    if (value !== null && value !== undefined && LABEL.test(String(value)))
      details[`provider_${name}`] = value;
  }
  return new UpstreamError({ code, message: "the provider reports an error", details });
}
