/** What people do by mistake, and what the command line makes of it: never "this is a bug". See also ask.test.ts. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAdyton } from "../support/adyton-command.ts";

const MAIN = join(import.meta.dirname, "../../cli/main.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-stumbles-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The file of a network that has ended: port 9 (discard) of loopback answers nobody. */
function endedNetwork(): string {
  const address = `0x${"11".repeat(20)}`;
  const contracts = ["coordinator", "enclaveRegistry", "concierge", "moderator"];
  const url = "http://127.0.0.1:9";
  return JSON.stringify({
    version: 2,
    pid: 1,
    chainId: "31337",
    rpcUrl: url,
    contracts: Object.fromEntries(contracts.map((name) => [name, address])),
    policyId: `0x${"22".repeat(32)}`,
    model: "stand-in/stand-in-1",
    models: ["stand-in/stand-in-1"],
    enclaveUrl: url,
    oracleUrl: url,
    policyFile: "policy.json",
    files: null,
    functionsCredential: "x",
    agentCredential: "x",
  });
}

const EVIDENCE = join(import.meta.dirname, "../../examples/evidence/simulated-quote.bin");
const RECEIPT = join(EVIDENCE, "../simulated-receipt.json");
const AGENT = join(EVIDENCE, "../../agent");
const ENCLAVE_TERMS = [
  ...["--provider", "openai", "--payee", `0x${"11".repeat(20)}`, "--coordinator", `1:0x${"22".repeat(20)}`],
  ...["--wei-per-input-token", "1", "--wei-per-output-token", "1"],
];

/** What lies in the folder, what is typed there, the exit status, and what the reader is told. */
type Stumble = readonly [
  name: string,
  lay: (folder: string) => void,
  args: readonly string[],
  code: number,
  told: RegExp,
];

const layNetwork = (content: string) => (at: string) => {
  mkdirSync(join(at, ".adyton"));
  writeFileSync(join(at, ".adyton", "network.json"), content);
};
const layFile = (at: string): void => {
  writeFileSync(join(at, ".adyton"), "");
};

