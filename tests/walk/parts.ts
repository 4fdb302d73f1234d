/** What the walk types, page by page, in an order in which each finds what it needs. */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Document } from "./document.ts";
import { writeEvidence } from "./evidence-files.ts";
import type { Terminal, Typed } from "./terminal.ts";

export interface Place {
  readonly terminal: Terminal;
  /** The fresh clone: every terminal starts there. */
  readonly clone: string;
}

export interface Part {
  readonly name: string;
  readonly page: string;
  readonly walk: (document: Document, place: Place) => Promise<void>;
}

const UP = /Ctrl-C ends it/;
/** forge gets solc from the clone: a reader's own downloads it, which a test must not. */
const FORGE = "FOUNDRY_SOLC=$CLONE/tools/solc FOUNDRY_OFFLINE=true forge";

export const PARTS: readonly Part[] = [
  { name: "readme", page: "README.md", walk: walkReadme },
  { name: "consumer", page: "docs/tutorials/first-consumer.md", walk: walkConsumer },
  { name: "agent", page: "docs/tutorials/first-agent.md", walk: walkAgent },
  { name: "ledger", page: "docs/tutorials/a-ledger.md", walk: walkLedger },
  { name: "node", page: "docs/how-to/run-a-node.md", walk: walkNode },
  { name: "evidence", page: "docs/how-to/verify-evidence.md", walk: walkEvidence },
  { name: "functions", page: "docs/how-to/chainlink-functions.md", walk: walkFunctions },
  { name: "prover", page: "docs/how-to/run-a-prover.md", walk: walkProver },
  { name: "join", page: "docs/how-to/join.md", walk: walkJoin },
  { name: "install", page: "docs/how-to/install.md", walk: walkInstalled },
];

async function walkReadme(document: Document, { terminal, clone }: Place): Promise<void> {
  const { type, start } = document;
  // Every terminal of the walk has it.
  document.typedBefore('CLONE=$PWD; adyton() { npm run -s --prefix "$CLONE" adyton -- "$@"; }');
  await type("npm ci && npm run demo");
  const network = await start("npm run -s adyton -- up", UP);
  const asked = await type('npm run -s adyton -- ask "Is water wet?" --returns "(bool yes, string why)"');
  await terminal.type(printed(asked, /npm run -s adyton -- verify .*(?:\n +.*)*/));
  await network.stop();
  // A contract developer's is the tutorial; an operator's four commands, and a verifier's two:
  const rehearsal = await start("adyton up", UP);
  rmSync(join(clone, "my-node"), { recursive: true, force: true });
  await type("adyton oracle init my-node");
  await type("adyton oracle check --config my-node/oracle.json");
  const node = await start("adyton oracle run --config my-node/oracle.json", /"event":"ready"/);
  await terminal.type("adyton oracle requests");
  await node.stop();
  await rehearsal.stop();
  await type("adyton verify FILE", { as: "adyton verify examples/evidence/nitro-document.cbor", status: 4 });
  await type("adyton verify FILE --policy policy.json", {
    as: "adyton verify examples/evidence/simulated-quote.bin --policy examples/evidence/simulated-policy.json --time 2026-11-01",
  });
  await type("npm run -s adyton -- verify examples/evidence/simulated-quote-altered.bin --time 2026-11-01", {
    status: 1,
  });
}

async function walkConsumer(document: Document, { clone }: Place): Promise<void> {
  const { type, start, text } = document;
  rmSync(join(clone, "../founded"), { recursive: true, force: true });
  document.typedBefore("npm ci");
  await type("npm run -s adyton -- init ../founded");
  document.typedBefore("cd ../founded");
  await type("forge test", { as: `cd ../founded && ${FORGE} test` });
  const network = await start("adyton up --network ../founded/.adyton/network.json", UP);
  const values = ["RPC", "KEY"].map((name) => find(text, new RegExp(`^${name}=\\S+$`, "m")));
  for (const value of values) document.typedBefore(value);
  const inProject = (command: string): string =>
    `${values.join("; ")}; cd ../founded && ${command.replace("forge", FORGE)}`;
  const ask = "forge script script/Ask.s.sol --rpc-url $RPC --broadcast --private-key $KEY";
  const deployed = await type(ask, { as: inProject(ask) });
  const address = find(deployed.output.split("== Return ==")[1] ?? "", /0x[0-9a-fA-F]{40}/);
  const read = 'forge script script/Ask.s.sol --rpc-url $RPC --sig "read(address)" ADDRESS';
  const requestId = await answered(
    async () => await type(read, { as: inProject(read.replace("ADDRESS", address)) }),
  );
  const receipt = "adyton receipt REQUEST_ID --network ../founded/.adyton/network.json";
  const kept = await type(receipt, { as: receipt.replace("REQUEST_ID", requestId) });
  await type(
    "adyton verify ../founded/.adyton/receipt-….json --policy ../founded/.adyton/network/policy.json",
    {
      as: printed(kept, /npm run -s adyton -- verify .*(?:\n +.*)*/),
    },
  );
  await network.stop();
}

/** Reads the consumer until it has its answer, as the tutorial has its reader do. */
async function answered(read: () => Promise<Typed>): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { output } = await read();
    const [, status] = /status: enum AnswerStatus (\d)/.exec(output) ?? [];
    const [, requestId] = /requestId: bytes32 (0x[0-9a-f]{64})/.exec(output) ?? [];
    if (status === "1" && requestId !== undefined) return requestId;
  }
  throw new Error("the consumer was not answered");
}

