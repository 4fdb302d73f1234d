/** Once a model was asked, something is signed, once: whatever the model said, and whatever was thrown (enclave.md, 1). */

import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createOperatorAccount } from "../../../enclave/accounts/account.ts";
import { AnswerLedger } from "../../../enclave/answers/answer-ledger.ts";
import { infer, type Inference } from "../../../enclave/answers/infer.ts";
import {
  makeAnswer,
  type MadeAnswer,
  type Question,
  type Signatory,
} from "../../../enclave/answers/sign-answer.ts";
import { toRepairQuestion } from "../../../enclave/answers/question.ts";
import type { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { createIdentity } from "../../../enclave/identity/identity.ts";
import { StatementLog } from "../../../enclave/log/statement-log.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { offChainDomain } from "../../../protocol/domain.ts";
import { InputError } from "../../../protocol/errors.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { OutputKind, PanelRule, type Prompt } from "../../../protocol/prompt.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { prompt, TEXT } from "../support/calls.ts";
import { behaviourFile, operatorFile } from "../support/configuration.ts";
import { complete, fakeModels, says, type Respond } from "../support/fake-models.ts";

const HASH = `0x${"11".repeat(32)}` as const;
const NOW = 1_800_000_000;
const endpoint = { url: "https://127.0.0.1:1/v1", certificateAuthority: "-----BEGIN CERTIFICATE-----" };
const identity = createIdentity(
  readConfiguration(toUtf8(JSON.stringify(behaviourFile(endpoint))), toUtf8(JSON.stringify(operatorFile()))),
  "test",
);

let bugs: unknown[] = [];
let log = new StatementLog(identity);
beforeEach(() => {
  bugs = [];
  log = new StatementLog(identity);
});

/** How many statements the key has made. */
const statements = (): number => Number(log.checkpoint().split("\n")[1]);

function signatory(): Signatory {
  return {
    identity,
    attested: { evidence: { kind: "simulator", bytes: "0x00", claims: "0x00" }, endorsements: null },
    clock: {
      read: () => ({ now: NOW, lowerBound: NOW, source: "test" }),
      synchronize: () => Promise.resolve(),
    },
    log,
    reportBug: (error) => bugs.push(error),
  };
}

const question: Question = {
  domain: offChainDomain(),
  requestId: HASH,
  payloadHash: HASH,
  context: HASH,
  stateBlock: null,
};

async function answer(respond: Respond, change: Partial<Prompt>, onAsked?: () => void): Promise<MadeAnswer> {
  const models = change.models ?? ["fake/a"];
  const names = models.filter((name) => name.startsWith("fake/")).map((name) => name.slice("fake/".length));
  const inference: Inference = {
    catalog: fakeModels(Object.fromEntries(names.map((name) => [name, respond]))),
    account: createOperatorAccount(() => null),
    sources: null,
    retries: 1,
    pause: () => Promise.resolve(),
  };
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({ models: ["fake/a"], ...change }),
  });
  const bounds = { fee: 10n ** 18n, maxOutputBytes: 4_096 };
  const work = (recorder: TranscriptRecorder) => infer(inference, payload, bounds, recorder);
  return await makeAnswer(signatory(), question, work, onAsked);
}

const json = (schema: unknown): Prompt["format"] => ({
  kind: OutputKind.json,
  schema: JSON.stringify(schema),
  choices: [],
});

const reasonOf = ({ transcript }: MadeAnswer): unknown => {
  const last = transcript.at(-1);
  return last !== undefined && "event" in last && "reason" in last.event ? last.event.reason : undefined;
};

