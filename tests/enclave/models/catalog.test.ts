/**
 * Every template of the catalogue against a server that refuses what its vendor's API refuses, through the enclave's own way
 * out: text, a typed answer, every effort that the template lists, and a panel of three vendors.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOperatorAccount } from "../../../enclave/accounts/account.ts";
import { infer } from "../../../enclave/answers/infer.ts";
import type { Outcome } from "../../../runtime/output/panel.ts";
import { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import { Behaviour, type BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { createEgress } from "../../../enclave/egress/egress.ts";
import { PROVIDER_TEMPLATES, toProvider } from "../../../enclave/models/catalog/catalog.ts";
import { createModelCatalog, type ModelCatalog } from "../../../enclave/models/model-catalog.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { decodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { PanelRule, PROVIDER_DEFAULT_SAMPLING, type Prompt } from "../../../protocol/prompt.ts";
import { MODERATION, prompt, TEXT } from "../support/calls.ts";
import { behaviourFile } from "../support/configuration.ts";
import { startStrictProvider, STRICT_APIS, type StrictProvider } from "../support/strict-provider.ts";

const HASH = `0x${"11".repeat(32)}` as const;
/** In a prompt's numbering. */
const EFFORTS = ["default", "none", "low", "medium", "high", "xhigh", "max"];
const PRICE = { perRequest: "1", perInputToken: "1", perOutputToken: "1" };

const servers = new Map<string, StrictProvider>();
let catalog: ModelCatalog;

const modelsOf = (name: string): readonly string[] =>
  [...catalog.keys()].filter((id) => id.startsWith(`${name}/`));

beforeAll(async () => {
  const providers: BehaviourFile["providers"] = {};
  for (const template of PROVIDER_TEMPLATES) {
    const server = await startStrictProvider(STRICT_APIS[template.name]!);
    servers.set(template.name, server);
    providers[template.name] = toProvider(template, {
      baseUrl: `${server.origin}/${template.format === "gemini" ? "v1beta" : "v1"}`,
      models: template.models.length === 0 ? ["some-model"] : [],
      price: PRICE,
      secret: "key",
      // On the loopback here, where models have it.
      weightsSha256: "ab".repeat(32),
    });
  }
  const file = behaviourFile({ url: "https://unused.example", certificateAuthority: "" });
  const behaviour = Behaviour.parse({
    ...file,
    certificateAuthorities: [],
    time: { source: "host-clock-for-testing" },
    limits: {
      ...file.limits,
      firstByteMs: 30_000,
      wholeExchangeMs: 60_000,
      connectMs: 30_000,
      stallMs: 30_000,
    },
    providers,
  });
  catalog = createModelCatalog(behaviour, ({ connection, minimumTls, minimumScts }) =>
    createEgress(behaviour, { connection, minimumTls, minimumScts, now: () => null }),
  );
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

async function ask(change: Partial<Prompt>): Promise<Outcome> {
  const recorder = new TranscriptRecorder({
    domain: "Adyton",
    requestId: HASH,
    payloadHash: HASH,
    context: HASH,
    stateBlock: null,
    evidenceHash: HASH,
    time: 0,
    clock: { source: "test", lowerBound: 0 },
  });
  const payload = encodePayload({ type: PayloadType.inference, prompt: prompt(change) });
  const inference = {
    catalog,
    account: createOperatorAccount(() => "key"),
    sources: null,
    retries: 0,
    pause: () => Promise.resolve(),
  };
  return await infer(inference, payload, { fee: 10n ** 30n, maxOutputBytes: 4_096 }, recorder);
}

const flagged = ({ output }: Outcome): unknown => decodeOutput(parseOutputType(MODERATION.schema), output)[0];

describe.for(PROVIDER_TEMPLATES.map((template) => [template.name, template] as const))(
  "%s",
  ([name, template]) => {
    test("says where its figures are from, and when they were read", () => {
      expect(template.sources.every((source) => source.startsWith("https://"))).toBe(true);
      expect(template.readOn).toMatch(/^20\d\d-\d\d-\d\d$/u);
    });

    test("answers in text and in types, every model of it", async () => {
      for (const model of modelsOf(name)) {
        expect([model, (await ask({ models: [model], format: TEXT })).status]).toEqual([
          model,
          AnswerStatus.ok,
        ]);
        const typed = await ask({ models: [model] });
        expect([model, typed.status, typed.reason]).toEqual([model, AnswerStatus.ok, null]);
        expect(flagged(typed)).toBe(true);
      }
      expect(servers.get(name)!.refusals).toEqual([]);
    });

    test("takes every effort that it lists, and refuses others before anyone is asked", async () => {
      const [first] = modelsOf(name);
      const listed = catalog.get(first!)!.model.sampling.efforts;
      const asked = servers.get(name)!.bodies.length;
      for (const [effort, spelled] of EFFORTS.entries()) {
        const sampling = { ...PROVIDER_DEFAULT_SAMPLING, effort };
        const outcome = await ask({ models: [first!], format: TEXT, sampling, maxOutputTokens: 2_000 });
        const isListed = effort === 0 || (listed as readonly string[]).includes(spelled);
        expect([spelled, outcome.status]).toEqual([
          spelled,
          isListed ? AnswerStatus.ok : AnswerStatus.invalidRequest,
        ]);
      }
      expect(servers.get(name)!.refusals).toEqual([]);
      const served = EFFORTS.filter(
        (effort, index) => index === 0 || (listed as readonly string[]).includes(effort),
      );
      expect(servers.get(name)!.bodies.length - asked).toBe(served.length);
    });
  },
);

test("a panel of three vendors agrees", async () => {
  const models = ["openai", "anthropic", "google"].map((name) => modelsOf(name)[0]!);
  const outcome = await ask({ models, panelRule: PanelRule.majority, panelQuorum: 3 });
  expect(outcome.status).toBe(AnswerStatus.ok);
  expect(flagged(outcome)).toBe(true);
});