async function walkAgent({ type, start }: Document, { clone }: Place): Promise<void> {
  const project = join(clone, "../judge");
  rmSync(project, { recursive: true, force: true });
  await type("npm run -s adyton -- agent init ../judge");
  const network = await start("npm run -s adyton -- up", UP);
  await type("npm run -s adyton -- agent run ../judge");
  await type(`npm run -s adyton -- agent run ../judge --input '{"text":"What a lovely day."}'`);
  const asked = await type("npm run -s adyton -- agent ask ../judge");
  await network.stop();
  const receipt = find(asked.output, /\S*receipt-\S+\.json/);
  for (const command of [
    "npm run -s adyton -- replay RECEIPT",
    "npm run -s adyton -- agent run ../judge --recorded RECEIPT",
  ])
    await type(command, { as: command.replace("RECEIPT", receipt) });
  await type("npm run -s adyton -- agent build ../judge");
}

async function walkLedger({ type }: Document): Promise<void> {
  await type("npx forge test --match-contract LedgerForumTest");
  await type("npx vitest run tests/integration/ledger.test.ts");
}

async function walkNode({ type, start }: Document, { clone }: Place): Promise<void> {
  const folder = join(clone, "my-node");
  rmSync(folder, { recursive: true, force: true });
  const network = await start("adyton up", UP);
  await type("adyton oracle init my-node");
  await type("adyton oracle check --config my-node/oracle.json");
  const node = await start("adyton oracle run --config my-node/oracle.json", /"event":"ready"/);
  await type('adyton ask "Is water wet?" --returns "(bool yes, string why)"');
  await type("adyton oracle requests --phase settled");
  await type("adyton oracle drain --token-file my-node/admin.token");
  await node.stop();
  await network.stop();
}

async function walkEvidence({ type, text }: Document, { terminal, clone }: Place): Promise<void> {
  rmSync(join(clone, "policy.json"), { force: true });
  const time = await writeEvidence(clone);
  // The first block's quote is appraised by the policy that the second writes: in the page's order.
  for (const [, command = ""] of text.matchAll(/^(adyton verify .*?) +# exit \d/gm))
    await type(command, { as: `${command} --time ${time}` });
  const network = await terminal.start("adyton up", UP);
  const { enclaves } = JSON.parse(readFileSync(join(clone, ".adyton/network/oracle.json"), "utf8")) as {
    readonly enclaves: readonly { readonly url: string }[];
  };
  await type("adyton verify https://enclave.example:8443 --policy policy.json", {
    as: `adyton verify ${enclaves[0]?.url ?? ""} --policy .adyton/network/policy.json`,
  });
  await network.stop();
}

async function walkFunctions(document: Document): Promise<void> {
  const { type, start } = document;
  document.typedBefore("npm ci");
  const network = await start("npm run -s adyton -- up", UP);
  const functions = await start("npm run -s adyton -- functions local", UP);
  await type(
    'npm run -s adyton -- functions ask "I hate you, idiot" --returns "(bool flagged, uint8 severity 0..10, string reason)"',
  );
  await type('npm run -s adyton -- functions simulate "What is 6 + 7?"');
  await functions.stop();
  await network.stop();
}

async function walkProver(document: Document, { clone }: Place): Promise<void> {
  rmSync(join(clone, "srs"), { recursive: true, force: true });
  await document.type("adyton srs make-dev srs --gates 17");
  await document.type("adyton srs check srs");
}

async function walkJoin({ type }: Document, { clone }: Place): Promise<void> {
  rmSync(join(clone, "peer.key"), { force: true });
  await type("adyton oracle peer-key peer.key");
}

/** Installed from the archives that a clone packs; `anvil` comes from PATH, as on a machine with Foundry. */
async function walkInstalled({ type }: Document, { terminal, clone }: Place): Promise<void> {
  if (!readdirSync(clone).some((name) => name.endsWith(".tgz")))
    await type("npm ci && npm run pack", { as: "npm run pack" });
  const project = join(clone, "../project");
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "project", "private": true }\n');
  cpSync(join(clone, "examples/evidence/simulated-receipt.json"), join(project, "receipt.json"));
  const inProject = (command: string): string => `cd ../project && ${command}`;
  await type("npm install adyton", { as: inProject("npm install $CLONE/adyton-0.1.0.tgz") });
  await type("npx adyton verify receipt.json", {
    as: inProject("npx adyton verify receipt.json"),
    status: 4,
  });
  await terminal.type(inProject("npx adyton init founded"));
  await terminal.type(inProject(`cd founded && ${FORGE} test`));
  await type("npm install -g adyton-node", {
    as: inProject("npm install --prefix ../global $CLONE/adyton-0.1.0.tgz $CLONE/adyton-node-0.1.0.tgz"),
  });
  const node = (command: string): string => inProject(`../global/node_modules/.bin/adyton-node ${command}`);
  await type("adyton-node demo", { as: node("demo") });
  const network = await terminal.start(node("up"), UP);
  const asked = await terminal.type(
    inProject('npx adyton ask "Is water wet?" --returns "(bool yes, string why)"'),
  );
  await terminal.type(
    inProject(printed(asked, /adyton verify .*(?:\n +.*)*/).replace("adyton", "npx adyton")),
  );
  await network.stop();
}

/** The command that a reader is told to paste; one that a narrow terminal broke stays one. */
const printed = ({ output }: Typed, pattern: RegExp): string => find(output, pattern);

function find(text: string, pattern: RegExp): string {
  const [found] = pattern.exec(text) ?? [];
  if (found === undefined) throw new Error(`nothing there is like ${pattern}:\n${text}`);
  return found;
}
