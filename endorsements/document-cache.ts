import type { UnixSeconds } from "../attestation/time/unix-time.ts";

/** A thing and the last second at which it may be used. */
export interface Dated<T> {
  readonly value: T;
  readonly until: UnixSeconds;
}

/** Most entries kept: the key names a platform that a stranger's evidence chose, so memory must not follow it. */
const MAX_ENTRIES = 1_024;

/**
 * Keeps what was fetched until its own end, and no longer. Callers who ask while a fetch is under way share it; a
 * fetch that failed is forgotten, and the next caller tries again.
 */
export class DocumentCache<T> {
  readonly #entries = new Map<string, Promise<Dated<T>>>();

  async get(key: string, now: UnixSeconds, fetch: () => Promise<Dated<T>>): Promise<T> {
    const kept = this.#entries.get(key);
    if (kept !== undefined) {
      const { value, until } = await kept;
      if (now <= until) return value;
      // Unless another caller has already replaced what ran out.
      if (this.#entries.get(key) !== kept) return await this.get(key, now, fetch);
    }
    return (await this.#fetch(key, fetch)).value;
  }

  async #fetch(key: string, fetch: () => Promise<Dated<T>>): Promise<Dated<T>> {
    const pending = fetch();
    this.#entries.delete(key);
    this.#entries.set(key, pending);
    this.#forgetOldest();
    try {
      return await pending;
    } catch (error) {
      if (this.#entries.get(key) === pending) this.#entries.delete(key);
      throw error;
    }
  }

  #forgetOldest(): void {
    if (this.#entries.size <= MAX_ENTRIES) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
