/** x402, version 2, scheme `exact` on an EVM chain: what its HTTP headers hold. https://github.com/coinbase/x402, specs. */

import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import { uint256 } from "../../../protocol/fields.ts";
import { paymentHash, type PaymentAuthorization } from "../../../protocol/payment.ts";
import type { Charge } from "./charge.ts";

export const X402_VERSION = 2;
export const SCHEME = "exact";

export const PaymentHeader = {
  required: "payment-required",
  signature: "payment-signature",
  response: "payment-response",
} as const;

/** Characters: a payment has some 1,200, and its extensions echo the offer. */
const MAX_HEADER_LENGTH = 8_192;

/** Clients write addresses with a checksum's capitals: the same address. */
const hexOf = (bytes: number): z.ZodPipe<z.ZodString, z.ZodTransform<Hex, string>> =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`, "u"))
    .transform((text) => text.toLowerCase() as Hex);

const Requirements = z.object({
  scheme: z.literal(SCHEME),
  network: z.string(),
  amount: z.string(),
  asset: hexOf(20),
  payTo: hexOf(20),
  maxTimeoutSeconds: z.number(),
  extra: z.object({ name: z.string(), version: z.string() }),
});

const Authorization = z.object({
  from: hexOf(20),
  to: hexOf(20),
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: hexOf(32),
});

/** What it does not name is handed on to the facilitator as it came. */
const Payment = z.looseObject({
  x402Version: z.literal(X402_VERSION),
  accepted: Requirements,
  payload: z.object({ signature: z.string().max(MAX_HEADER_LENGTH), authorization: Authorization }),
});

export interface Payment {
  /** What the payer signed. */
  readonly hash: Hex;
  readonly authorization: PaymentAuthorization;
  /** As the payer wrote it, for the facilitator. */
  readonly json: unknown;
}

/** Of `accepts`, as everybody is offered it. */
export function requirementsOf({ network, token, payTo, amount, maxTimeoutSeconds }: Charge) {
  return {
    scheme: SCHEME,
    network,
    amount: amount.toString(),
    asset: token.address,
    payTo,
    maxTimeoutSeconds,
    extra: { name: token.name, version: token.version },
  };
}

/**
 * The payment that a header holds, if it is for `charge`: that amount, to that account, in that token.
 *
 * Leaves to the facilitator: the payer's signature, its balance, and whether the token has taken the authorization before.
 *
 * @throws {InputError} INPUT_INVALID for no payment; INPUT_FEE_TOO_LOW for one of other terms
 */
export function readPayment(header: string, charge: Charge): Payment {
  const json = decodeHeader(header);
  const parsed = Payment.safeParse(json);
  if (!parsed.success) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the payment is not one of x402, version 2, scheme exact",
      details: {
        field: parsed.error.issues
          .slice(0, 1)
          .flatMap(({ path }) => path.map(String))
          .join("."),
      },
    });
  }
  const { accepted, payload } = parsed.data;
  const { authorization } = payload;
  const offered = requirementsOf(charge);
  const isAccepted =
    accepted.network === offered.network &&
    accepted.amount === offered.amount &&
    accepted.asset === offered.asset &&
    accepted.payTo === offered.payTo &&
    accepted.extra.name === offered.extra.name &&
    accepted.extra.version === offered.extra.version;
  if (!isAccepted) throw refused("the payment accepts other terms than are offered here");
  if (authorization.to !== charge.payTo) throw refused("the payment goes to another account");
  if (authorization.value !== charge.amount) throw refused("the payment is of another amount");
  return { hash: paymentHash(charge.token, authorization), authorization, json };
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_FEE_TOO_LOW", message });
}

function decodeHeader(header: string): unknown {
  try {
    if (header.length > MAX_HEADER_LENGTH) throw new RangeError("longer than any payment");
    return JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the payment is not base64 of JSON", cause });
  }
}

export function encodeHeader(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}
