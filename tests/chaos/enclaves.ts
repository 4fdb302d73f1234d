import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { endWithUs } from "../../devnet/keeper.ts";
import { freePort } from "./free-port.ts";

const MAIN = new URL("enclave-main.ts", import.meta.url).pathname;

/** An enclave as a process: killed, it comes back at the same address with other keys. */
export class Enclave {
  readonly #platform: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(platform: string, port: number) {
    this.#platform = platform;
    this.#port = port;
  }

  static async startSeveral(count: number): Promise<Enclave[]> {
    const enclaves: Enclave[] = [];
    for (let index = 0; index < count; index += 1) {
      const enclave = new Enclave(`chaos-${index}`, await freePort());
      await enclave.start();
      enclaves.push(enclave);
    }
    return enclaves;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, this.#platform, String(this.#port)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    endWithUs(child);
    await new Promise((resolve) => createInterface(child.stdout).once("line", resolve));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }
}
