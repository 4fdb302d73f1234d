import type { OracleConfig } from "../config.ts";
import type { EvidenceVerifier } from "../../client/evidence-verifier.ts";
import type { Engine } from "../engine/engine.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { SpanSink } from "../telemetry/request-span.ts";
import type { NodeEvents } from "./node-events.ts";

/** The things that all parts of a node share. */
export interface NodeContext {
  readonly config: OracleConfig;
  readonly store: Store;
  readonly engine: Engine;
  readonly log: Logger;
  readonly events: NodeEvents;
  readonly verifier: EvidenceVerifier;
  readonly spans: SpanSink;
  /** This process, among those that share the store. */
  readonly holder: string;
  /** Milliseconds. */
  readonly now: () => number;
}