test.for<Stumble>([
  [
    "ask after up has ended",
    (at) => {
      layNetwork(endedNetwork())(at);
    },
    ["ask", "x"],
    1,
    /\.adyton\/network\.json does not answer at http:\/\/127\.0\.0\.1:9: it has ended.*npm run -s --prefix \S+ adyton -- up/,
  ],
  [
    "receipt after up has ended",
    (at) => {
      layNetwork(endedNetwork())(at);
    },
    ["receipt", `0x${"00".repeat(32)}`],
    1,
    /no oracle answers at http:\/\/127\.0\.0\.1:9/,
  ],
  ["ask before up", () => undefined, ["ask", "x"], 64, /there is no \.adyton\/network\.json/],
  ["a network file cut short", layNetwork("{"), ["ask", "x"], 64, /\.adyton\/network\.json is broken/],
  [
    "a network file that says a thing twice",
    layNetwork(endedNetwork().replace("{", '{"version":1,')),
    ["ask", "x"],
    64,
    /\.adyton\/network\.json is broken: version stands there twice/,
  ],
  ["an empty network file", layNetwork(""), ["ask", "x"], 64, /\.adyton\/network\.json is broken/],
  ["a network file of another form", layNetwork("[]"), ["ask", "x"], 64, /\.adyton\/network\.json: /],
  [
    "a network file of another version",
    layNetwork('{"version":1,"rpcUrl":"http://127.0.0.1:9"}'),
    ["ask", "x"],
    64,
    /network\.json: version: another version of adyton wrote it: .*delete the file \(.*\) \[INPUT_INVALID\]\n$/,
  ],
  [
    "ask where .adyton is a file",
    layFile,
    ["ask", "x"],
    64,
    /cannot read .*\.adyton\/network\.json: a part of its path is a file/,
  ],
  [
    "up where .adyton is a file",
    layFile,
    ["up", "--port", "0"],
    64,
    /cannot make the folder .*\.adyton: it is a file/,
  ],
  ["demo where .adyton is a file", layFile, ["demo"], 64, /cannot make the folder .*\.adyton: it is a file/],
  [
    "up where a folder cannot be",
    () => undefined,
    ["up", "--port", "0", "--network", "/proc/nope/x.json"],
    64,
    /cannot make the folder \/proc\/nope/,
  ],
  [
    "up with a file of somebody else's",
    (at) => {
      writeFileSync(join(at, "package.json"), '{"name":"mine"}');
    },
    ["up", "--port", "0", "--network", "package.json"],
    64,
    /package\.json: /,
  ],
  [
    "demo in a folder with files of somebody else's",
    (at) => {
      mkdirSync(join(at, "network"));
      writeFileSync(join(at, "network", "mine.txt"), "mine");
    },
    ["demo", "--folder", "."],
    64,
    /has files that no network of ours made/,
  ],
  ["a folder to verify", () => undefined, ["verify", "."], 64, /it is a folder, and one file is wanted/],
  [
    "a folder as a policy",
    () => undefined,
    ["verify", EVIDENCE, "--policy", "."],
    64,
    /cannot read \.: it is a folder, and one file is wanted/,
  ],
  [
    "a file that is no receipt to replay",
    () => undefined,
    ["replay", join(EVIDENCE, "../simulated-policy.json")],
    3,
    /^cannot judge: receipt, format/,
  ],
  [
    "a folder as a receipt to replay",
    () => undefined,
    ["replay", "."],
    64,
    /cannot read \.: it is a folder, and one file is wanted/,
  ],
  [
    "a chain that is no URL",
    () => undefined,
    ["verify", RECEIPT, "--rpc", "nonsense"],
    64,
    /--rpc: nonsense is no URL/,
  ],
  [
    "a node that is no URL",
    () => undefined,
    ["receipt", `0x${"00".repeat(32)}`, "--node", "nonsense"],
    64,
    /adyton: nonsense is no URL/,
  ],
  [
    "a node to look after that is no URL",
    () => undefined,
    ["oracle", "requests", "--node", "nonsense"],
    64,
    /adyton: nonsense is no URL: it begins with https:\/\/ or http:\/\//,
  ],
  [
    "a node's host without its scheme",
    () => undefined,
    ["oracle", "drain", "--node", "localhost:7788"],
    64,
    /adyton: localhost:7788 is no URL: it begins with/,
  ],
  [
    "a phase that there is not",
    () => undefined,
    ["oracle", "requests", "--phase", "done"],
    64,
    /'done' is invalid\. Allowed choices are seen, asked, answered, refused, sent, settled/,
  ],
  [
    "an id cut short to take up again",
    () => undefined,
    ["oracle", "retry", "0x12"],
    64,
    /0x12 is no request id: 0x and 64 hex digits/,
  ],
  [
    "a file of something else for an admin token",
    (at) => {
      writeFileSync(join(at, "admin token.txt"), "Schlüssel\nzwei");
    },
    ["oracle", "drain", "--token-file", "admin token.txt"],
    64,
    /admin token\.txt holds no admin token: one line/,
  ],
  [
    "a chain by its name",
    () => undefined,
    ["oracle", "accept-reorg", "mainnet"],
    64,
    /'mainnet' is invalid.*a whole number above 0/,
  ],
  [
    "a node's folder for its configuration",
    (at) => {
      mkdirSync(join(at, "my node"));
    },
    ["oracle", "check", "--config", "my node"],
    1,
    /FAILED {2}configuration: my node is a folder: name the configuration in it, my node\/oracle\.json \[/,
  ],
  [
    "a configuration that is not there",
    () => undefined,
    ["oracle", "check", "--config", "nowhere.json"],
    1,
    /there is no configuration nowhere\.json: npm run .* oracle init writes one \[CONFIG_INVALID\]$/m,
  ],
  [
    "a node to be written where no network is up",
    () => undefined,
    ["oracle", "init", "my-node"],
    64,
    /there is no \.adyton\/network\.json: .*or answer questions about a chain of your own with --ask/,
  ],
  [
    "questions about a node that nobody answers",
    () => undefined,
    ["oracle", "init", "my-node", "--ask"],
    64,
    /no answer was given for the RPC servers: nothing was written/,
  ],
  [
    "a question that begins with a dash",
    () => undefined,
    ["ask", "-1 + 3?"],
    64,
    /unknown option '-1 \+ 3\?'[^]*stands after --, as in: … -- "-1 \+ 3\?"/,
  ],
  [
    "a question that begins with a dash, after --",
    () => undefined,
    ["ask", "--", "-1 + 3?"],
    64,
    /there is no \.adyton\/network\.json/,
  ],
  [
    "a node that is not there",
    () => undefined,
    ["oracle", "requests", "--node", "http://127.0.0.1:9"],
    1,
    /no node answers at http:\/\/127\.0\.0\.1:9: .* oracle run` starts one/,
  ],
  [
    "a question without quotes",
    () => undefined,
    ["ask", "Is", "water", "wet?"],
    64,
    /too many arguments[^]*stands in quotes[^]*npm run -s --prefix \S+ adyton -- ask --help lists what it takes/,
  ],
  [
    "a policy to be written where there is no folder",
    () => undefined,
    ["verify", EVIDENCE, "--time", "2026-11-01", "--init-policy", "nope/policy.json"],
    64,
    /cannot write nope\/policy\.json: there is no such folder/,
  ],
  [
    "a policy to be written over another",
    (at) => {
      writeFileSync(join(at, "policy.json"), "{}");
    },
    ["verify", EVIDENCE, "--time", "2026-11-01", "--init-policy", "policy.json"],
    64,
    /policy\.json: what is already there is never overwritten/,
  ],
  [
    "an enclave's files where a folder cannot be",
    () => undefined,
    ["enclave", "init", ...ENCLAVE_TERMS, "--folder", "/proc/nope/x"],
    64,
    /cannot make the folder \/proc\/nope/,
  ],
  [
    "a front with a policy that is cut short",
    (at) => {
      writeFileSync(join(at, "policy.json"), "{");
    },
    ["front", "--policy", "policy.json", "--enclave", "https://127.0.0.1:9", "--rpc", "http://127.0.0.1:9"],
    64,
    /policy\.json: is not JSON/,
  ],
  [
    "a result's policy that is cut short",
    (at) => {
      writeFileSync(join(at, "policy.json"), "{");
    },
    ["result", "token", "--policy", "policy.json"],
    64,
    /policy\.json: /,
  ],
])("%s", { timeout: 60_000 }, async ([, lay, args, code, told]) => {
  lay(folder);
  const run = await runAdyton(args, undefined, folder);
  expect(run.stderr).not.toContain("bug");
  expect(`${run.stdout}${run.stderr}`).toMatch(told);
  expect(run.code).toBe(code);
});

// Root writes wherever a test may forbid it, and below /proc nobody does.
test.for<readonly [args: readonly string[]]>([
  [["init", "/proc/nope"]],
  [["agent", "init", "/proc/nope"]],
  [["agent", "build", AGENT, "--out", "/proc/nope/agent.js"]],
  [["oracle", "key", "/proc/nope", "--password-file", "/proc/nope"]],
  [["oracle", "peer-key", "/proc/nope"]],
  [["srs", "make-dev", "/proc/nope", "--gates", "10"]],
  [["verify", EVIDENCE, "--time", "2026-11-01", "--init-policy", "/proc/nope"]],
])("a folder that nobody may write to: %j", { timeout: 60_000 }, async ([args]) => {
  const { stdout, stderr, code } = await runAdyton(args, undefined, folder);
  expect(`${stdout}${stderr}`).toMatch(/^adyton[^\n]*\/proc\/nope[^\n]*: [^\n]*no such/m);
  expect(`${stdout}${stderr}`).not.toMatch(/bug|\n +at /);
  expect(code).toBe(64);
});

test("a full disk under what is printed: a sentence, and never exit 0", { timeout: 60_000 }, async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [MAIN, "inspect", EVIDENCE], {
    env: {},
    stdio: ["ignore", full, "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  closeSync(full);
  expect(stderr).toBe(
    "adyton: cannot write what is to be printed: no space left on device (write) [ENOSPC]\n",
  );
  expect(code).toBe(141);
});

test.for([
  ["the chain's", 0],
  ["the page's, three further", 3],
] as const)("up where a port is taken: %s", { timeout: 60_000 }, async ([, further]) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await runAdyton(["up", "--port", String(port - further)], undefined, folder);
  server.close();
  expect(stderr).toMatch(new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use.*--port`));
  expect(code).toBe(1);
});

