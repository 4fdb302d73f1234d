/**
 * Calls that are paid for one by one (x402). A payment is verified before a model is asked and settled after its answer is here, and
 * the enclave is asked with the payment's hash for context: it signs that hash with the answer, so that no front can give one
 * payer's answer for another's payment without its being seen.
 *
 * The front sees these calls: they come without a credential of the enclave's, and cannot be sealed past who is paid.
 */

import express, { type Request, type Response, type Router } from "express";
import { InputError } from "../../../protocol/errors.ts";
import { concatBytes, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { anyOrigin } from "../cross-origin.ts";
import type { Upstream } from "../upstream.ts";
import type { Charge } from "./charge.ts";
import type { Facilitator } from "./facilitator.ts";
import type { Entry, PaymentJournal } from "./payment-journal.ts";
import {
  encodeHeader,
  PaymentHeader,
  readPayment,
  requirementsOf,
  X402_VERSION,
  type Payment,
} from "./x402.ts";

const PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages"];
/** Bytes: what the enclave takes of a call. */
const MAX_CALL_BYTES = 65_534;
const MAX_CALLS = 64;
/** Seconds that are kept for settling: a payment that ends sooner would pay for an answer that is not paid. */
const SETTLE_SECONDS = 20;
/** Seconds beyond `maxTimeoutSeconds` for clocks that differ: a payment that is good for longer is kept for longer. */
const CLOCK_SECONDS = 300;

/**
 * Pages may pay: clients send headers of many names beside a payment, none of which is acted on, and read what is required, what
 * became of the payment, and where the receipt is. `*` means no credential of the browser's, and leaves `authorization` out.
 */
const PAGES = {
  sent: ["*", "authorization"],
  read: [PaymentHeader.required, PaymentHeader.response, "adyton-receipt"],
};

/** What the front signs of payments. */
export interface Statements {
  /** `extensions` of what is required for a call of `path`. */
  readonly offer: (path: string, now: number) => Promise<object>;
  /** `extensions` of what is told after a settlement. */
  readonly receipt: (
    path: string,
    paid: { readonly payer: Hex; readonly transaction: string },
    now: number,
  ) => Promise<object>;
}

export interface PaidCallsOptions {
  readonly charge: Charge;
  readonly upstream: Upstream;
  /** What the enclave knows the front by. */
  readonly credential: string;
  readonly facilitator: Facilitator;
  readonly journal: PaymentJournal;
  readonly statements: Statements;
  /** Seconds. */
  readonly now: () => number;
}

export function paidCalls(options: PaidCallsOptions): Router {
  const router = express.Router();
  const calls = new PaidCalls(options);
  router.use([...PATHS, "/v1/receipts"], anyOrigin(PAGES));
  router.post(PATHS, express.raw({ type: () => true, limit: MAX_CALL_BYTES }), (request, response) =>
    calls.answer(request, response),
  );
  // Its name is known to who was answered: the enclave draws it, 32 bytes.
  router.get("/v1/receipts/:id", async (request, response) => {
    const { path } = request;
    const { accept = "application/json" } = request.headers;
    const headers = { authorization: `Bearer ${options.credential}`, accept };
    await options.upstream.stream({ path, method: "GET", headers, body: null }, response);
  });
  return router;
}

class PaidCalls {
  readonly #options: PaidCallsOptions;
  /** Payments that are being worked on: one does not count twice for coming twice at once. */
  readonly #busy = new Set<Hex>();

  constructor(options: PaidCallsOptions) {
    this.#options = options;
  }

  async answer(request: Request, response: Response): Promise<void> {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    refuseStreams(body);
    const header = request.get(PaymentHeader.signature);
    if (header === undefined) {
      await this.#require(request.path, response, "a payment is required");
      return;
    }
    try {
      await this.#answerPaid(readPayment(header, this.#options.charge), request.path, body, response);
    } catch (error) {
      if (!(error instanceof InputError) || error.code !== "INPUT_FEE_TOO_LOW") throw error;
      await this.#require(request.path, response, error.message);
    }
  }

  async #answerPaid(payment: Payment, path: string, body: Buffer, response: Response): Promise<void> {
    const call = keccak(concatBytes(toUtf8(`${path}\n`), body));
    const { hash } = payment;
    if (this.#busy.has(hash)) throw conflict("this payment's call is being answered");
    if (this.#busy.size >= MAX_CALLS)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many calls at once: try again" });
    this.#busy.add(hash);
    try {
      const known = this.#options.journal.find(hash);
      // Nobody is asking for it: who was could not write down that it failed.
      if (known === undefined || known.state === "released" || known.state === "asking") {
        const answered = await this.#ask(payment, path, body, call, response);
        if (answered !== null) await this.#settle(payment, path, answered, response);
        return;
      }
      if (known.call !== call) throw conflict("this payment is for another call");
      if (known.state === "settled") deliver(response, known);
      else await this.#settle(payment, path, known, response);
    } finally {
      this.#busy.delete(hash);
    }
  }

  /** Null where the enclave has no answer: the caller was told, and the payment is released. */
  async #ask(
    payment: Payment,
    path: string,
    body: Buffer,
    call: Hex,
    response: Response,
  ): Promise<Entry | null> {
    const { charge, facilitator, journal, upstream, credential, now } = this.#options;
    const { hash, authorization } = payment;
    const left = authorization.validBefore - BigInt(now());
    if (left <= SETTLE_SECONDS) throw refused("the payment ends before an answer could be here");
    if (left > charge.maxTimeoutSeconds + CLOCK_SECONDS) throw refused("the payment is good for too long");
    const reason = await facilitator.verify(payment);
    if (reason !== null) throw refused(`the facilitator refuses the payment: ${reason}`);
    journal.ask({ payment: hash, call, validBefore: Number(authorization.validBefore) }, now());
    const headers = {
      authorization: `Bearer ${credential}`,
      "adyton-context": hash,
      "content-type": "application/json",
    };
    try {
      const timeoutMs = (Number(left) - SETTLE_SECONDS) * 1_000;
      const reply = await upstream.ask({ path, method: "POST", headers, body }, timeoutMs);
      const receipt = reply.headers["adyton-receipt"];
      if (reply.status === 200 && typeof receipt === "string") {
        const { type } = reply;
        return journal.move(hash, {
          state: "answered",
          reply: { type, body: reply.body.toString("utf8"), receipt },
        });
      }
      journal.move(hash, { state: "released" });
      if (typeof receipt === "string") response.set("adyton-receipt", receipt);
      response.status(reply.status === 401 || reply.status === 402 ? 502 : reply.status);
      response.type(reply.type).send(reply.body);
      return null;
    } catch (error) {
      if (journal.find(hash)?.state === "asking") journal.move(hash, { state: "released" });
      throw error;
    }
  }

  async #settle(payment: Payment, path: string, entry: Entry, response: Response): Promise<void> {
    // Who has gone comes again with the same payment, and pays then.
    if (response.destroyed) return;
    const { facilitator, journal, statements, charge, now } = this.#options;
    // A settlement before had no reply: it may have been made, and then this one is refused. The payer is not charged for nothing.
    const mayBePaid = entry.state === "settling";
    journal.move(payment.hash, { state: "settling" });
    const settled = await facilitator.settle(payment);
    if (!settled.success && !mayBePaid) {
      journal.move(payment.hash, { state: "answered" });
      const { network } = charge;
      const reason = settled.errorReason ?? "the payment was not settled";
      response.set(
        PaymentHeader.response,
        encodeHeader({ success: false, errorReason: reason, transaction: "", network }),
      );
      await this.#require(path, response, reason);
      return;
    }
    const { from: payer } = payment.authorization;
    const { transaction } = settled;
    const extensions = await statements.receipt(path, { payer, transaction }, now());
    const told = { success: true, transaction, network: charge.network, payer, extensions };
    deliver(response, journal.move(payment.hash, { state: "settled", settlement: encodeHeader(told) }));
  }

  async #require(path: string, response: Response, error: string): Promise<void> {
    const { charge, statements, now } = this.#options;
    const required = {
      x402Version: X402_VERSION,
      error,
      resource: {
        url: charge.publicUrl + path,
        description: "an answer of an attested enclave",
        mimeType: "application/json",
      },
      accepts: [requirementsOf(charge)],
      extensions: await statements.offer(path, now()),
    };
    response
      .status(402)
      .set(PaymentHeader.required, encodeHeader(required))
      .json({ error: { code: "INPUT_FEE_TOO_LOW", message: error } });
  }
}

function deliver(response: Response, { reply, settlement }: Entry): void {
  if (reply === null || settlement === null) throw new Error("a settled payment has its answer");
  response
    .status(200)
    .set({
      "adyton-receipt": reply.receipt,
      [PaymentHeader.response]: settlement,
      "cache-control": "no-store",
    })
    .type(reply.type)
    .send(reply.body);
}

/** A stream's first bytes would be given before its end is known, and its end is what is paid for. */
function refuseStreams(body: Buffer): void {
  let call: unknown;
  try {
    call = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the call is not JSON", cause });
  }
  if (typeof call === "object" && call !== null && "stream" in call && call.stream === true) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "calls that are paid for one by one are answered whole: leave stream out",
      details: { field: "stream" },
    });
  }
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_FEE_TOO_LOW", message });
}

function conflict(message: string): InputError {
  return new InputError({ code: "INPUT_CONFLICT", message });
}
