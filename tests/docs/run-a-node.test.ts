/** Follows docs/how-to/run-a-node.md as a new operator would: its commands and its configuration, in their order. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { describePostgres, type TestStore } from "../oracle/support/stores.ts";
import { startTestNetwork } from "../support/local-network.ts";

const PAGE = readFileSync(new URL("../../docs/how-to/run-a-node.md", import.meta.url), "utf8");
const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

interface Run {
  readonly code: number;
  readonly output: string;
}

let folder: string;
let network: LocalNetwork;
let stopNetwork: () => Promise<void>;
let node: ChildProcess | undefined;
let nodeUrl = "";

function section(title: string): string {
  return PAGE.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
}

function fenced(text: string, language: string): string[] {
  return Array.from(
    text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms")),
    ([, code = ""]) => code,
  );
}

const commands = fenced(section("Rehearse on this machine"), "sh").flatMap((block) =>
  block.trim().split("\n"),
);

/** As the page has it, but for what is this run's own: the addresses, and a port that nobody else uses. */
function asTyped(line: string): string {
  const ours = line.replace(/^adyton /, `${process.execPath} ${MAIN} `);
  return /oracle (?:requests|drain)/.test(line) ? `${ours} --node ${nodeUrl}` : ours;
}

function type(line: string): Promise<Run> {
  const options = { cwd: folder, env: { PATH: programPath() } };
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", asTyped(line)], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

async function startNode(): Promise<void> {
  const child = spawn(process.execPath, [MAIN, "oracle", "run", "--config", "my-node/oracle.json"], {
    cwd: folder,
    env: { PATH: programPath() },
    stdio: ["ignore", "pipe", "ignore"],
  });
  node = child;
  const ready = await new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve));
  nodeUrl = (JSON.parse(ready) as { url: string }).url;
  // `ask` fetches the receipt from the node that the network file names.
  writeNetworkFile(join(folder, ".adyton", "network.json"), { ...network.file, oracleUrl: nodeUrl });
}

const ended = (child: ChildProcess | undefined): Promise<number | null> =>
  new Promise((resolve) => {
    if (child === undefined || child.exitCode !== null) resolve(child?.exitCode ?? null);
    else child.once("exit", resolve);
  });

const configurationFile = (): string => join(folder, "my-node", "oracle.json");

const readConfiguration = (): object => JSON.parse(readFileSync(configurationFile(), "utf8")) as object;

function changeConfiguration(change: object): void {
  writeFileSync(configurationFile(), JSON.stringify({ ...readConfiguration(), ...change }));
}

/** As `adyton up` has it, whose console listens while ours starts: here at the port of its chain. */
function takeConsolePort(file: string): void {
  const theirs = JSON.parse(readFileSync(file, "utf8")) as object;
  const console = { port: Number(new URL(network.file.rpcUrl).port), tokenFile: file };
  writeFileSync(file, JSON.stringify({ ...theirs, console }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-operator-"));
  let networkFolder: string;
  ({ network, folder: networkFolder, stop: stopNetwork } = await startTestNetwork());
  cpSync(networkFolder, join(folder, ".adyton", "network"), {
    recursive: true,
    filter: (file) => /network-\w+$|\.json$/.test(file),
  });
  writeNetworkFile(join(folder, ".adyton", "network.json"), network.file);
  takeConsolePort(join(dirname(network.file.policyFile), "oracle.json"));
  // Ours is to answer, and not the network's own.
  await network.programs.oracle.stop();
});

afterAll(async () => {
  // The command passes it on to its node.
  node?.kill("SIGTERM");
  await ended(node);
  await stopNetwork();
  rmSync(folder, { recursive: true, force: true });
});

test(
  "a new operator gets from the page to a node that answers, and stops it",
  { timeout: 300_000 },
  async () => {
    const [change = ""] = fenced(section("Rehearse on this machine"), "json");
    const done: string[] = [];
    for (const line of commands) {
      if (line === "adyton up") continue;
      if (line.startsWith("adyton oracle run")) {
        await startNode();
        continue;
      }
      const { code, output } = await type(line);
      expect(code, `${line}\n${output}`).toBe(0);
      done.push(output);
      if (!line.startsWith("adyton oracle init")) continue;
      expect(readConfiguration()).toMatchObject(JSON.parse(change) as object);
      changeConfiguration({ http: { port: 0, adminTokenFile: "admin.token" } });
      const again = await type(line);
      expect(again.code).toBe(64);
      expect(again.output).toContain("my-node/oracle.json is there already");
    }
    expect(done.at(-2)).toMatch(
      /^0x[0-9a-f]{64} .* settled .* fulfilled by 0x[0-9a-f]{64} in 0x[0-9a-f]{64}$/m,
    );
    expect(await ended(node)).toBe(0);
  },
);

test("the next transmitter key takes over, by the commands of the page on keeping a node", async () => {
  const keep = readFileSync(new URL("../../docs/how-to/keep-a-node.md", import.meta.url), "utf8");
  const text = keep.split(/^## /m).find((part) => part.startsWith("Replace keys\n")) ?? "";
  const [change = ""] = fenced(text, "json");
  const lines = fenced(text, "sh").flatMap((block) => block.trim().split("\n"));
  const [key = "", check = "", run = ""] = lines;
  const made = await type(key);
  expect(made, made.output).toMatchObject({ code: 0 });
  expect(made.output.trim()).toMatch(/^0x[0-9a-f]{40}$/);
  changeConfiguration(JSON.parse(change) as object);
  const checked = await type(check);
  expect(checked, checked.output).toMatchObject({ code: 0 });
  expect(checked.output).toContain(`funds of ${made.output.trim()}`);
  expect(run).toBe("adyton oracle run --config my-node/oracle.json");
  await startNode();
  expect(await type('adyton ask "Is fire wet?" --returns "(bool yes, string why)"')).toMatchObject({
    code: 0,
  });
  expect(await type("adyton oracle drain --token-file my-node/admin.token")).toMatchObject({ code: 0 });
  expect(await ended(node)).toBe(0);
});

describePostgres("moved", (createStore) => {
  let store: TestStore;

  beforeAll(async () => {
    store = await createStore();
  });
  afterAll(() => store.remove());

  test("one line of configuration later, the node knows what was settled, and answers", async () => {
    const [line = ""] = fenced(section("Move to PostgreSQL"), "json");
    const change = JSON.parse(`{${line}}`) as { store: { kind: string; url: string } };
    expect(change.store.kind).toBe("postgres");
    if (store.config.kind !== "postgres") throw new Error("not a PostgreSQL store");
    changeConfiguration({ store: { ...change.store, url: store.config.url } });
    const check = await type("adyton oracle check --config my-node/oracle.json");
    expect(check, check.output).toMatchObject({ code: 0 });
    expect(check.output).toMatch(/^ok +store: PostgreSQL/m);
    await startNode();
    expect(await type('adyton ask "Is water wet?" --returns "(bool yes, string why)"')).toMatchObject({
      code: 0,
    });
    await expect
      .poll(
        async () => (await type("adyton oracle requests --phase settled")).output.trim().split("\n").length,
        {
          interval: 500,
          timeout: 30_000,
        },
      )
      .toBe(3);
    expect(await type("adyton oracle drain --token-file my-node/admin.token")).toMatchObject({ code: 0 });
    expect(await ended(node)).toBe(0);
  });
});
