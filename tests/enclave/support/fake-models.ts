import { createHash } from "node:crypto";
import {
  type CatalogModel,
  createModelCatalog,
  type ModelCatalog,
} from "../../../enclave/models/model-catalog.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import type { ExchangeOutcome, OutgoingRequest } from "../../../enclave/egress/exchange.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import { behaviourFile, modelFile } from "./configuration.ts";

export type Respond = (request: OutgoingRequest, turn: number) => Promise<ExchangeOutcome> | ExchangeOutcome;

/** Models `fake/{name}` that speak Chat Completions through a network of the test's own. */
export function fakeModels(
  models: Readonly<Record<string, Respond>>,
  change: Parameters<typeof modelFile>[1] = {},
): ModelCatalog {
  const [provider] = Object.values(
    behaviourFile({ url: "https://fake.example/v1", certificateAuthority: "" }).providers,
  );
  const names = Object.keys(models);
  const behaviour = Behaviour.parse({
    ...behaviourFile({ url: "https://fake.example/v1", certificateAuthority: "-----BEGIN CERTIFICATE-----" }),
    providers: {
      fake: { ...provider, models: Object.fromEntries(names.map((name) => [name, modelFile(name, change)])) },
    },
  });
  const catalog = createModelCatalog(behaviour, () => () => Promise.reject(new Error("not wired")));
  const turns = new Map<string, number>();
  return new Map(
    [...catalog].map(([id, model]): [string, CatalogModel] => [
      id,
      {
        ...model,
        exchange: async (request) => {
          const turn = turns.get(id) ?? 0;
          turns.set(id, turn + 1);
          const respond = models[model.model.upstreamName];
          if (respond === undefined) throw new Error(`no fake for ${id}`);
          return await respond(request, turn);
        },
      },
    ]),
  );
}

export function complete(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): ExchangeOutcome {
  const bytes = new TextEncoder().encode(body);
  return {
    kind: "complete",
    response: {
      status,
      headers,
      body: bytes,
      bodySha256: new Uint8Array(createHash("sha256").update(bytes).digest()),
      transport: { kind: "plain-loopback", address: "127.0.0.1" },
    },
  };
}

export function says(content: string): ExchangeOutcome {
  const message = { role: "assistant", content };
  return complete(
    200,
    JSON.stringify({ id: "chat-1", model: "fake", choices: [{ finish_reason: "stop", message }] }),
  );
}

export function unreachable(): ExchangeOutcome {
  const error = new UpstreamError({ code: "MODEL_UNREACHABLE", message: "no connection" });
  return { kind: "failed", error, transport: null };
}
