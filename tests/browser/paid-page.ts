/** What tests/browser/paid-calls.test.ts runs in Chromium: x402's own client on a page of another origin than the front's. */

import { payer, paying } from "../oracle/front/payments/support/payer.ts";

export interface PaidInPage {
  readonly status: number;
  readonly text: string;
  /** As the payer's header has it, base64 of JSON. */
  readonly settlement: string | null;
  /** The file that `adyton-receipt` names. */
  readonly receipt: string;
  readonly payments: readonly string[];
}

async function pay(url: string, question: string): Promise<PaidInPage> {
  const { ask, sent: payments } = paying(payer, url);
  const response = await ask(question);
  const path = response.headers.get("adyton-receipt");
  const receipt = path === null ? "" : await (await fetch(url + path)).text();
  const settlement = response.headers.get("payment-response");
  return { status: response.status, text: await response.text(), settlement, receipt, payments };
}

async function paySealed(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { "content-type": "application/vnd.adyton.sealed", "payment-signature": "e30=" };
  const response = await fetch(`${url}/v1/sealed`, { method: "POST", headers, body: "sealed" });
  return { status: response.status, text: await response.text() };
}

Object.assign(globalThis, { pay, paySealed });
