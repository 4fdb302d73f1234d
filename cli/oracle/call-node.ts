/** What an operator asks of a running node, or orders it to do, over its HTTP interface. */

import * as z from "zod";
import { InputError, type InputErrorCode, UpstreamError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";

export interface NodeOptions {
  /** Its URL. */
  readonly node: string;
  readonly tokenFile?: string;
}

const Failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const CODES: Readonly<Record<number, InputErrorCode>> = {
  401: "INPUT_UNAUTHORIZED",
  404: "INPUT_NOT_FOUND",
  409: "INPUT_CONFLICT",
  429: "INPUT_RATE_LIMITED",
};

/** @throws {InputError} in the node's words, or when it is none; {UpstreamError} ENCLAVE_UNAVAILABLE when nobody answers there */
export async function callNode(
  { node, tokenFile }: NodeOptions,
  method: string,
  path: string,
): Promise<unknown> {
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  const url = new URL(path, node);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  } catch (cause) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `no node answers at ${node}: \`adyton oracle run\` starts one, and --node names another's address`,
      cause,
    });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const failure = Failure.safeParse(body);
  if (!failure.success) throw noNode(node, `HTTP ${response.status}`);
  throw new InputError({
    code: CODES[response.status] ?? "INPUT_INVALID",
    message: failure.data.error.message,
  });
}

/** A file of something else cannot be sent as one, and an empty one is none. */
function readToken(file: string): string {
  const token = readInputText(file).trim();
  if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(token)) return token;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${file} holds no admin token: one line of letters, digits and signs, as http.adminTokenFile of the node's configuration has it`,
  });
}

/** A chain's server, a page, a proxy that has lost its node: whoever mixed up two ports is told. */
export function noNode(node: string, found: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `what answers at ${node} is no oracle node (${found}): --node names the address that the node printed when it was ready`,
  });
}
