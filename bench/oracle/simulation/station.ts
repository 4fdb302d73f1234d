/**
 * Something of which there is only so much: a thread, a database's cores, a node's slots at its enclave. What waits in one line is served in the
 * order in which it came; several lines are served in turn, as a thread serves its loops.
 */

import type { EventClock } from "./event-clock.ts";

type Begin = () => void;

export class Station {
  readonly #clock: EventClock;
  readonly #servers: number;
  readonly #lines: readonly Line[];
  #turn = 0;
  #waiting = 0;
  #busy = 0;
  #busyMs = 0;
  #since = 0;

  constructor(clock: EventClock, servers: number, lines = 1) {
    this.#clock = clock;
    this.#servers = servers;
    this.#lines = Array.from({ length: lines }, () => new Line());
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** What is served and what waits. */
  get load(): number {
    return this.#busy + this.#waiting;
  }

  /** Milliseconds for which all of it would have been in use to do what was done, from the beginning until now. */
  get busyMs(): number {
    this.#account();
    return this.#busyMs / this.#servers;
  }

  /** Takes a server for `ms`. */
  serve(ms: number, done: () => void, line = 0): void {
    this.take((release) => {
      this.#clock.after(ms, () => {
        release();
        done();
      });
    }, line);
  }

  /** Takes a server until `release` is called. */
  take(begin: (release: () => void) => void, line = 0): void {
    const waiting: Begin = () => {
      this.#account();
      this.#busy += 1;
      begin(() => {
        this.#account();
        this.#busy -= 1;
        this.#next();
      });
    };
    if (this.#busy < this.#servers && this.#waiting === 0) {
      waiting();
      return;
    }
    this.#waiting += 1;
    this.#lines[line]?.push(waiting);
  }

  #next(): void {
    if (this.#waiting === 0 || this.#busy >= this.#servers) return;
    for (;;) {
      this.#turn = (this.#turn + 1) % this.#lines.length;
      const begin = this.#lines[this.#turn]?.shift();
      if (begin === undefined) continue;
      this.#waiting -= 1;
      begin();
      return;
    }
  }

  #account(): void {
    const { now } = this.#clock;
    this.#busyMs += this.#busy * (now - this.#since);
    this.#since = now;
  }
}

/** Lets go in one piece what was served: to move all the others for each would cost the square of a long line. */
const LET_GO = 1_024;

class Line {
  #waiting: Begin[] = [];
  #first = 0;

  push(begin: Begin): void {
    this.#waiting.push(begin);
  }

  shift(): Begin | undefined {
    const begin = this.#waiting[this.#first];
    if (begin === undefined) return undefined;
    this.#first += 1;
    if (this.#first > LET_GO && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return begin;
  }
}
