/**
 * `npm run -s bench:coprocessor -- [--json] [--rows N] [--epochs N,N]`: what a ledger costs, from transactions on a local chain, beside what the same
 * answers cost one by one. Every fee is recomputed by a script that shares nothing with the ledger's own code.
 */

import { parseArgs } from "node:util";
import { LedgerGasConsumer__factory } from "../contracts/bindings/index.ts";
import { Ledger } from "../coprocessor/ledger/ledger.ts";
import * as p from "../protocol/index.ts";
import { measureEpoch, type EpochFigures } from "./coprocessor/epochs.ts";
import { recomputeBalances } from "./coprocessor/balances.ts";
import {
  admitNodes,
  askMany,
  deployLedger,
  localKey,
  logsOf,
  nextEpoch,
  PRICE,
  settleArguments,
  settleNext,
  signEpoch,
  toRowProof,
  type LedgerStage,
} from "./coprocessor/stage.ts";
import { startChain, type Chain } from "./gas/chain.ts";
import { createNode, encodeBatch, type Asked } from "./gas/node.ts";
import { FEE, lastAsked, OUTPUT, PROMPT, VALUE } from "./gas/stage.ts";

/** Gas, and seconds of processor. */
const GOALS = { transaction: 80_000, row: 4_500, check: 12_000, signSeconds: 5 } as const;
/** Rows of the smaller of two epochs, between which a line is drawn. With the larger one, all are before the 1,024th entry. */
const FEW_ROWS = 10;
/** Answers that `fulfillBatch` delivers at once. */
const BATCH_ANSWERS = 50;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "1000" },
    /** Rows of the proven epochs to measure: 115 take 1.6 GB and a minute, 232 twice that. */
    epochs: { type: "string", default: "14" },
  },
});
const manyRows = Number(values.rows);

/** As `Inference` writes it: a post to be judged. */
const PAYLOAD = p.toHex(
  p.encodePayload({
    type: p.PayloadType.inference,
    prompt: {
      models: ["openai/gpt-5.1"],
      panelRule: 0,
      panelQuorum: 0,
      messages: [{ role: p.Role.user, content: PROMPT }],
      maxOutputTokens: 16,
      sampling: p.PROVIDER_DEFAULT_SAMPLING,
      format: { kind: p.OutputKind.choice, schema: "", choices: ["allow", "review", "block"] },
      parts: [],
    },
  }),
);

async function measureSnapshots(stage: LedgerStage) {
  const { chain, contract } = stage;
  await chain.mine(contract.ask(localKey(0), PAYLOAD));
  const askGas = await chain.gasOf(contract.ask(localKey(1), PAYLOAD));
  await askMany(stage, FEW_ROWS - 2, PAYLOAD);
  // The first epoch makes slots that later ones find made.
  await settleNext(stage);
  await askMany(stage, FEW_ROWS, PAYLOAD);
  const fewGas = await settleNext(stage);
  await askMany(stage, manyRows, PAYLOAD);
  const { call } = await nextEpoch(stage);
  if (call.entries.length !== manyRows) throw new Error(`${call.entries.length} rows in the large epoch`);
  const before = process.cpuUsage();
  const signed = signEpoch(stage, call);
  const { user, system } = process.cpuUsage(before);
  const signSeconds = (user + system) / 1e6;
  const manyGas = await chain.gasOf(contract.settle(...settleArguments(call, signed)));
  const rowGas = (manyGas - fewGas) / (manyRows - FEW_ROWS);
  return { askGas, fewGas, manyGas, rowGas, baseGas: fewGas - FEW_ROWS * rowGas, signSeconds };
}

/** Of a row in the middle of the large epoch, to a contract that reads it: the call alone, nothing warm. */
async function measureCheck(stage: LedgerStage): Promise<number> {
  const reader = await new LedgerGasConsumer__factory(stage.chain.owner).deploy();
  const ledger = Ledger.fromLogs(await logsOf(stage));
  const row = ledger.row(ledger.epochs - 1, Math.floor(manyRows / 2));
  return Number(await reader.gasOfCheck(stage.name.ledger, row.bytes, toRowProof(row)));
}

