/**
 * Writes of proven ledgers: `GET /v1/ledgers/{ledger}/transitions` gives what enclaves signed, to whoever proves epochs;
 * `POST /v1/ledgers/{ledger}/writes` names the row that a request's answer is for, which the request's own context confirms.
 */

import express, { type Express, type RequestHandler } from "express";
import * as z from "zod";
import { TransitionsFile } from "../../coprocessor/epochs/epoch-file.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { address } from "../../protocol/fields.ts";
import { NamedWrite, type WriteCollector } from "../relay/ledgers/write-collector.ts";

export interface LedgerDoor {
  /** `undefined` for a ledger that this node does not serve, or serves on several chains while none is said. */
  readonly find: (
    ledger: Hex,
    chainId: number | undefined,
  ) => Pick<WriteCollector, "name" | "transitions"> | undefined;
}

const MAX_BODY_BYTES = 1_024;

const LedgerParameter = z.object({ ledger: address });
const ChainQuery = z.strictObject({ chainId: z.coerce.number().int().min(1).optional() });

/** @param limit of what may run at once: each asks the chain and enclaves */
export function addLedgerRoutes(app: Express, { find }: LedgerDoor, limit: RequestHandler): void {
  const collectorOf = (params: unknown, query: unknown): Pick<WriteCollector, "name" | "transitions"> => {
    const { ledger } = parse(LedgerParameter, params);
    const { chainId } = parse(ChainQuery, query);
    const found = find(ledger, chainId);
    if (found !== undefined) return found;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "this node serves no such proven ledger" });
  };
  app.get("/v1/ledgers/:ledger/transitions", limit, async (request, response) => {
    const file = await collectorOf(request.params, request.query).transitions();
    response.json(z.encode(TransitionsFile, file));
  });
  app.post(
    "/v1/ledgers/:ledger/writes",
    limit,
    express.json({ limit: MAX_BODY_BYTES }),
    async (request, response) => {
      const collector = collectorOf(request.params, request.query);
      await collector.name(parse(NamedWrite, request.body));
      response.status(204).end();
    },
  );
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(parsed.error) });
}
