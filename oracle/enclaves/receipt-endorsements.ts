import { encodeEndorsements } from "../../attestation/index.ts";
import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import type { EndorsementsJson } from "../../protocol/receipt.ts";
import type { Logger } from "../log.ts";

export interface ReceiptEndorsementsOptions {
  /** The one that enclaves are verified with: what a receipt needs is then there already, and kept in date. */
  readonly source: EndorsementSource;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

interface LastFound {
  readonly json: EndorsementsJson;
  /** Milliseconds: the source is not asked again before this time. */
  readonly restUntil: number;
}

/** A vendor that is down must not hold every answer up by its timeout. */
const REST_MS = 60_000;
/** Reading evidence again for each answer costs more than its signature; what is found outlives this by days. */
const FRESH_MS = 10_000;
/** Enclaves of a node, with those that they replaced. */
const MAX_KEPT = 256;

/**
 * The endorsements that go into receipts of enclaves which bring none, so that a receipt can be judged offline. An answer
 * is never held back for want of them: while the vendor cannot be reached, those last found serve, then none.
 */
export class ReceiptEndorsements {
  readonly #options: ReceiptEndorsementsOptions;
  readonly #last = new Map<Hex, LastFound>();

  constructor(options: ReceiptEndorsementsOptions) {
    this.#options = options;
  }

  async find(evidence: Hex): Promise<EndorsementsJson> {
    const { source, log, now } = this.#options;
    const last = this.#last.get(evidence);
    if (last !== undefined && now() < last.restUntil) return last.json;
    try {
      const json = encodeEndorsements(await source.find(fromHex(evidence), Math.floor(now() / 1_000)));
      this.#keep(evidence, { json, restUntil: now() + FRESH_MS });
      return json;
    } catch (error) {
      if (!(error instanceof EndorsementError)) throw error;
      const json = last?.json ?? {};
      this.#keep(evidence, { json, restUntil: now() + REST_MS });
      log.warn("receipt.endorsements-unavailable", { kept: last !== undefined, error });
      return json;
    }
  }

  #keep(evidence: Hex, found: LastFound): void {
    this.#last.delete(evidence);
    this.#last.set(evidence, found);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_KEPT && oldest !== undefined) this.#last.delete(oldest);
  }
}
