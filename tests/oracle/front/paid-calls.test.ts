/**
 * Calls that are paid for one by one: x402's reference client, a front, a real enclave with the stand-in model, and a facilitator
 * that settles in a table in place of a chain.
 */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import {
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  verifyOfferSignatureEIP712,
  verifyReceiptSignatureEIP712,
} from "@x402/extensions/offer-receipt";
import { getAddress, Wallet, type TypedDataDomain, type TypedDataField } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { verifyReceipt } from "../../../attestation/index.ts";
import { describeSimulator } from "../../../devnet/simulator.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { createStatements } from "../../../cli/front/sign-statements.ts";
import { createEvidenceVerifier } from "../../../client/evidence-verifier.ts";
import { connectEnclave } from "../../../oracle/enclaves/enclave-session.ts";
import { createFront } from "../../../oracle/front/front.ts";
import { chargeOf } from "../../../oracle/front/payments/charge.ts";
import { createFacilitator } from "../../../oracle/front/payments/facilitator.ts";
import { PaymentJournal } from "../../../oracle/front/payments/payment-journal.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { paymentHash } from "../../../protocol/payment.ts";
import type { Receipt } from "../../../protocol/receipt.ts";
import { understoodEvent } from "../../../protocol/transcript.ts";
import { startDiverter, type Diverter } from "../../client/support/diverter.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { wallClockMs } from "../support/wall-clock.ts";
import { startStandInFacilitator, type StandInFacilitator } from "./support/stand-in-facilitator.ts";

const AMOUNT = 10_000n;
const TOKEN: { readonly address: Hex; readonly name: string; readonly version: string } = {
  ...{ address: `0x${"70".repeat(20)}`, name: "USD Coin", version: "2" },
};
const PAY_TO: Hex = `0x${"e1".repeat(20)}`;
const CHAIN_ID = 31_337;
const FRONT_KEY: Hex = `0x${"f0".repeat(32)}`;
/** Keys of accounts that exist in a table of this test. */
const payer = new Wallet(`0x${"a1".repeat(32)}`);
const pauper = new Wallet(`0x${"a2".repeat(32)}`);

const nowSeconds = (): number => Math.floor(wallClockMs() / 1_000);
const folder = mkdtempSync(join(tmpdir(), "adyton-paid-"));
let model: StandInModel;
let counted: Diverter;
let enclave: EnclaveProcess;
let facilitator: StandInFacilitator;
let front: Front;
let journals = 0;
const fronts: Front[] = [];

interface Front extends Listening {
  readonly url: string;
  readonly journalFile: string;
  readonly journal: PaymentJournal;
  readonly errors: unknown[];
}

/** @param journalFile of a front before, as its end has left it */
async function startFront(journalFile = join(folder, `journal-${(journals += 1)}`)): Promise<Front> {
  const { policy } = await describeSimulator("test", nowSeconds());
  const endorsements = { find: () => Promise.resolve({}) };
  const verifier = createEvidenceVerifier({ policy, endorsements, now: wallClockMs });
  const charge = chargeOf({
    publicUrl: "https://front.example",
    facilitatorUrl: facilitator.url,
    chainId: CHAIN_ID,
    token: TOKEN,
    payTo: PAY_TO,
    amount: AMOUNT,
    maxTimeoutSeconds: 300,
    ...{ credentialFile: "", keyFile: "", journalFile },
  });
  const journal = new PaymentJournal(journalFile, nowSeconds());
  const errors: unknown[] = [];
  const app = createFront({
    connect: async () => {
      const address = { url: enclave.url, callerToken: "none" };
      const session = await connectEnclave(address, verifier, { answerTimeoutMs: 10_000, maxSockets: 1 });
      session.client.close();
      return { url: enclave.url, tlsKeyHash: session.attestation.keyset.tlsKeyHash };
    },
    readBlock: () => Promise.resolve(undefined),
    onError: (error) => errors.push(error),
    payments: {
      charge,
      credential: CREDENTIAL,
      facilitator: createFacilitator(charge),
      journal,
      statements: createStatements(charge, FRONT_KEY),
      now: nowSeconds,
    },
  });
  const listening = await listen(app, { host: "127.0.0.1", port: 0 });
  const close = async (): Promise<void> => {
    await listening.close();
    journal.close();
  };
  const started = {
    ...{
      port: listening.port,
      close,
      url: `http://127.0.0.1:${listening.port}`,
      journalFile,
      journal,
      errors,
    },
  };
  fronts.push(started);
  return started;
}

