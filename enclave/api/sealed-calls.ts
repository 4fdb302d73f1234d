/**
 * `POST /v1/sealed`: opens a sealed call and lets it run as the call that is inside, once. Whoever carries it (a front with a
 * public certificate, and who listens there) sees its length and its time; a copy of it is refused.
 */

import type { Request, RequestHandler, Response } from "express";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { callIdOf, MAX_SEALED_CALL_AGE, openCall } from "../../protocol/sealed-call.ts";
import type { TrustedClock } from "../clock/trusted-clock.ts";
import type { Identity } from "../identity/identity.ts";
import { collectBody, setBody } from "./request-body.ts";
import { sealReply } from "./sealed-reply.ts";

/** Bodies of strangers that are in memory at once: nobody has shown a credential before a call is opened. */
const MAX_UNOPENED = 128;
/** Calls that are remembered as answered. More in ten minutes than all quotas allow: then nothing more is taken. */
const MAX_REMEMBERED = 500_000;

export interface SealedCallsOptions {
  readonly identity: Identity;
  readonly clock: TrustedClock;
  /** Bytes of a sealed call. */
  readonly limit: number;
}

interface OpenedId {
  readonly id: Hex;
  /** Seconds. */
  readonly sentAt: number;
}

export class SealedCalls {
  readonly #options: SealedCallsOptions;
  readonly #opened = new WeakMap<Response, OpenedId>();
  /** When each may be forgotten, in seconds; in the order in which they were answered. */
  readonly #answered = new Map<Hex, number>();
  #unopened = 0;

  constructor(options: SealedCallsOptions) {
    this.#options = options;
  }

  /** Before all routes. A call that does not open is refused in the clear: there is no key to seal the refusal with. */
  open(): RequestHandler {
    return async (request, response, next) => {
      await this.#open(request, response);
      next();
    };
  }

  /**
   * After the caller was admitted, so that strangers fill no memory: takes each call once.
   *
   * @throws {InputError} INPUT_CONFLICT for one that was answered; INPUT_EXPIRED for one of another time
   */
  once(): RequestHandler {
    return (_request, response, next) => {
      const call = this.#opened.get(response);
      if (call !== undefined) this.#take(call);
      next();
    };
  }

  async #open(request: Request, response: Response): Promise<void> {
    if (this.#unopened >= MAX_UNOPENED) {
      throw new InputError({
        code: "INPUT_RATE_LIMITED",
        message: "too many sealed calls at once: try again",
      });
    }
    this.#unopened += 1;
    try {
      const { identity, limit } = this.#options;
      const bytes = await collectBody(request, limit);
      const own = { keysetId: identity.keysetId, privateKey: identity.keys.sealing.privateKey };
      const { head, body, reply } = await openCall(own, bytes);
      this.#opened.set(response, { id: callIdOf(reply), sentAt: head.sentAt });
      // From here on this is the call inside: nothing of the outer one's headers is believed.
      request.method = head.method;
      request.url = head.path;
      request.headers = { ...head.headers };
      setBody(request, body);
      sealReply(response, reply);
    } finally {
      this.#unopened -= 1;
    }
  }

  #take({ id, sentAt }: OpenedId): void {
    const reading = this.#options.clock.read();
    const now = reading.now ?? reading.lowerBound;
    if (Math.abs(now - sentAt) > MAX_SEALED_CALL_AGE) {
      throw new InputError({
        code: "INPUT_EXPIRED",
        message:
          "the call was sealed at another time than the enclave's: seal it again, by a clock that is set",
        details: { sentAt, now },
      });
    }
    this.#forget(now);
    if (this.#answered.has(id)) {
      throw new InputError({
        code: "INPUT_CONFLICT",
        message: "this call was answered: seal it again to ask again",
      });
    }
    if (this.#answered.size >= MAX_REMEMBERED)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many sealed calls in ten minutes" });
    // By the call's own time: as long as it is young enough to be taken, it is remembered.
    this.#answered.set(id, Math.max(now, sentAt) + 2 * MAX_SEALED_CALL_AGE);
  }

  #forget(now: number): void {
    for (const [id, until] of this.#answered) {
      if (until > now) return;
      this.#answered.delete(id);
    }
  }
}
