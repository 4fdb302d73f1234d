/** The log of signed statements: its head, and proofs about it, as text in the formats of C2SP. */

import { Router, type Response } from "express";
import * as z from "zod";
import { bytes32 } from "../../protocol/fields.ts";
import type { StatementLog } from "../log/statement-log.ts";
import { parseInput } from "./parse-input.ts";

const size = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,14})$/, { error: "expected a size of the log" })
  .transform(Number);
const ProofQuery = z.strictObject({ id: bytes32 });
const ConsistencyQuery = z.strictObject({ from: size, to: size.optional() });

export function createLogRoutes(log: StatementLog): Router {
  const router = Router();
  router.get("/v1/log/checkpoint", (_request, response) => {
    sendText(response, log.checkpoint());
  });
  router.get("/v1/log/proof/:id", (request, response) => {
    // Whoever knows an id knows the statement: off chain it is 32 random bytes, on chain it is public.
    sendText(response, log.inclusion(parseInput(ProofQuery, request.params).id));
  });
  router.get("/v1/log/consistency", (request, response) => {
    const { from, to } = parseInput(ConsistencyQuery, request.query);
    sendText(response, log.consistency(from, to));
  });
  return router;
}

function sendText(response: Response, text: string): void {
  response.type("text/plain; charset=utf-8").send(text);
}
