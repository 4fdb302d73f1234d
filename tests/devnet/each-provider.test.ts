/**
 * The enclave's files that `adyton up` writes for a server of each provider in the catalogue, in a running enclave, against servers that
 * refuse what the vendors' APIs refuse: text, typed answers, and a panel.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeEnclaveFiles } from "../../devnet/enclave-files.ts";
import { chooseModel, type ModelChoice } from "../../devnet/model-choice.ts";
import type { BehaviourFile } from "../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../enclave/configuration/operator.ts";
import { PROVIDER_TEMPLATES } from "../../enclave/models/catalog/catalog.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../protocol/bytes.ts";
import { SignedAnswer } from "../../protocol/enclave-api.ts";
import { decodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { PanelRule, type Prompt } from "../../protocol/prompt.ts";
import { understoodEvent } from "../../protocol/transcript.ts";
import { answerCall, MODERATION, TEXT, toWire } from "../enclave/support/calls.ts";
import { CHAIN_ID, COORDINATOR, CREDENTIAL } from "../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../enclave/support/enclave-process.ts";
import { startStrictProvider, STRICT_APIS, type StrictProvider } from "../enclave/support/strict-provider.ts";

const NOTHING = { keys: {}, provider: null, modelUrl: null, modelName: null, modelCaFile: null };
const NAMES = PROVIDER_TEMPLATES.map(({ name }) => name);
/** The enclave goes by this machine's clock. */
const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 900);

const servers = new Map<string, StrictProvider>();
const models = new Map<string, string>();
let folder: string;
let enclave: EnclaveProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-each-"));
  const choices: ModelChoice[] = [];
  for (const template of PROVIDER_TEMPLATES) {
    const server = await startStrictProvider(STRICT_APIS[template.name]!);
    servers.set(template.name, server);
    const choice = await chooseModel(
      {
        ...NOTHING,
        provider: template.name,
        modelUrl: `${server.origin}/${template.format === "gemini" ? "v1beta" : "v1"}`,
        modelName: template.models[0]?.upstreamName ?? "some-model",
      },
      folder,
    );
    models.set(template.name, choice.models[0]!);
    choices.push(choice);
  }
  const providers = Object.assign(
    {},
    ...choices.map((choice) => choice.providers),
  ) as ModelChoice["providers"];
  const files = writeEnclaveFiles(folder, {
    model: { ...choices[0]!, providers },
    platform: "each provider",
    chainId: CHAIN_ID,
    coordinator: COORDINATOR,
    payee: COORDINATOR,
    credential: CREDENTIAL,
    functionsCredential: "functions",
    agentCredential: "agent",
    port: 0,
    clockChainUrl: null,
    chainServer: null,
    firstByteMs: 60_000,
  });
  const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
  enclave = await startEnclaveProcess({
    behaviour: read(files.behaviourFile) as BehaviourFile,
    operator: read(files.operatorFile) as OperatorFile,
  });
}, 120_000);
afterAll(async () => {
  await enclave.stop();
  for (const server of servers.values()) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(change: Partial<Prompt>): Promise<SignedAnswer> {
  const call = answerCall(change, { deadline, fee: 10n ** 28n });
  const reply = await enclave.call("POST", "/v1/answers", toWire(call));
  expect(reply.status).toBe(200);
  return z.decode(SignedAnswer, reply.json as z.input<typeof SignedAnswer>);
}

const reasonOf = ({ transcript }: SignedAnswer): unknown => {
  const last = transcript.map(understoodEvent).at(-1);
  return last?.type === "output.returned" ? last.reason : null;
};
const flagged = ({ output }: SignedAnswer): unknown =>
  decodeOutput(parseOutputType(MODERATION.schema), fromHex(output))[0];

test.for(NAMES)("%s answers in text and in types, and was sent nothing that it refuses", async (name) => {
  const asked = { models: [models.get(name)!] };
  const text = await ask({ ...asked, format: TEXT });
  expect([text.answer.status, reasonOf(text)]).toEqual([AnswerStatus.ok, null]);
  expect(fromUtf8(fromHex(text.output))).not.toBe("");
  const typed = await ask(asked);
  expect([typed.answer.status, reasonOf(typed)]).toEqual([AnswerStatus.ok, null]);
  expect(flagged(typed)).toBe(true);
  expect(servers.get(name)!.refusals).toEqual([]);
});

test("five of them agree in one panel", async () => {
  const panel = NAMES.slice(0, 5).map((name) => models.get(name)!);
  const agreed = await ask({ models: panel, panelRule: PanelRule.majority, panelQuorum: panel.length });
  expect([agreed.answer.status, reasonOf(agreed)]).toEqual([AnswerStatus.ok, null]);
  expect(flagged(agreed)).toBe(true);
});