/** Another front with what a crash of this one leaves on disk now. */
async function afterACrash({ journalFile }: Front): Promise<Front> {
  const left = `${journalFile}-left`;
  copyFileSync(journalFile, left);
  return await startFront(left);
}

beforeAll(async () => {
  model = await startStandInModel(new Date());
  counted = await startDiverter(new URL(model.url).origin);
  const behaviour = behaviourFile({ ...model, url: `${counted.url}/v1` });
  const time = { ...behaviour.time, urls: [new URL("/", model.url).href] } as typeof behaviour.time;
  enclave = await startEnclaveProcess({ behaviour: { ...behaviour, time }, operator: operatorFile() });
});
beforeEach(async () => {
  facilitator = await startStandInFacilitator(nowSeconds);
  facilitator.balances.set(payer.address.toLowerCase(), 100n * AMOUNT);
  front = await startFront();
});
afterEach(async () => {
  for (const each of fronts.splice(0)) await each.close();
  await facilitator.stop();
});
afterAll(async () => {
  await enclave.stop();
  await counted.stop();
  await model.stop();
  rmSync(folder, { recursive: true, force: true });
});

const callOf = (question: string, name = "stand-in-1"): string =>
  JSON.stringify({ model: `stand-in/${name}`, messages: [{ role: "user", content: question }] });

interface TypedData {
  readonly domain: TypedDataDomain;
  readonly types: Readonly<Record<string, TypedDataField[]>>;
  readonly message: Record<string, unknown>;
}

/** As an application that pays: x402's own client. `sent` keeps the payment that it made. */
function paying(wallet: Wallet) {
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
    fetchPaid(`${front.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: callOf(question, name),
    });
  return { ask, sent };
}

/** A call with a payment that somebody has. */
function send(payment: string | null, body: string, to = front): Promise<Response> {
  return fetch(`${to.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(payment === null ? {} : { "payment-signature": payment }),
    },
    body,
  });
}

interface PaymentJson {
  readonly payload: {
    readonly signature: string;
    readonly authorization: Readonly<
      Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", string>
    >;
  };
  readonly accepted: Readonly<Record<string, unknown>>;
}

const decode = (header: string | null | undefined): PaymentJson =>
  JSON.parse(Buffer.from(header ?? "", "base64").toString("utf8")) as PaymentJson;
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");

/** The EIP-712 digest that the payer signed, as whoever has the payment reckons it. */
function hashOf(payment: string): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = decode(payment).payload.authorization;
  return paymentHash(
    { ...TOKEN, chainId: BigInt(CHAIN_ID) },
    {
      ...{ from: from.toLowerCase() as Hex, to: to.toLowerCase() as Hex, value: BigInt(value) },
      ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore), nonce: nonce as Hex },
    },
  );
}

/** A payment that the reference client has made and that was not taken: the facilitator refuses its settlement. */
async function makePayment(question: string): Promise<string> {
  facilitator.next.push("refused");
  const { ask, sent } = paying(payer);
  await ask(question);
  facilitator.calls.length = 0;
  return sent.at(-1) ?? "";
}

/** Signed by the payer, with other terms. */
async function otherPayment(change: Partial<PaymentJson["payload"]["authorization"]>): Promise<string> {
  const payment = decode(await makePayment("What is 0 + 0?"));
  const authorization = { ...payment.payload.authorization, nonce: `0x${"09".repeat(32)}`, ...change };
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
  return encode({ ...payment, payload: { signature, authorization } });
}

/** Calls of the model that `work` makes. */
async function modelCalls(work: () => Promise<unknown>): Promise<number> {
  const before = counted.connections();
  await work();
  return counted.connections() - before;
}

/** What the enclave was asked with, as it signed it. */
function contextOf({ transcript }: Receipt): string | null {
  const [first] = transcript;
  const event = first === undefined ? undefined : understoodEvent(first);
  return event?.type === "request.received" ? event.context : null;
}

