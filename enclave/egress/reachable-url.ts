/** URLs that somebody else chose, a program or a prompt: what of them is reached at all, before any name is looked up. */

import { isIP } from "node:net";
import { InputError } from "../../protocol/errors.ts";

export interface Reach {
  /** Origins; `public`: all of the public Internet. */
  readonly hosts: "public" | readonly string[];
  readonly addresses: "public" | "any-for-testing";
}

/**
 * Leaves to the caller: `checkReach`, and the address behind the name (`public-addresses.ts`).
 *
 * @throws {InputError} INPUT_INVALID, saying what is not allowed
 */
export function readReachableUrl(text: string, { addresses }: Reach): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw refused("only https is sent");
  if (url.username !== "" || url.password !== "")
    throw refused("a URL has no credentials: secrets are headers");
  url.hash = "";
  if (addresses === "any-for-testing") return url;
  if (url.port !== "") throw refused("only port 443 is reached");
  if (isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0) throw refused("a host has a name, and is no address");
  return url;
}

/** @throws {InputError} INPUT_INVALID */
export function checkReach({ origin }: URL, { hosts }: Reach): void {
  if (hosts !== "public" && !hosts.includes(origin)) throw refused(`this enclave reaches no ${origin}`);
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
