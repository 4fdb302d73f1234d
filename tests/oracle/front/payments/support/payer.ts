/** Whoever pays for a call: x402's reference client, and payments that no client would make. */

import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { Wallet, type TypedDataDomain, type TypedDataField } from "ethers";
import type { Hex } from "../../../../../protocol/bytes.ts";
import { paymentHash } from "../../../../../protocol/payment.ts";

export const AMOUNT = 10_000n;
export const TOKEN: { readonly address: Hex; readonly name: string; readonly version: string } = {
  ...{ address: `0x${"70".repeat(20)}`, name: "USD Coin", version: "2" },
};
export const PAY_TO: Hex = `0x${"e1".repeat(20)}`;
export const CHAIN_ID = 31_337;
/** Keys of accounts that exist in a table of these tests. */
export const payer = new Wallet(`0x${"a1".repeat(32)}`);
export const pauper = new Wallet(`0x${"a2".repeat(32)}`);

export const callOf = (question: string, name = "stand-in-1"): string =>
  JSON.stringify({ model: `stand-in/${name}`, messages: [{ role: "user", content: question }] });

interface TypedData {
  readonly domain: TypedDataDomain;
  readonly types: Readonly<Record<string, TypedDataField[]>>;
  readonly message: Record<string, unknown>;
}

export interface Paying {
  readonly ask: (question: string, name?: string) => Promise<Response>;
  /** The payments that it made. */
  readonly sent: string[];
}

/** As an application that pays: x402's own client. */
export function paying(wallet: Wallet, url: string): Paying {
  const sent: string[] = [];
  const signer = {
    address: wallet.address as Hex,
    signTypedData: async ({ domain, types, message }: TypedData): Promise<Hex> => {
      const own = Object.fromEntries(Object.entries(types).filter(([name]) => name !== "EIP712Domain"));
      return (await wallet.signTypedData(domain, own, message)) as Hex;
    },
  };
  const client = x402Client.fromConfig({
    schemes: [{ network: "eip155:*", client: new ExactEvmScheme(signer as never) }],
    // The client pays in tokens that it knows, and in those that its owner allows.
    spendControls: { allowedAssets: [{ network: `eip155:${CHAIN_ID}`, asset: TOKEN.address }] },
  });
  const watched: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const payment = request.headers.get("payment-signature");
    if (payment !== null) sent.push(payment);
    return await globalThis.fetch(request);
  };
  const fetchPaid = wrapFetchWithPayment(watched, client);
  const ask = (question: string, name?: string): Promise<Response> =>
    fetchPaid(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: callOf(question, name),
    });
  return { ask, sent };
}

type Authorization = Readonly<
  Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", string>
>;

export interface PaymentJson {
  readonly payload: { readonly signature: string; readonly authorization: Authorization };
  readonly accepted: Readonly<Record<string, unknown>>;
}

export const decode = (header: string | null | undefined): PaymentJson =>
  JSON.parse(Buffer.from(header ?? "", "base64").toString("utf8")) as PaymentJson;
export const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");

/** The EIP-712 digest that the payer signed, as whoever has the payment reckons it. */
export function hashOf(payment: string): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = decode(payment).payload.authorization;
  return paymentHash(
    { ...TOKEN, chainId: BigInt(CHAIN_ID) },
    {
      ...{ from: from.toLowerCase() as Hex, to: to.toLowerCase() as Hex, value: BigInt(value) },
      ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore), nonce: nonce as Hex },
    },
  );
}

/** `payment` with other terms, signed by the payer. */
export async function withTerms(payment: string, change: Partial<Authorization>): Promise<string> {
  const before = decode(payment);
  const authorization = { ...before.payload.authorization, nonce: `0x${"09".repeat(32)}`, ...change };
  const types = {
    TransferWithAuthorization: [
      ...["from", "to"].map((name) => ({ name, type: "address" })),
      ...["value", "validAfter", "validBefore"].map((name) => ({ name, type: "uint256" })),
      { name: "nonce", type: "bytes32" },
    ],
  };
  const { address: verifyingContract, ...named } = TOKEN;
  const domain = { ...named, chainId: CHAIN_ID, verifyingContract };
  const signature = await payer.signTypedData(domain, types, authorization);
  return encode({ ...before, payload: { signature, authorization } });
}
