/**
 * The network of `adyton up` with a server of each provider in the catalogue, which refuses what its vendor's API refuses: texts, typed
 * answers and panels, each from a contract's question to a receipt that anyone judges.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askConcierge, readDelivered } from "../../cli/ask/ask-concierge.ts";
import type { Answered } from "../../cli/ask/ask-contract.ts";
import { toPrompt, type Question } from "../../cli/ask/question.ts";
import { readReply, type Reply } from "../../cli/ask/reply.ts";
import { downloadReceipt } from "../../cli/receipt/download.ts";
import { verifyReceiptFile } from "../../cli/verify/receipt.ts";
import { readPolicy } from "../../cli/verify/evidence-options.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { chooseModel, type ModelChoice } from "../../devnet/model-choice.ts";
import { PROVIDER_TEMPLATES } from "../../enclave/models/catalog/catalog.ts";
import { startStrictProvider, STRICT_APIS, type StrictProvider } from "../enclave/support/strict-provider.ts";
import { startTestNetwork } from "../support/local-network.ts";

const NAMES = PROVIDER_TEMPLATES.map(({ name }) => name);
const TYPE = "(bool abusive, uint8 severity 0..10, string<=200 reason)";
const POST = "Is this abusive: you idiot";
const NOTHING = { keys: {}, provider: null, modelUrl: null, modelName: null, modelCaFile: null };
/** A panel has at most seven. */
const PANELS = [NAMES.slice(0, 7), NAMES.slice(7)] as const;

interface Settled extends Answered, Reply {
  /** Of the receipt, by the network's own policy; null while there is none, since nothing is settled. */
  readonly verdict: number | null;
}

const servers = new Map<string, StrictProvider>();
const models = new Map<string, string>();
let folder: string;
/** One for all: it numbers what is sent at the same time. */
let signer: Signer;
let running: Awaited<ReturnType<typeof startTestNetwork>>;

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
  running = await startTestNetwork({
    model: {
      ...choices[0]!,
      providers: Object.assign({}, ...choices.map(({ providers }) => providers)) as ModelChoice["providers"],
      models: choices.flatMap((choice) => choice.models),
    },
  });
  signer = localSigner(running.network.provider, LocalAccount.asker);
}, 240_000);

afterAll(async () => {
  await running.stop();
  for (const server of servers.values()) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Asks as `adyton ask` does, and verifies the receipt as `adyton verify` does. */
async function ask(change: Omit<Question, "question">): Promise<Settled> {
  const { file, provider } = running.network;
  const answered = await askConcierge(file, provider, {
    prompt: toPrompt({ ...change, question: POST }),
    signer,
    timeoutMs: 90_000,
    onStep: () => undefined,
  });
  const delivered = await readDelivered(file, provider, answered);
  const receipt =
    answered.fulfillTx === null
      ? null
      : (await downloadReceipt(file.oracleUrl, answered.requestId, folder)).bytes;
  const policy = await readPolicy(file.policyFile);
  const verdict = receipt === null ? null : await verifyReceiptFile(receipt, { policy, further: null });
  const reply = readReply(answered, change.outputType, { delivered, receipt });
  return { ...answered, ...reply, verdict: verdict?.exitCode ?? null };
}

const SETTLED = { status: "ok", delivered: true, problem: null, verdict: 0 };
const JUDGED = { answer: { abusive: true, severity: 4n } };

test.concurrent.for(NAMES)(
  "%s answers in text and in types, and was sent nothing that it refuses",
  async (name) => {
    const asked = { models: [models.get(name)!] };
    const [text, typed] = await Promise.all([
      ask({ ...asked, outputType: null }),
      ask({ ...asked, outputType: TYPE }),
    ]);
    expect(text).toMatchObject({ ...SETTLED, answer: expect.stringMatching(/./u) as string });
    expect(typed).toMatchObject({ ...SETTLED, ...JUDGED });
    expect(servers.get(name)!.refusals).toEqual([]);
  },
);

test.concurrent.for(PANELS)("a panel of %s agrees", async (names) => {
  const members = names.map((name) => models.get(name)!);
  const settled = await ask({ models: members, quorum: members.length, outputType: TYPE });
  expect(settled).toMatchObject({ ...SETTLED, ...JUDGED });
  for (const name of names) expect(servers.get(name)!.refusals).toEqual([]);
});

test.concurrent.for(NAMES)("what %s does not take is told to the requester, and never sent", async (name) => {
  const asked = { models: [models.get(name)!], outputType: null };
  const settings = [{ temperatureMilli: 500 }, { effort: "max" }] as const;
  for (const settled of await Promise.all(settings.map((setting) => ask({ ...asked, ...setting })))) {
    const refused = {
      status: "invalidRequest",
      problem: expect.stringContaining("cannot be asked this: ") as string,
    };
    expect(settled).toMatchObject(settled.status === "ok" ? SETTLED : refused);
  }
  expect(servers.get(name)!.refusals).toEqual([]);
});
