import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";

/** Where on the chain something happened. */
export interface LogPosition {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly txHash: Hex;
  readonly logIndex: number;
}

export interface RequestedEvent extends LogPosition {
  readonly kind: "requested";
  readonly requestId: Hex;
  readonly request: Request;
  /** Empty when the payload travels by `payloadUri`. */
  readonly payload: Hex;
  readonly payloadUri: string;
}

export interface SettledEvent extends LogPosition {
  readonly kind: "settled";
  readonly requestId: Hex;
  readonly how: "fulfilled" | "refunded" | "cancelled";
  /** An answer's status; 0 unless fulfilled. */
  readonly status: number;
  /** Whose answer settled it; zero unless one keyset's did. */
  readonly keysetId: Hex;
  /** Seconds, as the enclave had them; 0 unless fulfilled. */
  readonly answeredAt: number;
  /** Zero unless fulfilled. */
  readonly outputHash: Hex;
  readonly callbackSucceeded: boolean | null;
}

/** A callback that had failed, delivered again. */
export interface DeliveredEvent extends LogPosition {
  readonly kind: "delivered";
  readonly requestId: Hex;
}

/** The fate of the committed leaves of a request whose threshold is above one. */
export interface QuorumEvent extends LogPosition {
  readonly kind: "quorum";
  readonly requestId: Hex;
  /** `cleared`: too few of the set were opened in time, and it is given up. */
  readonly event: "committed" | "opened" | "cleared";
  /** Those that this transaction committed or opened; none for a cleared set. */
  readonly leaves: readonly Hex[];
  /** Of the committed leaves, in their order; none in other events. */
  readonly platforms: readonly Hex[];
  /** Seconds: openings begin; 0 while there are too few leaves, and in other events than `committed`. */
  readonly windowEndsAt: number;
}

export interface AdmissionEvent extends LogPosition {
  readonly kind: "admission";
  /** `deleted`: this one admission ended, named by its seat; `revoked`: the keyset, under every policy. */
  readonly event: "admitted" | "deleted" | "revoked";
  /** Zero where only the seat is named. */
  readonly keysetId: Hex;
  /** Zero for a revocation, which holds under every policy. */
  readonly policyId: Hex;
  /** Seconds; 0 unless admitted. */
  readonly expiresAt: number;
  /** Identity of the machine; zero unless admitted. */
  readonly platform: Hex;
  /** The key by which a deletion names the admission; zero for a revocation. */
  readonly seat: Hex;
}

export type ChainEvent = RequestedEvent | SettledEvent | DeliveredEvent | QuorumEvent | AdmissionEvent;