describe("what a model says", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.constantFrom(
      '{"s":"\\ud800"}',
      '{"\\udfff":1}',
      "1e999999",
      "-0",
      '{"__proto__":1}',
      "[".repeat(128) + "]".repeat(128),
    ),
  );
  const schema = fc.oneof(
    fc.constant({}),
    fc.constant({ $ref: "#/$defs/a", $defs: { a: { type: "array", items: { $ref: "#/$defs/a" } } } }),
    fc.constant({ anyOf: [{ const: "yes" }, { type: "object", additionalProperties: { type: "string" } }] }),
    fc.dictionary(fc.constantFrom("type", "enum", "const", "anyOf", "items", "minimum"), fc.jsonValue()),
  );

  test("ends in one signed statement under any schema, and is thrown at nobody", async () => {
    await fc.assert(
      fc.asyncProperty(schema, hostile, async (given, said) => {
        const before = statements();
        const made = await answer(() => says(said), { format: json(given) });
        expect(made.signature).toHaveLength(132);
        expect(statements()).toBe(before + 1);
        expect(bugs).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test.for([
    ["a surrogate alone in a string", '{"s":"\\ud800"}'],
    ["a surrogate alone in a name", '{"\\ud800":1}'],
  ] as const)("%s is no output, also among a panel", async ([, said]) => {
    const panel = { models: ["fake/a", "fake/b"], panelRule: PanelRule.majority, panelQuorum: 1 };
    for (const change of [{}, panel]) {
      const made = await answer(() => says(said), { ...change, format: json({}) });
      expect(made.answer.status).toBe(AnswerStatus.invalidOutput);
    }
  });

  test("of itself is no reason to throw: names of models and responses that no transcript holds are left out", async () => {
    const body =
      '{"id":"\\ud800","model":"\\udfff","choices":[{"finish_reason":"stop","message":{"content":"hi"}}]}';
    const made = await answer(() => complete(200, body), { format: TEXT });
    expect(made.answer.status).toBe(AnswerStatus.ok);
  });

  test("that is wrong is told why in the transcript, for a person", async () => {
    const made = await answer(() => says('{"a":1}'), { format: json({ required: ["b"] }) });
    expect(made.answer.status).toBe(AnswerStatus.invalidOutput);
    expect(reasonOf(made)).toBe("$.b is missing");
    const unknown = await answer(() => says(""), {
      models: ["fake/a", "other/b"],
      panelRule: 1,
      panelQuorum: 1,
    });
    expect(unknown.answer.status).toBe(AnswerStatus.invalidRequest);
    expect(reasonOf(unknown)).toBe("unknown model");
  });
});

describe("whatever is thrown", () => {
  const broken = new RangeError("Maximum call stack size exceeded");

  test("after a model was asked is signed as invalidOutput, and told to the operator", async () => {
    const made = await answer(() => Promise.reject(broken), { format: TEXT });
    expect(made.answer.status).toBe(AnswerStatus.invalidOutput);
    expect(bugs).toEqual([broken]);
  });

  test("before anyone was asked is signed by nobody", async () => {
    const work = () => Promise.reject(broken);
    await expect(makeAnswer(signatory(), question, work)).rejects.toBe(broken);
    expect(statements()).toBe(0);
  });

  test("never makes the ledger forget that somebody was asked", async () => {
    const ledger = new AnswerLedger();
    const failing = ledger.add(HASH, 2_000_000_000n, NOW, (onAsked) => {
      onAsked();
      return Promise.reject(broken);
    });
    await expect(failing).rejects.toBe(broken);
    expect(codeOf(() => ledger.find(HASH))).toBe("INPUT_CONFLICT");
    const other = `0x${"22".repeat(32)}` as const;
    const early = ledger.add(other, 2_000_000_000n, NOW, () =>
      Promise.reject(new InputError({ code: "INPUT_INVALID", message: "no" })),
    );
    expect(await rejectionOf(() => early)).toBe("INPUT_INVALID");
    expect(ledger.find(other)).toBeUndefined();
  });
});

test("a repair leaves out the turn of a model that said nothing: providers refuse an empty one", () => {
  const asked = { messages: [{ role: "user" as const, content: "Q" }] };
  const repaired = (said: string) => toRepairQuestion(asked as never, said, "it is empty").messages;
  expect(repaired(" \n").map(({ role }) => role)).toEqual(["user", "user"]);
  expect(repaired("no").map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
});