async function measureThree(stage: LedgerStage, rowGas: number): Promise<number> {
  await askMany(stage, FEW_ROWS, PAYLOAD);
  await settleNext(stage);
  await askMany(stage, FEW_ROWS, PAYLOAD);
  return (await settleNext(stage)) - FEW_ROWS * rowGas;
}

/** The same answers delivered, a batch of fifty to fifty contracts. */
async function measureBatch(chain: Chain, policyId: p.Hex): Promise<number> {
  const batch: Asked[] = [];
  for (let index = 0; index < BATCH_ANSWERS; index += 1) {
    const consumer = await chain.deployConsumer(policyId);
    await chain.mine(consumer.ask(1, PROMPT, FEE, { value: VALUE }));
    batch.push(await lastAsked(chain));
  }
  return Math.round(
    (await chain.gasOf(chain.settle(encodeBatch(createNode("n0"), batch, OUTPUT)))) / BATCH_ANSWERS,
  );
}

/** @returns how many fees were paid. @throws where the contract holds something else than follows from transactions and logs */
async function checkBalances({ chain, contract, name }: LedgerStage): Promise<number> {
  const registry = await chain.enclaves.getAddress();
  const expected = await recomputeBalances(chain.provider, { ledger: name.ledger, registry, price: PRICE });
  const mismatches: string[] = [];
  let total = expected.held;
  for (const [account, balance] of expected.accounts) {
    total += balance;
    if ((await contract.balanceOf(account)) !== balance) mismatches.push(`account ${account}`);
  }
  for (const [payee, owed] of expected.payees) {
    total += owed;
    if ((await contract.owedTo(payee)) !== owed) mismatches.push(`payee ${payee}`);
  }
  if ((await chain.provider.getBalance(name.ledger)) !== total) mismatches.push("the contract's own balance");
  if (mismatches.length > 0)
    throw new Error(`balances differ from what was earned: ${mismatches.join(", ")}`);
  return expected.feesPaid;
}

const chain = await startChain();
try {
  const admitted = await admitNodes(chain);
  const single = await deployLedger(chain, admitted, 1);
  const measured = await measureSnapshots(single);
  const checkGas = await measureCheck(single);
  const three = await deployLedger(chain, admitted, 3);
  const m3BaseGas = await measureThree(three, measured.rowGas);
  const feesPaid = (await checkBalances(single)) + (await checkBalances(three));
  const epoch: Record<string, EpochFigures> = {};
  for (const rows of values.epochs.split(",").map(Number))
    epoch[rows] = await measureEpoch(chain, admitted, rows);

  const fulfillBatchPerAnswer = await measureBatch(chain, admitted.policyId);
  const figures = {
    askGas: measured.askGas,
    snapshot: {
      baseGas: Math.round(measured.baseGas),
      rowGas: Math.round(measured.rowGas),
      m3BaseGas: Math.round(m3BaseGas),
      rows: manyRows,
      settleGas: measured.manyGas,
      perRowGas: Math.round(measured.manyGas / manyRows),
      signSeconds: Math.round(measured.signSeconds * 100) / 100,
      feesPaid,
    },
    epoch,
    checkGas,
    fulfillBatchPerAnswer,
  };
  const goal = GOALS.transaction + GOALS.row * manyRows;
  const missed = [
    ...(measured.manyGas > goal ? [`settling ${manyRows} rows: ${measured.manyGas}, goal ${goal}`] : []),
    ...(checkGas > GOALS.check ? [`check: ${checkGas}, goal ${GOALS.check}`] : []),
    ...(measured.signSeconds > GOALS.signSeconds
      ? [`signing: ${measured.signSeconds} s, goal ${GOALS.signSeconds}`]
      : []),
  ];
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  for (const miss of missed) process.stderr.write(`MISSED ${miss}\n`);
} finally {
  await chain.stop();
}