async function contentOf(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { choices?: { message: { content: string } }[] };
  return body.choices?.[0]?.message.content;
}

async function errorOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
}

describe("a call that is paid for", () => {
  test("is answered, settled once, and bound to its payment by what the enclave signs", async () => {
    const { ask, sent } = paying(payer);
    const response = await ask("What is 6 * 7?");
    expect(response.status).toBe(200);
    const path = response.headers.get("adyton-receipt") ?? "";
    expect(await contentOf(response)).toBe("6 * 7 = 42");
    expect(facilitator.calls).toEqual(["/verify", "/settle"]);
    expect(facilitator.paid).toMatchObject([{ value: AMOUNT }]);
    const file = new Uint8Array(await (await fetch(front.url + path)).arrayBuffer());
    const { receipt, checks } = await verifyReceipt(file);
    expect(receipt.answer.keysetId).toBe(enclave.keysetId);
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
    expect(verified.payload).toMatchObject({ transaction: facilitator.paid[0]?.nonce });
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
    expect(facilitator.paid).toHaveLength(1);
  });
});

describe("a payment", () => {
  test("that was used pays for no other call", async () => {
    const { ask, sent } = paying(payer);
    await ask("What is 1 + 1?");
    const calls = await modelCalls(async () => {
      expect(await errorOf(await send(sent[0]!, callOf("What is 1 + 2?")))).toEqual([409, "INPUT_CONFLICT"]);
    });
    expect([calls, facilitator.paid.length]).toEqual([0, 1]);
  });

  test("that comes twice at once has the model asked once", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 1 + 3?");
    const calls = await modelCalls(async () => {
      const replies = await Promise.all([send(payment, body), send(payment, body)]);
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
    });
    expect([calls, facilitator.paid.length]).toEqual([1, 1]);
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
      expect([calls, facilitator.paid]).toEqual([0, []]);
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
    expect([calls, facilitator.paid]).toEqual([0, []]);
  });
});

