/** Which result comes first in time decides nothing: one set of results, one run. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { runProgram, type Call, type CallDelivery, type RunEnd } from "../../../runtime/agents/run-loop.ts";

const { image } = loadSandbox();

const SOURCE = `export default async (input, host) => {
  const seen = [];
  const one = async (i) => {
    const page = await host.http({ url: "https://a.example/" + i }).catch((error) => ({ json: error.code }));
    seen.push(page.json);
    if (i % 2 === 0) seen.push(await host.clock().catch((error) => error.code));
    return Math.random() < 0.5 ? page.json : i;
  };
  const all = await Promise.all([0, 1, 2, 3, 4].map(one));
  const first = await Promise.race([host.http({ url: "slow" }), host.http({ url: "fast" })]).catch(() => null);
  return { seen, all, first: first === null ? null : first.text, left: host.left.calls };
};`;

const TERMS = JSON.stringify({
  run: { id: "0x01", program: "0x02", now: 1, trigger: "http" },
  seed: `0x${"cd".repeat(32)}`,
  left: { calls: 16, feeWei: "0", seconds: 1 },
});

async function run(perform: (call: Call) => Promise<CallDelivery>, change: object = {}): Promise<RunEnd> {
  const limits = { gas: 100_000_000n, memoryBytes: 32 * 1024 * 1024, calls: 16, openCalls: 8 };
  const terms = {
    source: SOURCE,
    input: "null",
    terms: TERMS,
    now: 1,
    endsOnHostFailure: false,
    ...limits,
    ...change,
  };
  return await runProgram(image, terms, perform);
}

/** What call `number` brings, by `failing` calls that fail. */
function deliver({ number, op }: Call, failing: ReadonlySet<number>): CallDelivery {
  const left = { feeWei: "0", seconds: 1 };
  const isHostFailure = failing.has(number);
  const value = op === "clock" ? number : { status: 200, headers: {}, text: String(number), server: {} };
  const result = isHostFailure
    ? { ok: false, code: "TIMEOUT", message: "late", hostCausable: true, left }
    : { ok: true, value, left };
  return { text: JSON.stringify(result), isHostFailure };
}

/** Resolves its calls in the order of `ranks`, each after so many turns of the event loop. */
function shuffled(
  ranks: readonly number[],
  failing: ReadonlySet<number>,
): (call: Call) => Promise<CallDelivery> {
  return async (call) => {
    const turns = ranks[call.number % ranks.length] ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return deliver(call, failing);
  };
}

test("any order of arrival gives the same output, gas and calls", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(7), { minLength: 16, maxLength: 16 }),
      fc.uniqueArray(fc.nat(15), { maxLength: 4 }),
      async (ranks, failures) => {
        const failing = new Set(failures);
        const inOrder = await run((call) => Promise.resolve(deliver(call, failing)));
        expect(await run(shuffled(ranks, failing))).toEqual(inOrder);
      },
    ),
    { numRuns: 60 },
  );
});

test("Promise.race takes the call that was made first", async () => {
  const end = await run(shuffled([0, 0, 0, 0, 0, 0, 0, 0, 5, 0], new Set()));
  expect(JSON.parse(end.result ?? "null")).toMatchObject({ first: "8" });
});

test("a turn that traps has sent nothing", async () => {
  const asked: Call[] = [];
  const source = 'export default async (i, host) => { host.http({ url: "x" }); for (;;); };';
  const end = await run((call) => (asked.push(call), Promise.resolve(deliver(call, new Set()))), { source });
  expect([end.outcome, end.calls, asked]).toEqual(["outOfGas", 0, []]);
});

test("a call that nobody waits for is sent, and what it brings is not delivered", async () => {
  const asked: Call[] = [];
  const source =
    'export default async (i, host) => { host.http({ url: "x" }).then(() => { throw 1; }); return 1; };';
  const end = await run((call) => (asked.push(call), Promise.resolve(deliver(call, new Set()))), { source });
  expect([end.outcome, end.result, asked.length]).toEqual(["returned", "1", 1]);
});

test("a failure that the host could cause ends the run where the program says so", async () => {
  const end = await run((call) => Promise.resolve(deliver(call, new Set([1]))), { endsOnHostFailure: true });
  expect([end.outcome, end.sawHostFailure]).toEqual(["hostFailure", true]);
});

test("calls beyond the limits are OUT_OF_BUDGET, and are not made", async () => {
  const source = `export default async (i, host) => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => host.clock()));
    return results.map((r) => (r.status === "fulfilled" ? "ok" : r.reason.code));
  };`;
  const end = await run((call) => Promise.resolve(deliver(call, new Set())), { source, openCalls: 3 });
  const codes = JSON.parse(end.result ?? "[]") as string[];
  expect(codes).toEqual([...Array<string>(3).fill("ok"), ...Array<string>(17).fill("OUT_OF_BUDGET")]);
});

test("a log has so many lines and so many bytes, and no line says where it ends", async () => {
  const lines = async (statement: string): Promise<number> => {
    const source = `export default (i, host) => { for (let n = 0; n < 2000; n++) ${statement}; };`;
    return (await run(() => Promise.reject(new Error("nobody is asked")), { source })).logs.length;
  };
  expect(await lines("host.log()")).toBe(512);
  // 1,024 bytes each, of 2 to a character.
  expect(await lines('host.log("é".repeat(510))')).toBe(16);
});
