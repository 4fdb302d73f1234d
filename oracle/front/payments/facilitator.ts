/**
 * The facilitator: whoever verifies payments and brings them to the chain, over HTTP. It is believed about both, and is shown
 * payments and no calls. No library's client: those follow redirects with the payment in their hand, and read replies of any length.
 */

import * as z from "zod";
import { UpstreamError } from "../../../protocol/errors.ts";
import { readAtMost } from "../../../client/read-at-most.ts";
import { withDeadline } from "../../engine/deadline.ts";
import type { Charge } from "./charge.ts";
import { requirementsOf, X402_VERSION, type Payment } from "./x402.ts";

const MAX_REPLY_BYTES = 64 * 1_024;
const VERIFY_MS = 10_000;
/** Milliseconds: until a transaction is mined. */
const SETTLE_MS = 60_000;

const reason = z.string().max(1_000).optional();
const Verified = z.object({ isValid: z.boolean(), invalidReason: reason, payer: z.string().optional() });
const Settled = z.object({
  success: z.boolean(),
  errorReason: reason,
  payer: z.string().optional(),
  transaction: z.string().max(200).default(""),
  network: z.string().max(100).optional(),
});
export type Settled = z.output<typeof Settled>;

export interface Facilitator {
  /**
   * Why a payment would not settle; null when it would.
   *
   * @throws {UpstreamError} PEER_UNAVAILABLE when it does not say
   */
  readonly verify: (payment: Payment) => Promise<string | null>;
  /** @throws {UpstreamError} PEER_UNAVAILABLE when it does not say: then it may have settled, or not */
  readonly settle: (payment: Payment) => Promise<Settled>;
}

export function createFacilitator(charge: Charge): Facilitator {
  const call = async <T>(path: string, payment: Payment, schema: z.ZodType<T>, ms: number): Promise<T> => {
    try {
      return await withDeadline(ms, async (signal) => {
        const reply = await fetch(`${charge.facilitatorUrl}${path}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            x402Version: X402_VERSION,
            paymentPayload: payment.json,
            paymentRequirements: requirementsOf(charge),
          }),
          redirect: "error",
          signal,
        });
        // A refusal has its reason in the body, whatever its status.
        return schema.parse(
          JSON.parse(Buffer.from(await readAtMost(reply, MAX_REPLY_BYTES)).toString("utf8")),
        );
      });
    } catch (cause) {
      throw new UpstreamError({
        code: "PEER_UNAVAILABLE",
        message: "the facilitator of payments does not answer as one",
        details: { path },
        cause,
      });
    }
  };
  return {
    verify: async (payment) => {
      const { isValid, invalidReason } = await call("/verify", payment, Verified, VERIFY_MS);
      return isValid ? null : (invalidReason ?? "the payment is not valid");
    },
    settle: (payment) => call("/settle", payment, Settled, SETTLE_MS),
  };
}
