import type { Hex } from "../../protocol/bytes.ts";
import type { Request } from "../../protocol/request.ts";

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
  /** Whose answer settled it; zero unless fulfilled. */
  readonly keysetId: Hex;
  readonly callbackSucceeded: boolean | null;
}

export interface AdmissionEvent extends LogPosition {
  readonly kind: "admission";
  readonly event: "admitted" | "revoked";
  readonly keysetId: Hex;
  /** Zero for a revocation, which holds under every policy. */
  readonly policyId: Hex;
  /** Seconds; 0 for a revocation. */
  readonly expiresAt: number;
  /** Identity of the machine; zero for a revocation. */
  readonly platform: Hex;
}

export type ChainEvent = RequestedEvent | SettledEvent | AdmissionEvent;
