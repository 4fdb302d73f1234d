import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Anvil {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const BINARY = new URL("../../../node_modules/.bin/anvil", import.meta.url).pathname;

/** A local chain on a port that the system chose. Without a block time, each transaction is mined at once. */
export async function startAnvil(args: readonly string[] = []): Promise<Anvil> {
  const child = spawn(BINARY, ["--port", "0", "--accounts", "20", "--balance", "1000000", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => {
      resolve();
    }),
  );
  const address = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    void ended.then(() => {
      reject(new Error("anvil ended before it was ready"));
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /^Listening on (\S+)$/.exec(line.trim())?.[1];
      if (found !== undefined) {
        resolve(found);
      }
    });
  });
  return {
    url: `http://${address}`,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
