/** The three processes of the benchmark: a zero-delay model, the enclave in front of it, and us. */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BehaviourFile } from "../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../enclave/configuration/operator.ts";

const path = (relative: string): string => new URL(relative, import.meta.url).pathname;
const CREDENTIAL = "bench";
const TASKSET = "/usr/bin/taskset";
/** As it is deployed (enclave/deploy). */
const FLAGS = ["--disable-sigusr1", "--max-semi-space-size=8"];

export interface Started {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** @param core pins it to one core with taskset, where there is one */
async function start(args: readonly string[], core: number | null): Promise<Started> {
  const command = [...(core === null ? [] : [TASKSET, "-c", String(core)]), process.execPath, ...args];
  const child: ChildProcess = spawn(command[0] ?? "", command.slice(1), {
    // The enclave refuses to start with any.
    env: {},
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      resolve();
    });
  });
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new Error("the process did not start");
  const line = await new Promise<string>((resolve) => createInterface(stdout).once("line", resolve));
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    pid,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

export interface Bench {
  readonly model: Started & { readonly certificateAuthority: string };
  readonly authorization: string;
  readonly startEnclave: (connection: "fresh" | "pooled", core: number | null) => Promise<Started>;
  readonly stop: () => Promise<void>;
}

export async function startBench(core: number | null): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-"));
  // The bundle, since that is what is deployed: from its sources Node takes half as much memory again.
  const built = spawnSync(process.execPath, [path("../../tools/build-enclave.ts"), "--out", folder]);
  if (built.status !== 0) throw new Error(`no bundle: ${built.stderr.toString()}`);
  const ca = join(folder, "ca.pem");
  const model = await start([path("../../devnet/stand-in-model.ts"), "--ca", ca], core);
  const certificateAuthority = readFileSync(ca, "utf8");
  const write = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const operator = write("operator.json", operatorFile());
  return {
    model: { ...model, certificateAuthority },
    authorization: `Bearer ${CREDENTIAL}`,
    startEnclave: (connection, enclaveCore) => {
      const behaviour = write(
        `${connection}.json`,
        behaviourFile(model.url, certificateAuthority, connection),
      );
      const args = [...FLAGS, join(folder, "enclave.mjs"), "--behaviour", behaviour, "--operator", operator];
      return start(args, enclaveCore);
    },
    stop: async () => {
      await model.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function behaviourFile(
  url: string,
  certificateAuthority: string,
  connection: "fresh" | "pooled",
): BehaviourFile {
  const model = (upstreamName: string): BehaviourFile["providers"][string]["models"][string] => ({
    upstreamName,
    contextTokens: 128_000,
    maxOutputTokens: 4_096,
    price: { perRequest: "0", perInputToken: "0", perOutputToken: "0" },
    structuredOutput: "schema",
    sampling: { temperature: true, topP: true, seed: true, efforts: [] },
  });
  return {
    version: 1,
    certificateAuthorities: [certificateAuthority],
    transparencyLogs: [],
    time: { source: "host-clock-for-testing" },
    limits: {
      connectMs: 10_000,
      firstByteMs: 30_000,
      stallMs: 10_000,
      wholeExchangeMs: 60_000,
      responseBytes: 65_536,
      retries: 0,
    },
    providers: {
      "stand-in": {
        format: "openai-chat",
        baseUrl: url,
        secret: null,
        connection,
        minimumTls: "TLSv1.3",
        minimumScts: 0,
        models: { "stand-in-1": model("stand-in-1"), slow: model("slow") },
      },
    },
  };
}

function operatorFile(): OperatorFile {
  return {
    version: 1,
    public: {
      name: "bench",
      payee: "0x00000000000000000000000000000000000000fe",
      coordinators: [{ chainId: "31337", coordinator: "0x00000000000000000000000000000000000000c0" }],
    },
    attester: { kind: "simulator", platform: "bench" },
    listen: { host: "127.0.0.1", port: 0 },
    callers: {
      anonymous: "refuse",
      named: [
        {
          name: "bench",
          credentialSha256: `0x${createHash("sha256").update(CREDENTIAL).digest("hex")}`,
          quota: { requestsPerMinute: 10_000_000, concurrent: 1_000 },
        },
      ],
    },
  };
}
