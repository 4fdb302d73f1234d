import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../../enclave/configuration/operator.ts";
import { CREDENTIAL } from "./configuration.ts";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface EnclaveProcess {
  readonly url: string;
  readonly keysetId: string;
  readonly directory: string;
  readonly pid: number;
  /** What it wrote there so far: a bug, whenever it is not empty. */
  readonly stderr: () => string;
  readonly call: (
    method: string,
    path: string,
    body?: string,
    authorization?: string | null,
  ) => Promise<Reply>;
  /** The body of a GET, as bytes. */
  readonly bytes: (path: string, accept?: string) => Promise<Uint8Array>;
  /** Ends it with `signal`; gives its exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

const MAIN = new URL("../../../enclave/main.ts", import.meta.url).pathname;

export interface StartOptions {
  /** The program; the sources where it is not given. */
  readonly main?: string;
  readonly behaviour: BehaviourFile;
  readonly operator: OperatorFile;
  readonly env?: Record<string, string>;
  readonly flags?: readonly string[];
}

/** Starts the enclave as an operator would; rejects with its stderr when it does not start. */
export async function startEnclaveProcess(options: StartOptions): Promise<EnclaveProcess> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-enclave-"));
  const file = (name: string, content: unknown): string => {
    const path = join(directory, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const args = [
    ...(options.flags ?? []),
    options.main ?? MAIN,
    "--behaviour",
    file("behaviour.json", options.behaviour),
    "--operator",
    file("operator.json", options.operator),
  ];
  const child = spawn(process.execPath, args, { env: options.env ?? {}, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    const code = await exited;
    rmSync(directory, { recursive: true, force: true });
    return code;
  };
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve)),
    exited.then(() => null),
  ]);
  if (line === null) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`the enclave did not start: ${stderr}`);
  }
  const { url, keysetId } = JSON.parse(line) as { url: string; keysetId: string };
  const bytes: EnclaveProcess["bytes"] = (path, accept = "*/*") => getBytes(new URL(path, url), accept);
  const call: EnclaveProcess["call"] = (method, path, body, authorization = `Bearer ${CREDENTIAL}`) =>
    send(new URL(path, url), method, body, authorization);
  return { url, keysetId, directory, pid: child.pid ?? 0, stderr: () => stderr, call, bytes, stop };
}

function getBytes(url: URL, accept: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${CREDENTIAL}`, accept };
    const client = request(url, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve(new Uint8Array(Buffer.concat(chunks)));
      });
    });
    client.on("error", reject);
    client.end();
  });
}

function send(
  url: URL,
  method: string,
  body: string | undefined,
  authorization: string | null,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      ...(authorization === null ? {} : { authorization }),
    };
    // The certificate is checked by its evidence where that is what a test is about.
    const client = request(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
      });
    });
    client.on("error", reject);
    client.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