test.for([
  ["a page that it has not", 404, "<h1>Not Found</h1>"],
  ["a page", 200, "<h1>Welcome</h1>"],
  ["JSON of something else", 200, '{"jsonrpc":"2.0"}'],
] as const)(
  "a node's address where another server gives %s",
  { timeout: 60_000 },
  async ([, status, body]) => {
    const server = createHttpServer((_request, response) => {
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const node = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { code, stderr } = await runAdyton(["oracle", "requests", "--node", node], undefined, folder);
      expect(stderr).toContain(`what answers at ${node} is no oracle node`);
      expect(code).toBe(64);
    } finally {
      server.close();
    }
  },
);

test("what is no receipt is not saved as one", { timeout: 60_000 }, async () => {
  const server = createHttpServer((_request, response) => {
    response.end("<h1>Welcome</h1>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const node = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const id = `0x${"00".repeat(32)}`;
    const { code, stderr } = await runAdyton(["receipt", id, "--node", node], undefined, folder);
    expect(stderr).toContain(`what answers at ${node} is no oracle node`);
    expect(code).toBe(64);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    server.close();
  }
});

test("files that were there are still there", () => {
  mkdirSync(join(folder, "network"));
  const mine = join(folder, "network", "mine.txt");
  writeFileSync(mine, "mine");
  return runAdyton(["demo", "--folder", folder]).then(() => {
    expect(existsSync(mine) && readFileSync(mine, "utf8")).toBe("mine");
  });
});

test("nobody reads on: no stack, and never exit 0", { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [MAIN, "--help"], { env: {}, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(stderr).toBe("");
  expect(code).toBe(141);
});
