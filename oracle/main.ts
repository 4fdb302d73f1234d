/**
 * The oracle's process: `node oracle/main.ts --config FILE`. Logs are JSON lines on stderr; stdout gets one line when it is
 * ready, one when it has stopped. The node's parts: `node/open-node.ts`; with `--serve` the index of its store alone:
 * `serving/open-index.ts`.
 */

import { parseArgs } from "node:util";
import { AdytonError, ConfigError } from "../protocol/errors.ts";
import { loadOracleConfig } from "./config.ts";
import { OPENING_LIMIT_MS, startWatchdog } from "./engine/watchdog.ts";
import { explain } from "./explain.ts";
import { createLogger, type Logger, type LogLevel } from "./log.ts";
import { openNode } from "./node/open-node.ts";
import { openIndex } from "./serving/open-index.ts";
import { loadServeConfig } from "./serving/serve-config.ts";

const now = (): number => Date.now();

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: "string" }, serve: { type: "boolean", default: false } },
  });
  if (values.config === undefined)
    throw new ConfigError({ code: "CONFIG_INVALID", message: "--config FILE is missing" });
  await (values.serve ? serveIndex(values.config) : runNode(values.config));
}

function logAt(level: LogLevel): Logger {
  return createLogger({ level, write: (line) => process.stderr.write(`${line}\n`), now });
}

async function serveIndex(file: string): Promise<void> {
  const config = await loadServeConfig(file);
  const log = logAt(config.logLevel);
  const index = await openIndex(config, { log, now });
  stopOnSignal(index, log);
  say({ event: "ready", url: index.url, chains: config.chainIds, serves: "index" });
}

async function runNode(file: string): Promise<void> {
  const config = await loadOracleConfig(file);
  const log = logAt(config.logLevel);
  const opening = startWatchdog(OPENING_LIMIT_MS);
  const requestStop = (): void => {
    process.kill(process.pid, "SIGTERM");
  };
  const node = await openNode(config, { log, now, requestStop });
  await opening.stop();
  startWatchdog();
  stopOnSignal(node, log);
  const chains = config.chains.map(({ chainId }) => chainId);
  const { url, consoleUrl, transmitters } = node;
  say({
    event: "ready",
    url,
    ...(consoleUrl !== undefined && { console: consoleUrl }),
    chains,
    transmitters,
  });
}

function stopOnSignal(running: { stop(): Promise<void> }, log: Logger): void {
  let isStopping = false;
  const begin = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.info("oracle.stopping", { signal });
    running.stop().then(
      () => {
        say({ event: "stopped" });
        process.exit(0);
      },
      (error: unknown) => {
        log.error("oracle.stop-failed", { error });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", begin);
  process.on("SIGINT", begin);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof AdytonError ? explain(error as AdytonError) : String(error)}\n`);
  process.exit(1);
}
