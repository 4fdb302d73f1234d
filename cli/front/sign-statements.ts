/**
 * What the front signs of a payment (x402's extension offer-receipt, as its library 2.27 checks it): the offer before, the receipt
 * after. Both are the front's word, with a key that is the front's: what an enclave has answered, and for which payment, is in the
 * enclave's own receipt.
 */

import { Wallet, type TypedDataField } from "ethers";
import type { Charge } from "../../oracle/front/payments/charge.ts";
import type { Statements } from "../../oracle/front/payments/paid-calls.ts";
import { requirementsOf } from "../../oracle/front/payments/x402.ts";
import type { Hex } from "../../protocol/bytes.ts";

const OFFER_RECEIPT = "offer-receipt";
const STATEMENT_VERSION = 1;
/** The extension's domains name this one, whatever chain a payment is on: the network is in the message. */
const DOMAIN_CHAIN_ID = 1;

const fields = (spec: string): TypedDataField[] =>
  spec.split(",").map((field) => {
    const [type = "", name = ""] = field.split(" ");
    return { type, name };
  });
const OFFER = fields(
  "uint256 version,string resourceUrl,string scheme,string network,string asset,string payTo,string amount,uint256 validUntil",
);
const RECEIPT = fields(
  "uint256 version,string network,string resourceUrl,string payer,uint256 issuedAt,string transaction",
);

/** @param key 32 bytes. It signs these two statements and nothing else. */
export function createStatements(charge: Charge, key: Hex): Statements {
  const wallet = new Wallet(key);
  const sign = async (
    name: string,
    types: Record<string, TypedDataField[]>,
    payload: object,
  ): Promise<object> => ({
    format: "eip712",
    payload,
    signature: await wallet.signTypedData({ name, version: "1", chainId: DOMAIN_CHAIN_ID }, types, payload),
  });
  const { scheme, network, asset, payTo, amount } = requirementsOf(charge);
  return {
    offer: async (path, now) => {
      const payload = {
        ...{ version: STATEMENT_VERSION, resourceUrl: charge.publicUrl + path },
        ...{ scheme, network, asset, payTo, amount, validUntil: now + charge.maxTimeoutSeconds },
      };
      const offer = await sign("x402 offer", { Offer: OFFER }, payload);
      const info = { version: STATEMENT_VERSION, offers: [{ ...offer, acceptIndex: 0 }] };
      return { [OFFER_RECEIPT]: { info, schema: { type: "object" } } };
    },
    receipt: async (path, { payer, transaction }, now) => {
      const payload = {
        ...{ version: STATEMENT_VERSION, network, resourceUrl: charge.publicUrl + path },
        ...{ payer, issuedAt: now, transaction },
      };
      const receipt = await sign("x402 receipt", { Receipt: RECEIPT }, payload);
      return {
        [OFFER_RECEIPT]: { info: { version: STATEMENT_VERSION, receipt }, schema: { type: "object" } },
      };
    },
  };
}
