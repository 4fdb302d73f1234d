/**
 * What a dstack guest runs, as what it extended or was launched with says.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest `decode_app_info`: events between boot and `system-ready` name
 * the application; the compose hash is SHA-256 of `app-compose.json`, and an app id is 20 bytes of its deployment. On
 * SEV-SNP `MrConfigV3` says it, which HOST_DATA commits to.
 */

import { sha256, sha384 } from "@noble/hashes/sha2.js";
import * as z from "zod";
import { concatBytes, equalBytes, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkReplay } from "../eventlog/rtmr.ts";
import { RUNTIME_RTMR, type DstackEvent } from "./event-log.ts";

/** The guest extends it when it hands over to the application: what follows is the application's own word. */
const HANDOVER = "system-ready";

/** Null is what the guest did not say, and what no policy that names a value accepts. */
export interface DstackAppInfo {
  readonly appId: Hex | null;
  readonly composeHash: Hex | null;
  readonly instanceId: Hex | null;
  readonly osImageHash: Hex | null;
  /** JSON, as extended. */
  readonly keyProvider: Hex | null;
}

export const NO_APP_INFO: DstackAppInfo = {
  appId: null,
  composeHash: null,
  instanceId: null,
  osImageHash: null,
  keyProvider: null,
};

/**
 * Replays `events` to `rtmr3` and reads the application from them.
 *
 * Establishes: the TD whose RTMR3 this is extended exactly these events. Whether the software that did so is dstack's
 * is what MRTD and RTMR 0 to 2 say: a policy that reads this must pin those.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH when the log does not replay; EVIDENCE_MALFORMED when it names the
 *   application twice
 */
export function verifyDstackAppInfo(events: readonly DstackEvent[], rtmr3: Uint8Array): DstackAppInfo {
  checkReplay(events, RUNTIME_RTMR, rtmr3);
  return readAppInfo(events.filter((event) => event.rtmr === RUNTIME_RTMR));
}

/**
 * Replays `events` to PCR14 of a NitroTPM, which dstack extends there as it does RTMR3 of a TD, and reads the
 * application from them. What it establishes, and what a policy must pin beside it, is the same, with the boot's PCRs.
 *
 * @throws {EvidenceError} as `verifyDstackAppInfo`
 */
export function verifyPcrAppInfo(events: readonly DstackEvent[], pcr14: Uint8Array): DstackAppInfo {
  const replayed = events.reduce<Uint8Array>(
    (value, { digest }) => sha384(concatBytes(value, digest)),
    new Uint8Array(48),
  );
  if (!equalBytes(replayed, pcr14)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the event log does not replay to PCR14 of the evidence",
      details: { pcr: 14 },
    });
  }
  return readAppInfo(events);
}

function readAppInfo(runtime: readonly DstackEvent[]): DstackAppInfo {
  const handover = runtime.findIndex((event) => event.name === HANDOVER);
  const boot = handover === -1 ? runtime : runtime.slice(0, handover);
  return {
    appId: payloadOf(boot, "app-id"),
    composeHash: payloadOf(boot, "compose-hash"),
    instanceId: payloadOf(boot, "instance-id"),
    osImageHash: payloadOf(boot, "os-image-hash"),
    keyProvider: payloadOf(boot, "key-provider"),
  };
}

function payloadOf(events: readonly DstackEvent[], name: string): Hex | null {
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

/** Hashed before the document, with a zero byte between (`MR_CONFIG_V3_DOCUMENT_HASH_DOMAIN`). */
const MR_CONFIG_DOMAIN = "dstack-mr-config-v3:";
const MR_CONFIG_VERSION = 3;

const bareHex = z
  .string()
  .regex(/^(?:[0-9a-f]{2})*$/)
  .transform((text): Hex => `0x${text}`);

const mrConfigSchema = z.object({
  version: z.int().default(MR_CONFIG_VERSION),
  app_id: bareHex.optional(),
  compose_hash: bareHex,
  instance_id: bareHex.optional(),
  key_provider: z.string(),
  key_provider_id: bareHex.optional(),
});

/** Names that the guest gives the providers of `KeyProviderKind`. */
const KEY_PROVIDER_NAMES: Readonly<Record<string, string>> = { local: "local-sgx" };

/**
 * Checks that `hostData` commits to `document`, and reads the application from it. An empty document says nothing.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH; EVIDENCE_UNSUPPORTED for a document of another version
 */
export function verifyMrConfig(document: string, hostData: Uint8Array): DstackAppInfo {
  if (document === "") return NO_APP_INFO;
  const hash = sha256(concatBytes(toUtf8(MR_CONFIG_DOMAIN), Uint8Array.of(0), toUtf8(document)));
  if (!equalBytes(hash, hostData)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "HOST_DATA does not commit to the configuration beside the report",
    });
  }
  const config = mrConfigSchema.safeParse(tryJson(document));
  if (!config.success || config.data.version !== MR_CONFIG_VERSION) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the guest's configuration is not of version 3",
    });
  }
  const { app_id, compose_hash, instance_id, key_provider, key_provider_id } = config.data;
  const provider = {
    name: KEY_PROVIDER_NAMES[key_provider] ?? key_provider,
    id: (key_provider_id ?? "0x").slice(2),
  };
  return {
    appId: app_id ?? null,
    composeHash: compose_hash,
    instanceId: instance_id ?? null,
    osImageHash: null,
    keyProvider: toHex(toUtf8(JSON.stringify(provider))),
  };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
