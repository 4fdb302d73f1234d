import express, { Router } from "express";
import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { verifyMessage } from "../peers/message-signature.ts";
import {
  MAX_SHARES_BYTES,
  PeerShares,
  SHARES_PATH,
  type PeerShare,
  type ShareResult,
} from "../peers/peer-share.ts";

export interface PeerDoor {
  /** Names of operators by their nodes' keys. */
  readonly peers: ReadonlyMap<string, string>;
  /** What becomes of each share, in their order. */
  readonly take: (peer: string, shares: readonly PeerShare[]) => Promise<readonly ShareResult[]>;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A share and its twice as long output, in JSON. */
const MAX_BODY_BYTES = 2 * MAX_SHARES_BYTES;

/** Where nodes of other operators bring leaves and answers: only those that are listed, each message signed. */
export function peerRoute({ peers, take, now }: PeerDoor): Router {
  const router = Router();
  const known = new Set(peers.keys());
  router.post(
    SHARES_PATH,
    express.raw({ type: () => true, limit: MAX_BODY_BYTES }),
    async (request, response) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const message = { method: request.method, path: request.path, body };
      const key = verifyMessage(known, message, request.headers, Math.floor(now() / 1_000));
      const parsed = PeerShares.safeParse(readJson(body));
      if (!parsed.success)
        throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(parsed.error) });

      response.json({ results: await take(peers.get(key) ?? key, parsed.data.shares) });
    },
  );
  return router;
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the message is not JSON", cause });
  }
}
