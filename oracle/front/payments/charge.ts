/** What a front charges for a call, and how it is paid: the file of `adyton front --charge`. */

import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { address, uint96 } from "../../../protocol/fields.ts";
import type { PaymentToken } from "../../../protocol/payment.ts";

/** Seconds: time for a model, and no longer than a payer is bound for one call. */
const MIN_TIMEOUT_SECONDS = 30;
const MAX_TIMEOUT_SECONDS = 3_600;

export const ChargeFile = z.strictObject({
  /** Where callers reach the front: what an offer is for. */
  publicUrl: z.url({ protocol: /^https?$/u }),
  /** Verifies payments and brings them to the chain; it is believed about both. */
  facilitatorUrl: z.url({ protocol: /^https?$/u }),
  chainId: z.int().min(1),
  token: z.strictObject({ address, name: z.string().min(1).max(64), version: z.string().min(1).max(16) }),
  payTo: address,
  /** In the token's smallest unit, for each call. */
  amount: uint96.refine((amount) => amount > 0n, { error: "a call costs something" }),
  /** Time from a payment's signature to its settlement, the model's included. */
  maxTimeoutSeconds: z.int().min(MIN_TIMEOUT_SECONDS).max(MAX_TIMEOUT_SECONDS).default(300),
  /** Holds what the front shows the enclave for calls that are paid. */
  credentialFile: z.string(),
  /** Holds the key that offers and receipts are signed with, 0x hex. It is no account: nothing is ever sent from it. */
  keyFile: z.string(),
  /** Where paid calls are written down, so that a crash leaves none unknown. One front has one. */
  journalFile: z.string(),
});
export type ChargeFile = z.output<typeof ChargeFile>;

export interface Charge {
  readonly publicUrl: string;
  readonly facilitatorUrl: string;
  /** CAIP-2. */
  readonly network: string;
  readonly token: PaymentToken;
  readonly payTo: Hex;
  readonly amount: bigint;
  readonly maxTimeoutSeconds: number;
}

export function chargeOf(file: ChargeFile): Charge {
  const { publicUrl, facilitatorUrl, chainId, token, payTo, amount, maxTimeoutSeconds } = file;
  return {
    publicUrl: publicUrl.replace(/\/$/u, ""),
    facilitatorUrl: facilitatorUrl.replace(/\/$/u, ""),
    network: `eip155:${chainId}`,
    token: { ...token, chainId: BigInt(chainId) },
    payTo,
    amount,
    maxTimeoutSeconds,
  };
}
