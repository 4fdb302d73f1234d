import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { AdytonError, InputError, UpstreamError } from "../../protocol/errors.ts";
import { withDeadline } from "../engine/deadline.ts";
import { isPublicAddress } from "./public-address.ts";
import type { PayloadUrl } from "./payload-url.ts";

export interface PinnedFetchOptions {
  /** Every address of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Milliseconds for the whole exchange, from the name to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** PEM; the public ones by default. */
  readonly certificateAuthorities?: readonly string[];
  /** Which addresses a server that the requester named may have. */
  readonly isAllowed?: (address: string) => boolean;
}

export type PinnedFetch = (target: PayloadUrl, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Fetches from servers that a requester, who may be anybody, has named: the name is resolved once, every address of it must
 * be public, and the connection goes to an address that was checked, whatever the name says a moment later. No redirect is
 * followed, no byte beyond the limit is read, and nothing of this node is sent but the path.
 *
 * @throws {InputError} INPUT_INVALID for a private address or a redirect, INPUT_TOO_LARGE: asking again would not help;
 *   {UpstreamError} PAYLOAD_UNAVAILABLE otherwise
 */
export function createPinnedFetch(options: PinnedFetchOptions): PinnedFetch {
  return async (target, signal) => {
    const { url } = target;
    try {
      return await withDeadline(
        options.timeoutMs,
        async (limits) => {
          const address = await abortable(findAddress(target, options), limits);
          return await exchange(url, address, { ...options, signal: limits });
        },
        signal,
      );
    } catch (cause) {
      if (cause instanceof AdytonError) throw cause;
      throw unavailable(url, cause);
    }
  };
}

async function findAddress({ url, isGateway }: PayloadUrl, options: PinnedFetchOptions): Promise<string> {
  // In a URL an IPv6 address stands in brackets.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(host) === 0 ? await options.resolve(host) : [host];
  const isAllowed = isGateway ? () => true : (options.isAllowed ?? isPublicAddress);
  // One private address among public ones is a trap, or a mistake that would be a matter of luck.
  const refused = addresses.find((address) => !isAllowed(address));
  if (refused !== undefined) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "a payload's server must have public addresses only",
      details: { host },
    });
  }
  const [first] = addresses;
  if (first === undefined) throw unavailable(url, new Error("the name has no address"));
  return first;
}

interface Exchange extends PinnedFetchOptions {
  readonly signal: AbortSignal;
}

function exchange(url: URL, address: string, options: Exchange): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = open(url, address, options);
    request.once("error", reject);
    request.once("response", (response) => {
      readBody(url, response, options.maxBytes).then(resolve, (error: unknown) => {
        request.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    request.end();
  });
}

function open(url: URL, address: string, { signal, certificateAuthorities }: Exchange): ClientRequest {
  const shared = {
    method: "GET",
    path: `${url.pathname}${url.search}`,
    // A connection for this exchange alone: a pool would hand out one to an address that was checked long ago.
    agent: false,
    signal,
    headers: { host: url.host, accept: "*/*", "accept-encoding": "identity", "user-agent": "adyton" },
  } as const;
  if (url.protocol === "http:")
    return httpRequest({ ...shared, host: address, port: url.port === "" ? 80 : url.port });
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return httpsRequest({
    ...shared,
    host: address,
    port: url.port === "" ? 443 : url.port,
    // The certificate is checked for the name of the URL, not for the address.
    servername: isIP(name) === 0 ? name : "",
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(certificateAuthorities === undefined ? {} : { ca: [...certificateAuthorities] }),
  });
}

async function readBody(url: URL, response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "a payload's URI must not redirect: name the place itself",
      details: { host: url.hostname, status },
    });
  }
  if (status !== 200) throw unavailable(url, new Error(`HTTP status ${status}`));
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > maxBytes) {
      throw new InputError({
        code: "INPUT_TOO_LARGE",
        message: `a payload has at most ${maxBytes} bytes`,
        details: { host: url.hostname },
      });
    }
    parts.push(part);
  }
  if (!response.complete) throw unavailable(url, new Error("the body was cut short"));
  return Buffer.concat(parts);
}

/** A resolver cannot be interrupted; nobody waits for it longer. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(new Error("timed out"));
    };
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  });
}

function unavailable(url: URL, cause: unknown): UpstreamError {
  return new UpstreamError({
    code: "PAYLOAD_UNAVAILABLE",
    message: "the payload cannot be had from its URI now",
    details: { host: url.hostname },
    cause,
  });
}
