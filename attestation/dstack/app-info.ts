/**
 * What a dstack guest runs, as its event log says once it has replayed to RTMR3.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest `decode_app_info`: events between boot and `system-ready` name
 * the application; the compose hash is SHA-256 of `app-compose.json`, and an app id is 20 bytes of its deployment.
 */

import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkReplay } from "../eventlog/rtmr.ts";
import { RUNTIME_RTMR, type DstackEvent } from "./event-log.ts";

/** The guest extends it when it hands over to the application: what follows is the application's own word. */
const HANDOVER = "system-ready";

export interface DstackAppInfo {
  readonly appId: Hex;
  readonly composeHash: Hex;
  /** Null where the guest extends none. */
  readonly instanceId: Hex | null;
  readonly osImageHash: Hex | null;
  /** JSON, as extended. */
  readonly keyProvider: Hex | null;
}

/**
 * Replays `events` to `rtmr3` and reads the application from them.
 *
 * Establishes: the TD whose RTMR3 this is extended exactly these events. Whether the software that did so is dstack's
 * is what MRTD and RTMR 0 to 2 say: a policy that reads this must pin those.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH when the log does not replay; EVIDENCE_MALFORMED when it names the
 *   application twice or not at all
 */
export function verifyDstackAppInfo(events: readonly DstackEvent[], rtmr3: Uint8Array): DstackAppInfo {
  checkReplay(events, RUNTIME_RTMR, rtmr3);
  const runtime = events.filter((event) => event.rtmr === RUNTIME_RTMR);
  const handover = runtime.findIndex((event) => event.name === HANDOVER);
  const boot = handover === -1 ? runtime : runtime.slice(0, handover);
  return {
    appId: required(boot, "app-id"),
    composeHash: required(boot, "compose-hash"),
    instanceId: optional(boot, "instance-id"),
    osImageHash: optional(boot, "os-image-hash"),
    keyProvider: optional(boot, "key-provider"),
  };
}

function required(events: readonly DstackEvent[], name: string): Hex {
  const value = optional(events, name);
  if (value === null) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the event log does not name the application",
      details: { missing: name },
    });
  }
  return value;
}

function optional(events: readonly DstackEvent[], name: string): Hex | null {
  const [event, second] = events.filter((candidate) => candidate.name === name);
  if (second !== undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the event log says one thing twice",
      details: { event: name },
    });
  }
  return event === undefined ? null : toHex(event.payload);
}
