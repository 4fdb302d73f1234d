/** Puts together what programs run in and may reach. */

import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { ConfigError } from "../../protocol/errors.ts";
import type { TrustedClock } from "../clock/trusted-clock.ts";
import type { Behaviour } from "../configuration/behaviour.ts";
import { createEgress } from "../egress/egress.ts";
import type { Identity } from "../identity/identity.ts";
import type { RunView } from "../sources/view-threads.ts";
import { AgentSecrets } from "./agent-secrets.ts";
import type { Agents } from "./answer-agent.ts";
import { ProgramStore } from "./program-store.ts";
import { readSandboxFiles } from "./sandbox-files.ts";
import { WorkerPool } from "./worker-pool.ts";

/** Threads at most: each keeps an engine compiled, and other routes need a processor too. */
const MAX_THREADS = 8;

export interface AgentParts {
  readonly behaviour: Behaviour;
  readonly identity: Identity;
  readonly clock: TrustedClock;
  readonly runView: RunView;
}

/**
 * null where the behaviour file says nothing of agents.
 *
 * @throws {ConfigError} CONFIG_INVALID when the files are not those that the behaviour file names
 */
export function createAgents({ behaviour, identity, clock, runView }: AgentParts): Agents | null {
  const settings = behaviour.agents;
  if (settings === undefined) return null;
  const files = readSandboxFiles();
  const engine = sha256(files.engine);
  const prelude = sha256(files.prelude);
  check("engine", engine, settings.sandbox.engine);
  check("prelude", prelude, settings.sandbox.prelude);
  const now = (): number | null => clock.read().now;
  return {
    world: {
      settings,
      exchange: createEgress(behaviour, {
        connection: "fresh",
        minimumTls: "TLSv1.2",
        minimumScts: 0,
        addresses: settings.addresses === "public" ? "public" : "any",
        now,
      }),
      secrets: new AgentSecrets(identity),
      runView,
      now: () => now() ?? clock.read().lowerBound,
    },
    programs: new ProgramStore(),
    pool: new WorkerPool({
      files,
      threads: Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1)),
      concurrentRuns: settings.concurrentRuns,
    }),
    engine,
    prelude,
  };
}

function check(what: string, actual: Hex, expected: string): void {
  if (actual === `0x${expected}`) return;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `behaviour file: agents.sandbox.${what} is ${expected}, and this enclave has ${actual.slice(2)}`,
    details: { file: "behaviour file" },
  });
}

function sha256(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