describe("an answer", () => {
  test("is not given without a payment", async () => {
    const calls = await modelCalls(async () => {
      expect(await errorOf(await send(null, callOf("What is 2 + 2?")))).toEqual([402, "INPUT_FEE_TOO_LOW"]);
    });
    expect([calls, facilitator.calls]).toEqual([0, []]);
  });

  test("is kept back where its payment does not settle, and given when it does: the model is asked once", async () => {
    facilitator.next.push("refused");
    const { ask, sent } = paying(payer);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      const kept = await ask("What is 2 + 3?");
      expect(kept.status).toBe(402);
      expect(decode(kept.headers.get("payment-response"))).toMatchObject({ success: false });
      expect(await kept.text()).not.toContain("2 + 3 = 5");
      given = await contentOf(await send(sent[0]!, callOf("What is 2 + 3?")));
    });
    expect([given, calls, facilitator.paid.length]).toEqual(["2 + 3 = 5", 1, 1]);
  });

  test("is given where the facilitator has settled and told nobody: the payer is not charged for nothing", async () => {
    facilitator.next.push("lost");
    const { ask, sent } = paying(payer);
    const lost = await ask("What is 2 + 4?");
    expect(await errorOf(lost)).toEqual([502, "PEER_UNAVAILABLE"]);
    const again = await send(sent[0]!, callOf("What is 2 + 4?"));
    expect(await contentOf(again)).toBe("2 + 4 = 6");
    expect(facilitator.paid).toHaveLength(1);
  });

  test("that a model fails to give costs nothing, and the payment can be used again", async () => {
    const { ask, sent } = paying(payer);
    const failed = await ask("What is 2 + 5?", "http-500");
    expect(failed.status).toBe(502);
    expect(failed.headers.get("payment-response")).toBeNull();
    expect(facilitator.calls).toEqual(["/verify"]);
    // The enclave signs failures too, to the same payment.
    const file = await fetch(front.url + (failed.headers.get("adyton-receipt") ?? ""));
    const { receipt } = await verifyReceipt(new Uint8Array(await file.arrayBuffer()));
    expect(contextOf(receipt)).toBe(hashOf(sent[0]!));
    const again = await send(sent[0]!, callOf("What is 2 + 5?"));
    expect(await contentOf(again)).toBe("2 + 5 = 7");
    expect(facilitator.paid).toHaveLength(1);
  });

  test("is not paid for by a payer who has gone, until that one comes again", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 2 + 7?");
    const leaving = new AbortController();
    facilitator.onCall = () => {
      leaving.abort();
    };
    const gone = fetch(`${front.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "payment-signature": payment },
      body,
      signal: leaving.signal,
    });
    await expect(gone).rejects.toThrow();
    await expect
      .poll(() => front.journal.find(hashOf(payment))?.state, { interval: 1, timeout: 20_000 })
      .toBe("answered");
    expect(facilitator.calls).toEqual(["/verify"]);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      given = await contentOf(await send(payment, body));
    });
    expect([given, calls, facilitator.paid.length]).toEqual(["2 + 7 = 9", 0, 1]);
  });

  test("that cannot be written down is not settled, and the payment is good for the call still", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 2 + 8?");
    const move = vi.spyOn(front.journal, "move");
    const full = (): never => {
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    move.mockImplementationOnce(full).mockImplementationOnce(full);
    expect((await send(payment, body)).status).toBe(502);
    expect([facilitator.paid, front.errors.length]).toEqual([[], 1]);
    expect(await contentOf(await send(payment, body))).toBe("2 + 8 = 10");
    expect(facilitator.paid).toHaveLength(1);
    move.mockRestore();
  });

  test("is not streamed: its end is what is paid for", async () => {
    const body = JSON.stringify({ ...(JSON.parse(callOf("What is 2 + 6?")) as object), stream: true });
    expect(await errorOf(await send(null, body))).toEqual([400, "INPUT_INVALID"]);
  });
});

describe("a front that ends in the middle", () => {
  test("after a payment was verified, before there is an answer: the payment is released, and good for the call", async () => {
    const payment = await otherPayment({});
    // The facilitator is called before the journal is written: what is written last is what is being asked.
    const asked = send(payment, callOf("What is 3 + 3?"));
    await expect
      .poll(() => readFileSync(front.journalFile, "utf8"), { interval: 1 })
      .toContain(`"payment":"${hashOf(payment)}"`);
    const torn = `${front.journalFile}-torn`;
    const [line = ""] = readFileSync(front.journalFile, "utf8")
      .split("\n")
      .filter((each) => each.includes(hashOf(payment)));
    expect(line).toContain('"state":"asking"');
    writeFileSync(torn, `${line}\n{"payment":"0x12`);
    await asked;
    facilitator.paid.length = 0;
    const next = await startFront(torn);
    expect(await contentOf(await send(payment, callOf("What is 3 + 3?"), next))).toBe("3 + 3 = 6");
    expect(facilitator.paid).toHaveLength(1);
  });

  test("with an answer that is not settled: it is settled and given when its payer comes, and not before", async () => {
    const payment = await makePayment("What is 3 + 4?");
    const next = await afterACrash(front);
    expect(facilitator.paid).toEqual([]);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      given = await contentOf(await send(payment, callOf("What is 3 + 4?"), next));
    });
    expect([given, calls, facilitator.paid.length]).toEqual(["3 + 4 = 7", 0, 1]);
  });

  test("while it settles: the answer is given, whether it was settled or not", async () => {
    facilitator.next.push("lost");
    const { ask, sent } = paying(payer);
    await ask("What is 3 + 5?");
    const next = await afterACrash(front);
    expect(await contentOf(await send(sent[0]!, callOf("What is 3 + 5?"), next))).toBe("3 + 5 = 8");
    expect(facilitator.paid).toHaveLength(1);
  });

  test("after it settled: the answer is given again, and nothing is paid again", async () => {
    const { ask, sent } = paying(payer);
    const first = await ask("What is 3 + 6?");
    const next = await afterACrash(front);
    const again = await send(sent[0]!, callOf("What is 3 + 6?"), next);
    expect(await again.text()).toBe(await first.text());
    expect(facilitator.paid).toHaveLength(1);
  });
});
