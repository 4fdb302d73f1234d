/** Puts together what fetches and reads what prompts name. */

import { ConfigError } from "../../protocol/errors.ts";
import type { TrustedClock } from "../clock/trusted-clock.ts";
import type { Behaviour } from "../configuration/behaviour.ts";
import { createEgress } from "../egress/egress.ts";
import { EXTRACTOR } from "./extractor.ts";
import type { RunView } from "./view-threads.ts";
import { createPageThreads } from "./page-threads.ts";
import type { Sources } from "./read-sources.ts";

export interface SourceParts {
  readonly clock: TrustedClock;
  /** Of the threads that read pages. */
  readonly script: URL;
  readonly runView: RunView;
}

/**
 * null where the behaviour file says nothing of sources.
 *
 * @throws {ConfigError} CONFIG_INVALID when it names another extractor than this enclave has
 */
export function createSources(behaviour: Behaviour, { clock, script, runView }: SourceParts): Sources | null {
  const settings = behaviour.sources;
  if (settings === undefined) return null;
  const extractor = settings.pages?.extractor ?? EXTRACTOR;
  if (extractor !== EXTRACTOR) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `behaviour file: sources.pages.extractor is "${extractor}", and this enclave has "${EXTRACTOR}"`,
      details: { file: "behaviour file" },
    });
  }
  return {
    settings,
    readPage: createPageThreads({ script }),
    runView,
    exchange: createEgress(behaviour, {
      connection: "fresh",
      minimumTls: "TLSv1.2",
      minimumScts: 0,
      addresses: settings.addresses === "public" ? "public" : "any",
      now: () => clock.read().now,
    }),
  };
}
