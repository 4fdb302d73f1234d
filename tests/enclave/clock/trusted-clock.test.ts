import { describe, expect, test } from "vitest";
import { createTrustedClock, type TrustedClock } from "../../../enclave/clock/trusted-clock.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import type { ExchangeOutcome } from "../../../enclave/egress/exchange.ts";

const BUILD = 1_795_305_600;
const TRUE = BUILD + 100 * 86_400;
const YEAR = 31_536_000;

const at = (seconds: number): string => new Date(seconds * 1000).toUTCString();

/** What a host does with one request: the headers that come, after so long; `null` never comes. */
interface Word {
  readonly headers: Record<string, string> | null;
  readonly takesMs?: number;
}

const says = (seconds: number, more: Omit<Word, "headers"> & { age?: string } = {}): Word => ({
  headers: { date: at(seconds), ...(more.age === undefined ? {} : { age: more.age }) },
  ...(more.takesMs === undefined ? {} : { takesMs: more.takesMs }),
});
const DROPPED: Word = { headers: null };

class World {
  monotonicMs = 0;
  suspendedMs = 0;
  words: readonly Word[];
  readonly clock: TrustedClock;

  constructor(words: readonly Word[], quorum = 1) {
    this.words = words;
    this.clock = createTrustedClock({
      settings: { source: "hosts", urls: words.map((_, at) => `https://t${at}.example/`), quorum },
      buildTime: BUILD,
      monotonicMs: () => this.monotonicMs,
      bootMs: () => this.monotonicMs + this.suspendedMs,
      hostNow: () => 9_999_999_999,
      exchange: ({ url }) => Promise.resolve(this.#reply(Number(/[0-9]+/.exec(url.host)?.[0]))),
    });
  }

  #reply(host: number): ExchangeOutcome {
    const word = this.words[host] ?? DROPPED;
    this.monotonicMs += word.takesMs ?? 0;
    if (word.headers === null) {
      const error = new UpstreamError({ code: "MODEL_UNREACHABLE", message: "dropped" });
      return { kind: "failed", error, transport: null };
    }
    const transport = { kind: "plain-loopback" as const, address: "" };
    const body = new Uint8Array();
    return {
      kind: "complete",
      response: { status: 200, headers: word.headers, body, bodySha256: body, transport },
    };
  }

  async round(words = this.words): Promise<number | null> {
    this.words = words;
    await this.clock.synchronize();
    return this.clock.read().now;
  }
}

describe("the hosts' time", () => {
  test.for([
    ["all honest", [says(TRUE), says(TRUE + 1), says(TRUE)], 3, TRUE],
    ["one in three a year ahead", [says(TRUE), says(TRUE + YEAR), says(TRUE + 1)], 3, TRUE + 1],
    ["one in three a year behind", [says(TRUE), says(TRUE - YEAR), says(TRUE + 1)], 3, TRUE],
    [
      "two liars in five, both ways",
      [says(TRUE - YEAR), says(TRUE + YEAR), says(TRUE), says(TRUE), says(TRUE)],
      3,
      TRUE,
    ],
    ["one that is silent, where two suffice", [says(TRUE), DROPPED, says(TRUE + 2)], 2, TRUE],
    ["one host alone", [says(TRUE)], 1, TRUE],
  ] as const)("is known with %s", async ([, words, quorum, expected]) => {
    expect(await new World(words, quorum).round()).toBe(expected);
  });

  test.for([
    ["two of four that lie", [says(BUILD + 1), says(BUILD + 1), says(TRUE), says(TRUE)], 3],
    [
      "two of five that lie while the host drops two of the others",
      [says(TRUE + 10 * YEAR), says(TRUE + 10 * YEAR), DROPPED, DROPPED, says(TRUE)],
      3,
    ],
    [
      "two liars who are left alone, whatever quorum the operator wrote",
      [says(TRUE + YEAR), says(TRUE + YEAR), DROPPED, DROPPED],
      1,
    ],
    ["half of the hosts", [says(TRUE), says(TRUE), DROPPED, DROPPED], 2],
    ["fewer answers than the quorum", [says(TRUE), says(TRUE), DROPPED], 3],
    ["hosts that all differ", [says(TRUE), says(TRUE + 60), says(TRUE + 120)], 2],
    ["a time before the build", [says(BUILD - 10), says(BUILD - 10), says(BUILD - 10)], 3],
    [
      "dates in no date's form",
      [{ headers: { date: "yesterday" } }, { headers: { date: "2026-11-22T00:00:00Z" } }, says(TRUE)],
      1,
    ],
    ["an age in no age's form", [says(TRUE, { age: "-1" }), says(TRUE, { age: "1, 2" }), says(TRUE)], 1],
  ] as const)("is unknown with %s", async ([, words, quorum]) => {
    const world = new World(words, quorum);
    expect(await world.round()).toBeNull();
    expect(world.clock.read()).toMatchObject({ lowerBound: BUILD, source: "build" });
  });

  test("is a majority's of the configured hosts: it takes three liars of five to move it", async () => {
    const lie = says(TRUE + YEAR);
    expect(await new World([lie, lie, says(TRUE), DROPPED, DROPPED]).round()).toBeNull();
    expect(await new World([lie, lie, lie, says(TRUE), says(TRUE)]).round()).toBe(TRUE + YEAR);
  });

  test("is right by half a round trip, and held responses are no samples", async () => {
    const held = new World([says(TRUE, { takesMs: 4_000 })]);
    // Told at the latest when it arrived, four seconds after it was asked for.
    const now = await held.round();
    expect(now).toBe(TRUE + 2);
    expect(await held.round([says(TRUE, { takesMs: 5_001 })])).toBeNull();
    expect(await held.round(Array.from({ length: 5 }, () => says(TRUE, { takesMs: 178_000 })))).toBeNull();
  });

  test("counts the age of what lay in a cache", async () => {
    const cached = says(TRUE - 86_400, { age: "86400" });
    expect(await new World([cached, cached, says(TRUE)], 3).round()).toBe(TRUE);
  });

  test("is carried on by the monotonic counter, and never runs backwards", async () => {
    const world = new World([says(TRUE)]);
    await world.round();
    world.monotonicMs += 90_500;
    expect(world.clock.read()).toMatchObject({ now: TRUE + 90, lowerBound: TRUE + 88 });
    expect(await world.round([says(TRUE + 30)])).toBe(TRUE + 90);
  });

  test("ends with a round that does not agree, and comes back with the next that does", async () => {
    const world = new World([says(TRUE)]);
    await world.round();
    world.monotonicMs += 1_000;
    expect(await world.round([DROPPED])).toBeNull();
    expect(world.clock.read().lowerBound).toBe(TRUE);
    expect(await world.round([says(TRUE + 2)])).toBe(TRUE + 2);
  });

  test("ends an hour after the latest round", async () => {
    const world = new World([says(TRUE)]);
    await world.round();
    world.monotonicMs += 3_600_000;
    expect(world.clock.read().now).toBe(TRUE + 3_600);
    world.monotonicMs += 1;
    expect(world.clock.read().now).toBeNull();
  });

  test("ends when the machine was suspended, until the hosts are asked again", async () => {
    const world = new World([says(TRUE)]);
    await world.round();
    world.monotonicMs += 1_000;
    world.suspendedMs += 30 * 86_400_000;
    expect(world.clock.read().now).toBeNull();
    expect(await world.round([says(TRUE + 30 * 86_400 + 1)])).toBe(TRUE + 30 * 86_400 + 1);
  });
});
