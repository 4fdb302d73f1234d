/** A program's call to a server: what its manifest and the behaviour file allow, sent as it was asked and in no other way. */

import type { Program } from "../../protocol/agent-program.ts";
import { InputError } from "../../protocol/errors.ts";
import { bodyOf, type HttpArgs } from "../../runtime/agents/call-args.ts";
import type { AgentSettings } from "../configuration/agent-settings.ts";
import type { OutgoingRequest } from "../egress/exchange.ts";
import { checkReach, readReachableUrl } from "../egress/reachable-url.ts";
import type { AgentSecrets } from "./agent-secrets.ts";

export interface HttpTerms {
  readonly program: Program;
  readonly settings: AgentSettings;
  readonly secrets: AgentSecrets;
}

/** Headers that belong to the connection and not to the program. */
const REFUSED_HEADERS = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** @throws {InputError} INPUT_INVALID, saying what is not allowed */
export function toHttpRequest(args: HttpArgs, terms: HttpTerms): OutgoingRequest {
  const url = readReachableUrl(args.url, terms.settings);
  const entry = terms.program.manifest.http.find(
    ({ origin, methods, pathPrefix }) =>
      origin === url.origin && methods.includes(args.method) && url.pathname.startsWith(pathPrefix),
  );
  if (entry === undefined)
    throw refused(`the manifest allows no ${args.method} of ${url.origin}${url.pathname}`);
  checkReach(url, terms.settings);
  const body = bodyOf(args);
  if (args.method === "GET" && body.length > 0) throw refused("a GET has no body");
  return {
    url,
    method: args.method,
    headers: { ...plainHeaders(args, entry.secrets), ...secretHeaders(args, entry, terms) },
    body,
  };
}

/** In lower case; one that the manifest keeps for a secret is filled by nothing else. */
function plainHeaders(
  { headers, body }: HttpArgs,
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name] of named) {
    if (REFUSED_HEADERS.has(name) || name.startsWith("proxy-"))
      throw refused(`the header ${name} is not a program's`);
    if (name in secrets) throw refused(`the header ${name} is for a secret`);
  }
  const isJson = body !== undefined && typeof body !== "string";
  return { ...(isJson ? { "content-type": "application/json" } : {}), ...Object.fromEntries(named) };
}

/** @throws {InputError} INPUT_INVALID for a secret that the manifest does not let into that header there, or that nobody brought */
export function secretHeaders(
  args: Pick<HttpArgs, "secrets">,
  entry: { readonly origin: string; readonly secrets: Readonly<Record<string, string>> },
  { program, secrets }: HttpTerms,
): Readonly<Record<string, string>> {
  const filled = Object.entries(args.secrets).map(([spelled, name]) => {
    const header = spelled.toLowerCase();
    if (entry.secrets[header] !== name)
      throw refused(`the manifest lets no secret ${name} into ${header} there`);
    const value = secrets.get({ program: program.hash, origin: entry.origin, header, name });
    if (value === null) throw refused(`nobody brought the secret ${name}`);
    return [header, value] as const;
  });
  return Object.fromEntries(filled);
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
