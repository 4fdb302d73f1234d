/** `npm run adyton -- up` as a person and a supervisor see it, who know only the npm that they started. */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { DOCUMENT, PNG } from "../enclave/support/media.ts";
import { until } from "../oracle/support/test-chain.ts";
import { runAdyton } from "../support/adyton-command.ts";
import { isListening, portsIn } from "../support/loopback-ports.ts";

let folder: string;
let file: string;
let npm: ChildProcess;
let ended: Promise<number | null>;
let stdout = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-up-"));
  file = join(folder, "network.json");
  npm = spawn("npm", ["run", "-s", "adyton", "--", "up", "--port", "0", "--network", file], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { PATH: programPath() },
    stdio: ["ignore", "pipe", "ignore"],
    // A group of its own, so that a failure leaves nothing behind.
    detached: true,
  });
  npm.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  ended = new Promise((done) => npm.once("exit", done));
  await until("the network", () => Promise.resolve(stdout.includes("Ctrl-C ends it.") || undefined), 240_000);
}, 300_000);

afterAll(() => {
  if (npm.exitCode === null && npm.pid !== undefined) process.kill(-npm.pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("shows accounts that can pay, with their keys", () => {
  expect(stdout.match(/^account +0x[0-9a-fA-F]{40}$/gm)).toHaveLength(3);
  expect(stdout.match(/^ +its key +0x[0-9a-f]{64}$/gm)).toHaveLength(3);
});

test("shows where the console is and where its token lies, which opens it", async () => {
  const url = /^console +(\S+)$/m.exec(stdout)?.[1] ?? "";
  const token = readFileSync(/^ +its token +in (.+)$/m.exec(stdout)?.[1] ?? "", "utf8");
  const read = (headers: Record<string, string>): Promise<Response> =>
    fetch(new URL("/v1/console", url), { headers });
  expect((await read({})).status).toBe(401);
  const state = (await (await read({ authorization: `Bearer ${token}` })).json()) as object;
  expect(state).toMatchObject({
    ready: true,
    chains: [{ follower: "this" }],
    enclaves: [{ kind: "simulator" }],
  });
});

test("a second one in its folder refuses, and names the first", async () => {
  const before = readFileSync(file, "utf8");
  const { pid, rpcUrl } = JSON.parse(before) as { readonly pid: number; readonly rpcUrl: string };
  const second = await runAdyton(["up", "--port", "0", "--network", file]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`a network is up already: process ${pid}, its chain at ${rpcUrl}`);
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("shows a request as it arrives, and its answer", async () => {
  const asked = await runAdyton(["ask", "What is 2 + 3?", "--network", file, "--json"]);
  expect(asked.code).toBe(0);
  const { requestId } = JSON.parse(asked.stdout) as { readonly requestId: string };
  await until("the answer's line", () => Promise.resolve(stdout.includes("answered: ok") || undefined));
  expect(stdout).toContain('concierge asks stand-in/stand-in-1: "What is 2 + 3?"');
  expect(stdout).toContain(requestId);
});

const askNaming = async (...args: readonly string[]) => {
  const asked = await runAdyton(["ask", "What does it say?", ...args, "--network", file, "--json"]);
  return { ...asked, result: asked.stdout === "" ? null : (JSON.parse(asked.stdout) as object) };
};
const originOf = (): string =>
  (JSON.parse(readFileSync(file, "utf8")) as { readonly files: { readonly origin: string } }).files.origin;

test("a page is read for a question, and what was read is told", async () => {
  const url = `${originOf()}/sources/wire`;
  const { code, result } = await askNaming("--page", url);
  const read = { kind: "page", url, mediaType: "text/plain", bytes: 66, isWhole: true };
  expect(result).toMatchObject({ status: "ok", sources: [read] });
  expect(code).toBe(0);
});

test("files of this machine and several models make one question", async () => {
  const [image, paper] = [join(folder, "a.png"), join(folder, "b.pdf")];
  writeFileSync(image, Buffer.from(PNG, "base64"));
  writeFileSync(paper, Buffer.from(DOCUMENT, "base64"));
  const models = ["--model", "stand-in/stand-in-1", "--model", "stand-in/stand-in-2"];
  const { code, stderr, result } = await askNaming("--image", image, "--document", paper, ...models);
  expect(stderr).toMatch(/names {6}.*a\.png: image\/png, \d+ bytes, keccak 0x/);
  expect(result).toMatchObject({
    answer: expect.stringContaining("(with 2 files)") as string,
    sources: [{ kind: "image" }, { kind: "document", mediaType: "application/pdf" }],
  });
  expect(code).toBe(0);
});

test.for([
  ["a page that is not there", ["--page", "/sources/nowhere"], /page 1 \(https:.*nowhere\): HTTP 404/],
  ["an effort that the model has not", ["--effort", "high"], /has no reasoning effort/],
] as const)("%s is told with its reason, and no model answers", async ([, [option, value], reason]) => {
  const { code, result } = await askNaming(option, value.startsWith("/") ? `${originOf()}${value}` : value);
  expect(result).toMatchObject({ answer: null, problem: expect.stringMatching(reason) as string });
  expect(code).toBe(1);
});

test("a page over plain http is refused before anything is paid", async () => {
  const { code, stderr } = await askNaming("--page", "http://127.0.0.1/");
  expect([code, stderr]).toEqual([64, expect.stringContaining("nothing but https")]);
  expect(stderr).not.toContain("transaction");
});

test("SIGTERM to npm ends the network, and npm waits until it is gone", async () => {
  npm.kill("SIGTERM");
  expect(await ended).toBe(0);
  const ports = portsIn(stdout);
  expect(ports.length).toBeGreaterThan(2);
  for (const port of ports) expect(await isListening(port), `port ${port}`).toBe(false);
  expect(existsSync(file)).toBe(false);
});
