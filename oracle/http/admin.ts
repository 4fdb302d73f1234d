import { Router } from "express";
import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { requireToken } from "./require-token.ts";

/** The calls by which an operator rules a running node. */
export interface Operations {
  retry(requestId: Hex): Promise<void>;
  /**
   * Follows a history that drops what counted as settled.
   *
   * @throws {InputError} INPUT_NOT_FOUND
   */
  acceptReorg(chainId: number): void;
  deadLetters(): Promise<readonly object[]>;
  /** Returns at once; the process ends when its work is done. */
  drain(): void;
}

/** Routes that change something: only with the operator's token, and not there at all without one. */
export function createAdminRouter(operations: Operations, token: string): Router {
  const router = Router();
  router.use(requireToken(token, "admin"));
  router.get("/dead-letters", async (_request, response) => {
    response.json({ jobs: await operations.deadLetters() });
  });
  router.post("/requests/:requestId/retry", async (request, response) => {
    const id = bytes32.safeParse(z.string().parse(request.params["requestId"]));
    if (!id.success) throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(id.error) });
    await operations.retry(id.data);
    response.status(202).json({ status: "queued" });
  });
  router.post("/chains/:chainId/accept-reorg", (request, response) => {
    const chainId = z.coerce.number().int().min(1).safeParse(request.params.chainId);
    if (!chainId.success)
      throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(chainId.error) });
    operations.acceptReorg(chainId.data);
    response.status(202).json({ status: "accepted" });
  });
  router.post("/drain", (_request, response) => {
    operations.drain();
    response.status(202).json({ status: "draining" });
  });
  return router;
}
