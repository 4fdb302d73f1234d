/**
 * Calls that are paid for one by one, and which payments pay for one: x402's reference client, a front, a real enclave with the
 * stand-in model, and a facilitator that settles in a table in place of a chain.
 */

import {
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  verifyOfferSignatureEIP712,
  verifyReceiptSignatureEIP712,
} from "@x402/extensions/offer-receipt";
import { getAddress, Wallet } from "ethers";
import { describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../../attestation/index.ts";
import { contentOf, contextOf, errorOf, FRONT_KEY, nowSeconds, withPaidFront } from "./support/paid-front.ts";
import {
  AMOUNT,
  callOf,
  CHAIN_ID,
  decode,
  encode,
  hashOf,
  PAY_TO,
  pauper,
  payer,
  TOKEN,
} from "./support/payer.ts";

const at = withPaidFront();
const { paying, send, makePayment, otherPayment, modelCalls } = at;

describe("a call that is paid for", () => {
  test("is answered, settled once, and bound to its payment by what the enclave signs", async () => {
    const { ask, sent } = paying(payer);
    const response = await ask("What is 6 * 7?");
    expect(response.status).toBe(200);
    const path = response.headers.get("adyton-receipt") ?? "";
    expect(await contentOf(response)).toBe("6 * 7 = 42");
    expect(at.facilitator.calls).toEqual(["/verify", "/settle"]);
    expect(at.facilitator.paid).toMatchObject([{ value: AMOUNT }]);
    const file = new Uint8Array(await (await fetch(at.front.url + path)).arrayBuffer());
    const { receipt, checks } = await verifyReceipt(file);
    expect(receipt.answer.keysetId).toBe(at.enclave.keysetId);
    // `adyton verify` prints what was checked.
    expect(checks.map(({ detail }) => detail).join()).toContain(
      `the caller's context is ${hashOf(sent[0]!)}`,
    );
    expect(contextOf(receipt)).toBe(hashOf(sent[0]!));
    // Another payment, of the same amount to the same account, is another context.
    expect(contextOf(receipt)).not.toBe(hashOf(await makePayment("What is 6 * 7?")));
  });

  test("has an offer before and a receipt after, which x402's own library verifies as the front's", async () => {
    const required = await send(null, callOf("What is 6 * 7?"));
    expect(required.status).toBe(402);
    const header = required.headers.get("payment-required") ?? "";
    const [offer] = extractOffersFromPaymentRequired(decode(header) as never);
    const { signer, payload } = await verifyOfferSignatureEIP712(offer as never);
    expect(signer).toBe(new Wallet(FRONT_KEY).address);
    expect(payload).toMatchObject({
      ...{ resourceUrl: "https://front.example/v1/chat/completions", amount: String(AMOUNT) },
      ...{ network: `eip155:${CHAIN_ID}`, asset: TOKEN.address, payTo: PAY_TO, scheme: "exact" },
    });
    const { ask } = paying(payer);
    const receipt = extractReceiptFromResponse(await ask("What is 6 * 7?"));
    const verified = await verifyReceiptSignatureEIP712(receipt as never);
    expect(verified.signer).toBe(signer);
    expect(getAddress(verified.payload.payer)).toBe(payer.address);
    expect(verified.payload).toMatchObject({ transaction: at.facilitator.paid[0]?.nonce });
  });

  test("is answered once, however often it comes: the payer gets the same, and pays once", async () => {
    const { ask, sent } = paying(payer);
    const first = await ask("What is 6 * 8?");
    const [payment] = sent;
    let again: Response | undefined;
    const calls = await modelCalls(async () => {
      again = await send(payment!, callOf("What is 6 * 8?"));
    });
    expect(calls).toBe(0);
    expect(await again?.text()).toBe(await first.text());
    expect(again?.headers.get("payment-response")).toBe(first.headers.get("payment-response"));
    expect(at.facilitator.paid).toHaveLength(1);
  });
});

describe("a page of any origin", () => {
  const PAID = ["/v1/chat/completions", "/v1/responses", "/v1/messages"];

  test.for(PAID)("may send a payment to %s, with what else clients send", async (path) => {
    const preflight = await fetch(at.front.url + path, {
      method: "OPTIONS",
      headers: { origin: "https://page.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("*, authorization");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("may read what is required, what became of the payment, and where the receipt is; refusals too", async () => {
    const required = await send(null, callOf("What is 6 * 7?"));
    const none = await send("!", callOf("What is 6 * 7?"));
    const receipt = await fetch(`${at.front.url}/v1/receipts/0x${"11".repeat(32)}`);
    expect([required.status, none.status, receipt.status]).toEqual([402, 400, 404]);
    for (const { headers } of [required, none, receipt]) {
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-expose-headers")).toBe(
        "payment-required, payment-response, adyton-receipt",
      );
    }
  });
});

describe("a payment", () => {
  test("that was used pays for no other call", async () => {
    const { ask, sent } = paying(payer);
    await ask("What is 1 + 1?");
    const calls = await modelCalls(async () => {
      expect(await errorOf(await send(sent[0]!, callOf("What is 1 + 2?")))).toEqual([409, "INPUT_CONFLICT"]);
    });
    expect([calls, at.facilitator.paid.length]).toEqual([0, 1]);
  });

  test("that comes twice at once has the model asked once", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 1 + 3?");
    const calls = await modelCalls(async () => {
      const replies = await Promise.all([send(payment, body), send(payment, body)]);
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
    });
    expect([calls, at.facilitator.paid.length]).toEqual([1, 1]);
  });

  const soon = (): string => String(nowSeconds() + 10);
  const far = (): string => String(nowSeconds() + 86_400);
  test.for([
    ["of less", () => ({ value: String(AMOUNT - 1n) })],
    ["of more", () => ({ value: String(AMOUNT + 1n) })],
    ["of nothing", () => ({ value: "0" })],
    ["to another account", () => ({ to: pauper.address })],
    ["that ends before an answer could be here", () => ({ validBefore: soon() })],
    ["that is good for a day", () => ({ validBefore: far() })],
    ["that is not good yet", () => ({ validAfter: String(nowSeconds() + 100) })],
    ["in another's name", () => ({ from: pauper.address })],
  ] as const)(
    "%s is refused before a model is asked, and what is required is said again",
    async ([, change]) => {
      const payment = await otherPayment(change());
      const calls = await modelCalls(async () => {
        const refused = await send(payment, callOf("What is 1 + 4?"));
        expect(refused.headers.get("payment-required")).not.toBeNull();
        expect(await errorOf(refused)).toEqual([402, "INPUT_FEE_TOO_LOW"]);
      });
      expect([calls, at.facilitator.paid]).toEqual([0, []]);
    },
  );

  test.for([
    ["another amount", { amount: "1" }],
    ["another token", { asset: `0x${"71".repeat(20)}` }],
    ["another network", { network: "eip155:1" }],
  ] as const)("that accepts %s is refused", async ([, change]) => {
    const payment = decode(await makePayment("What is 0 + 0?"));
    const changed = encode({ ...payment, accepted: { ...payment.accepted, ...change } });
    expect(await errorOf(await send(changed, callOf("What is 0 + 0?")))).toEqual([402, "INPUT_FEE_TOO_LOW"]);
  });

  test.for(["!", encode({}), encode({ x402Version: 1 }), "A".repeat(9_000)])(
    "that is none is refused as such",
    async (header) => {
      expect(await errorOf(await send(header, callOf("What is 0 + 0?")))).toEqual([400, "INPUT_INVALID"]);
    },
  );

  test("that its payer cannot make is refused before a model is asked", async () => {
    const { ask } = paying(pauper);
    const calls = await modelCalls(async () => {
      expect((await ask("What is 1 + 5?")).status).toBe(402);
    });
    expect([calls, at.facilitator.paid]).toEqual([0, []]);
  });
});
