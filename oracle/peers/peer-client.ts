import * as z from "zod";
import { AdytonError, UpstreamError } from "../../protocol/errors.ts";
import { withDeadline } from "../engine/deadline.ts";
import { type PeerKey, signMessage } from "./message-signature.ts";
import { PeerReply, PeerShares, SHARES_PATH, type PeerShare, type ShareResult } from "./peer-share.ts";

export interface PeerClientOptions {
  readonly url: string;
  readonly key: PeerKey;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A peer that needs longer is asked again: what it has kept, it has kept. */
const TIMEOUT_MS = 10_000;
const MAX_REPLY_BYTES = 65_536;

/** Tells another operator's node what this one has. */
export class PeerClient {
  readonly #options: PeerClientOptions;

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  /**
   * What the peer made of each share, in their order.
   *
   * @throws {UpstreamError} PEER_UNAVAILABLE when it cannot be reached, or says anything else
   */
  async send(shares: readonly PeerShare[], signal: AbortSignal): Promise<readonly ShareResult[]> {
    const { url, key, now } = this.#options;
    const body = Buffer.from(JSON.stringify(z.encode(PeerShares, { shares: [...shares] })));
    const target = new URL(SHARES_PATH, url);
    const message = { method: "POST", path: target.pathname, body };
    const headers = signMessage(key, message, Math.floor(now() / 1_000));
    try {
      return await withDeadline(
        TIMEOUT_MS,
        async (limits) => {
          const response = await fetch(target, {
            ...{ method: "POST", body, redirect: "error", signal: limits },
            headers: { ...headers, "content-type": "application/json" },
          });
          if (!response.ok) throw unavailable(url, undefined, response.status);
          const { results } = PeerReply.parse(JSON.parse(await readAtMost(response)));
          if (results.length !== shares.length)
            throw new TypeError("another number of results than of shares");
          return results;
        },
        signal,
      );
    } catch (cause) {
      if (cause instanceof AdytonError) throw cause;
      throw unavailable(url, cause);
    }
  }
}

async function readAtMost(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return "";
  for await (const part of body) {
    size += part.length;
    if (size > MAX_REPLY_BYTES) throw new TypeError("the reply is too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function unavailable(url: string, cause: unknown, status?: number): UpstreamError {
  return new UpstreamError({
    code: "PEER_UNAVAILABLE",
    message:
      status === 401
        ? "the peer does not know this node's key: its operator adds it to operators.peers"
        : "the peer's node cannot be reached, or does not answer as one",
    details: { host: new URL(url).host, status: status ?? null },
    cause,
  });
}
