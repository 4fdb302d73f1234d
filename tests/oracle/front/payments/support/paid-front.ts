/** Fronts that charge, before a real enclave with the stand-in model, and a facilitator that settles in a table in place of a chain. */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createStatements } from "../../../../../cli/front/sign-statements.ts";
import { createFront } from "../../../../../oracle/front/front.ts";
import { chargeOf } from "../../../../../oracle/front/payments/charge.ts";
import { createFacilitator } from "../../../../../oracle/front/payments/facilitator.ts";
import { PaymentJournal } from "../../../../../oracle/front/payments/payment-journal.ts";
import { listen } from "../../../../../oracle/http/server.ts";
import type { Hex } from "../../../../../protocol/bytes.ts";
import type { Receipt } from "../../../../../protocol/receipt.ts";
import { understoodEvent } from "../../../../../protocol/transcript.ts";
import { startCountedEnclave, type CountedEnclave } from "../../../../client/support/counted-enclave.ts";
import { CREDENTIAL } from "../../../../enclave/support/configuration.ts";
import type { EnclaveProcess } from "../../../../enclave/support/enclave-process.ts";
import { wallClockMs } from "../../../support/wall-clock.ts";
import { AMOUNT, CHAIN_ID, PAY_TO, payer, paying, TOKEN, withTerms, type Paying } from "./payer.ts";
import { startStandInFacilitator, type StandInFacilitator } from "./stand-in-facilitator.ts";

export const FRONT_KEY: Hex = `0x${"f0".repeat(32)}`;

export const nowSeconds = (): number => Math.floor(wallClockMs() / 1_000);

export interface Front {
  readonly url: string;
  readonly journalFile: string;
  readonly journal: PaymentJournal;
  readonly errors: unknown[];
}

export interface PaidFront {
  /** Of this test. */
  readonly front: Front;
  readonly facilitator: StandInFacilitator;
  readonly enclave: EnclaveProcess;
  /** @param journalFile of a front before, as its end has left it */
  readonly startFront: (journalFile?: string) => Promise<Front>;
  /** Another front with what a crash of this one leaves on disk now. */
  readonly afterACrash: (front: Front) => Promise<Front>;
  readonly paying: (wallet: typeof payer) => Paying;
  /** A call with a payment that somebody has. */
  readonly send: (payment: string | null, body: string, to?: Front) => Promise<Response>;
  /** A payment that the reference client has made and that was not taken: the facilitator refuses its settlement. */
  readonly makePayment: (question: string) => Promise<string>;
  /** Signed by the payer, with other terms. */
  readonly otherPayment: (change: Parameters<typeof withTerms>[1]) => Promise<string>;
  /** Calls of the model that `work` makes. */
  readonly modelCalls: (work: () => Promise<unknown>) => Promise<number>;
}

/** One enclave for the file, a facilitator and a front for each of its tests. */
export function withPaidFront(): PaidFront {
  const folder = mkdtempSync(join(tmpdir(), "adyton-paid-"));
  const fronts: (Front & { readonly close: () => Promise<void> })[] = [];
  let journals = 0;
  let counted: CountedEnclave;
  let facilitator: StandInFacilitator;
  let front: Front;

  const startFront = async (journalFile = join(folder, `journal-${(journals += 1)}`)): Promise<Front> => {
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
      connect: counted.connect,
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
    const url = `http://127.0.0.1:${listening.port}`;
    const started = { url, journalFile, journal, errors, close };
    fronts.push(started);
    return started;
  };

  beforeAll(async () => {
    counted = await startCountedEnclave();
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
    await counted.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const makePayment = async (question: string): Promise<string> => {
    facilitator.next.push("refused");
    const { ask, sent } = paying(payer, front.url);
    await ask(question);
    facilitator.calls.length = 0;
    return sent.at(-1) ?? "";
  };
  return {
    get front() {
      return front;
    },
    get facilitator() {
      return facilitator;
    },
    get enclave() {
      return counted.enclave;
    },
    startFront,
    afterACrash: async ({ journalFile }) => {
      const left = `${journalFile}-left`;
      copyFileSync(journalFile, left);
      return await startFront(left);
    },
    paying: (wallet) => paying(wallet, front.url),
    send: (payment, body, to = front) =>
      fetch(`${to.url}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(payment === null ? {} : { "payment-signature": payment }),
        },
        body,
      }),
    makePayment,
    otherPayment: async (change) => await withTerms(await makePayment("What is 0 + 0?"), change),
    modelCalls: async (work) => {
      const before = counted.modelCalls();
      await work();
      return counted.modelCalls() - before;
    },
  };
}

/** What the enclave was asked with, as it signed it. */
export function contextOf({ transcript }: Receipt): string | null {
  const [first] = transcript;
  const event = first === undefined ? undefined : understoodEvent(first);
  return event?.type === "request.received" ? event.context : null;
}

export async function contentOf(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { choices?: { message: { content: string } }[] };
  return body.choices?.[0]?.message.content;
}

export async function errorOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
}
