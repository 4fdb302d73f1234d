/** What becomes of an answer and its payment where something fails, or the front ends: neither is had without the other. */

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { verifyReceipt } from "../../../../attestation/index.ts";
import { contentOf, contextOf, errorOf, withPaidFront } from "./support/paid-front.ts";
import { callOf, decode, hashOf, payer } from "./support/payer.ts";

const at = withPaidFront();
const { startFront, afterACrash, paying, send, makePayment, otherPayment, modelCalls } = at;

describe("an answer", () => {
  test("is not given without a payment", async () => {
    const calls = await modelCalls(async () => {
      expect(await errorOf(await send(null, callOf("What is 2 + 2?")))).toEqual([402, "INPUT_FEE_TOO_LOW"]);
    });
    expect([calls, at.facilitator.calls]).toEqual([0, []]);
  });

  test("is kept back where its payment does not settle, and given when it does: the model is asked once", async () => {
    at.facilitator.next.push("refused");
    const { ask, sent } = paying(payer);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      const kept = await ask("What is 2 + 3?");
      expect(kept.status).toBe(402);
      expect(decode(kept.headers.get("payment-response"))).toMatchObject({ success: false });
      expect(await kept.text()).not.toContain("2 + 3 = 5");
      given = await contentOf(await send(sent[0]!, callOf("What is 2 + 3?")));
    });
    expect([given, calls, at.facilitator.paid.length]).toEqual(["2 + 3 = 5", 1, 1]);
  });

  test("is given where the facilitator has settled and told nobody: the payer is not charged for nothing", async () => {
    at.facilitator.next.push("lost");
    const { ask, sent } = paying(payer);
    const lost = await ask("What is 2 + 4?");
    expect(await errorOf(lost)).toEqual([502, "PEER_UNAVAILABLE"]);
    const again = await send(sent[0]!, callOf("What is 2 + 4?"));
    expect(await contentOf(again)).toBe("2 + 4 = 6");
    expect(at.facilitator.paid).toHaveLength(1);
  });

  test("that a model fails to give costs nothing, and the payment can be used again", async () => {
    const { ask, sent } = paying(payer);
    const failed = await ask("What is 2 + 5?", "http-500");
    expect(failed.status).toBe(502);
    expect(failed.headers.get("payment-response")).toBeNull();
    expect(at.facilitator.calls).toEqual(["/verify"]);
    // The enclave signs failures too, to the same payment.
    const file = await fetch(at.front.url + (failed.headers.get("adyton-receipt") ?? ""));
    const { receipt } = await verifyReceipt(new Uint8Array(await file.arrayBuffer()));
    expect(contextOf(receipt)).toBe(hashOf(sent[0]!));
    const again = await send(sent[0]!, callOf("What is 2 + 5?"));
    expect(await contentOf(again)).toBe("2 + 5 = 7");
    expect(at.facilitator.paid).toHaveLength(1);
  });

  test("is not paid for by a payer who has gone, until that one comes again", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 2 + 7?");
    const leaving = new AbortController();
    at.facilitator.onCall = () => {
      leaving.abort();
    };
    const gone = fetch(`${at.front.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "payment-signature": payment },
      body,
      signal: leaving.signal,
    });
    await expect(gone).rejects.toThrow();
    await expect
      .poll(() => at.front.journal.find(hashOf(payment))?.state, { interval: 1, timeout: 20_000 })
      .toBe("answered");
    expect(at.facilitator.calls).toEqual(["/verify"]);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      given = await contentOf(await send(payment, body));
    });
    expect([given, calls, at.facilitator.paid.length]).toEqual(["2 + 7 = 9", 0, 1]);
  });

  test("that cannot be written down is not settled, and the payment is good for the call still", async () => {
    const payment = await otherPayment({});
    const body = callOf("What is 2 + 8?");
    const move = vi.spyOn(at.front.journal, "move");
    const full = (): never => {
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    move.mockImplementationOnce(full).mockImplementationOnce(full);
    expect((await send(payment, body)).status).toBe(502);
    expect([at.facilitator.paid, at.front.errors.length]).toEqual([[], 1]);
    expect(await contentOf(await send(payment, body))).toBe("2 + 8 = 10");
    expect(at.facilitator.paid).toHaveLength(1);
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
      .poll(() => readFileSync(at.front.journalFile, "utf8"), { interval: 1 })
      .toContain(`"payment":"${hashOf(payment)}"`);
    const torn = `${at.front.journalFile}-torn`;
    const [line = ""] = readFileSync(at.front.journalFile, "utf8")
      .split("\n")
      .filter((each) => each.includes(hashOf(payment)));
    expect(line).toContain('"state":"asking"');
    writeFileSync(torn, `${line}\n{"payment":"0x12`);
    await asked;
    at.facilitator.paid.length = 0;
    const next = await startFront(torn);
    expect(await contentOf(await send(payment, callOf("What is 3 + 3?"), next))).toBe("3 + 3 = 6");
    expect(at.facilitator.paid).toHaveLength(1);
  });

  test("with an answer that is not settled: it is settled and given when its payer comes, and not before", async () => {
    const payment = await makePayment("What is 3 + 4?");
    const next = await afterACrash(at.front);
    expect(at.facilitator.paid).toEqual([]);
    let given: string | undefined;
    const calls = await modelCalls(async () => {
      given = await contentOf(await send(payment, callOf("What is 3 + 4?"), next));
    });
    expect([given, calls, at.facilitator.paid.length]).toEqual(["3 + 4 = 7", 0, 1]);
  });

  test("while it settles: the answer is given, whether it was settled or not", async () => {
    at.facilitator.next.push("lost");
    const { ask, sent } = paying(payer);
    await ask("What is 3 + 5?");
    const next = await afterACrash(at.front);
    expect(await contentOf(await send(sent[0]!, callOf("What is 3 + 5?"), next))).toBe("3 + 5 = 8");
    expect(at.facilitator.paid).toHaveLength(1);
  });

  test("after it settled: the answer is given again, and nothing is paid again", async () => {
    const { ask, sent } = paying(payer);
    const first = await ask("What is 3 + 6?");
    const next = await afterACrash(at.front);
    const again = await send(sent[0]!, callOf("What is 3 + 6?"), next);
    expect(await again.text()).toBe(await first.text());
    expect(at.facilitator.paid).toHaveLength(1);
  });
});
