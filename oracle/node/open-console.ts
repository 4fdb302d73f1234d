/** The console of a node: its listener, and what it keeps to have something to show. */

import type { EvidenceReview } from "../enclaves/evidence-review.ts";
import { AlertWatch, findAlerts, type StandingAlert, type Watched } from "../console/alerts.ts";
import { createConsoleApp } from "../console/console-app.ts";
import { toConsoleState, type ConsoleState, type ShownEnclave } from "../console/console-state.ts";
import type { MinuteSeries } from "../console/minute-series.ts";
import { PurseWatch } from "../console/purse-watch.ts";
import { readConsoleToken } from "../configured-files.ts";
import { Wakeable } from "../engine/wakeable.ts";
import { listen } from "../http/server.ts";
import { listAdmissions } from "../store/list-admissions.ts";
import { countOpen } from "../store/open-counts.ts";
import type { NodeContext } from "./node-context.ts";
import { readRuntime, type NodeParts } from "./read-runtime.ts";
import { chainState, readHealth } from "./report.ts";

interface ConsoleNodeParts extends NodeParts {
  readonly review: Pick<EvidenceReview, "acceptedAt">;
  readonly minutes: MinuteSeries;
}

export interface OpenConsole {
  readonly url: string;
  stop(): Promise<void>;
}

/** How often balances are looked at, and alerts noticed while nobody reads. */
const LOOK_MS = 10_000;
/** Admissions of an enclave that are looked through for those that stand. */
const ADMISSIONS = 20;
const HOUR_MINUTES = 60;

/** @returns `undefined` where no console is configured */
export async function openConsole(
  context: NodeContext,
  parts: ConsoleNodeParts,
): Promise<OpenConsole | undefined> {
  const { config, log, now } = context;
  const token = readConsoleToken(config);
  if (token === undefined || config.console === undefined) return undefined;
  const purses = new PurseWatch(() => parts.chains.relays.map(chainState), now);
  const standing = new AlertWatch();
  const noteAlerts = async (): Promise<
    Pick<Watched, "health" | "runtime"> & { alerts: readonly StandingAlert[] }
  > => {
    const health = readHealth(parts.chains, parts.enclaves, parts.probe);
    const runtime = await readRuntime(context, parts);
    const refunds = parts.minutes
      .read()
      .slice(-HOUR_MINUTES)
      .reduce((total, { ended }) => total + ended, 0);
    const found = findAlerts({ health, runtime, refunds, soonest: soonestOf(purses) });
    return { health, runtime, alerts: standing.note(found, now()) };
  };
  const read = async (): Promise<ConsoleState> =>
    toConsoleState({
      ...(await noteAlerts()),
      open: await countOpen(context.store),
      enclaves: await describeEnclaves(context, parts),
      minutes: parts.minutes.read(),
      purses: purses.report(),
      reverifySeconds: config.reverifySeconds,
    });
  const http = await listen(createConsoleApp({ token, read, log }), config.console);
  const looking = new Wakeable(LOOK_MS, async () => {
    purses.look();
    await noteAlerts().catch((error: unknown) => {
      log.warn("console.look-failed", { error });
    });
    return false;
  });
  return {
    url: `http://${config.console.host}:${http.port}`,
    async stop() {
      await http.close();
      await looking.stop();
    },
  };
}

function soonestOf(purses: PurseWatch): Watched["soonest"] {
  return purses.report().flatMap(({ chainId, keys }) => {
    const known = keys.flatMap(({ address, leftSeconds }) =>
      leftSeconds === null ? [] : [{ chainId, address, leftSeconds }],
    );
    return known.toSorted((one, other) => one.leftSeconds - other.leftSeconds).slice(0, 1);
  });
}

async function describeEnclaves(
  { store, now }: NodeContext,
  { enclaves, review }: Pick<ConsoleNodeParts, "enclaves" | "review">,
): Promise<readonly ShownEnclave[]> {
  return await Promise.all(
    enclaves.sessions.map(async (session) => {
      const { keysetId, url, attestation } = session;
      const events = await listAdmissions(store, { keysetId, limit: ADMISSIONS });
      const newest = new Map(events.toReversed().map((event) => [`${event.chainId} ${event.seat}`, event]));
      return {
        ...{ keysetId, host: new URL(url).host, kind: attestation.evidence.kind },
        acceptedAt: Math.floor(review.acceptedAt(session) / 1_000),
        admissions: [...newest.values()]
          .filter(({ event, expiresAt }) => event === "admitted" && expiresAt * 1_000 > now())
          .map(({ chainId, policyId, expiresAt }) => ({ chainId, policyId, expiresAt })),
      };
    }),
  );
}
