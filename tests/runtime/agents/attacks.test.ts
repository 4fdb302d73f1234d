/** What a program can do to whoever runs it: every attack ends by gas, depth or memory, and at the same place each time. */

import { describe, expect, test } from "vitest";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { runProgram, type RunEnd } from "../../../runtime/agents/run-loop.ts";
import { ENDLESS_PROGRAMS } from "../../support/endless-programs.ts";

const { image } = loadSandbox();
const GAS = 400_000_000n;

const TERMS = JSON.stringify({
  run: { id: "0x01", program: "0x02", now: 1, trigger: "http" },
  seed: `0x${"ab".repeat(32)}`,
  left: { calls: 4, feeWei: "0", seconds: 1 },
});

async function run(body: string, gas = GAS): Promise<RunEnd> {
  return await runProgram(
    image,
    {
      source: `export default async (input, host) => { ${body} };`,
      input: "null",
      terms: TERMS,
      now: 1_700_000_000,
      gas,
      memoryBytes: 64 * 1024 * 1024,
      calls: 4,
      openCalls: 4,
      endsOnHostFailure: true,
    },
    () => Promise.reject(new Error("nobody is asked")),
  );
}

describe("a program that does not end", () => {
  test.for(ENDLESS_PROGRAMS)("and %s runs out of gas", async ([, body]) => {
    const end = await run(body);
    expect([end.outcome, end.gas]).toEqual(["outOfGas", GAS]);
  });
});

test("what crosses to the host is paid for, and its price is the same each time", async () => {
  const gasOf = async (body: string): Promise<bigint> => (await run(body)).gas;
  const [none, ten] = [
    await gasOf("return 1;"),
    await gasOf("for (let i = 0; i < 10; i++) host.left.gas; return 1;"),
  ];
  expect(ten - none).toBeGreaterThan(50_000n);
  expect(await gasOf("for (let i = 0; i < 10; i++) host.left.gas; return 1;")).toBe(ten);
});

describe("a program that nests", () => {
  const deep = [
    ["JSON that is parsed", "return JSON.parse('['.repeat(1e6));"],
    [
      "JSON that is written",
      "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a).length;",
    ],
    ["arrays that are joined", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a).length;"],
    ["parentheses", "return eval('('.repeat(1e5));"],
    ["arrows", "return eval('x=>'.repeat(5e4) + '1');"],
    ["operators", "return eval('-'.repeat(5e4) + '1');"],
    ["groups of an expression", "return new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5)).test('');"],
    ["proxies", "let p = {}; for (let i = 0; i < 2e4; i++) p = new Proxy(p, {}); return p.x;"],
    ["calls", "const f = () => f() + 1; return f();"],
    ["conversions", "const o = { toString() { return '' + o; } }; return '' + o;"],
    ["constructors", "class A { constructor() { new A(); } } new A();"],
    ["replacements", "const f = () => 'a'.replace(/a/, f); return f();"],
    ["generators", "function* g() { yield* g(); } return [...g()];"],
  ] as const;

  test.for(deep)(
    "%s ends by depth, never by this machine's stack, and twice at the same gas",
    async ([, body]) => {
      const first = await run(body, 2_000_000_000n);
      expect(["tooDeep", "threw"]).toContain(first.outcome);
      if (first.outcome === "threw")
        expect(first.result).toBe("RangeError: Maximum call stack size exceeded");
      expect(await run(body, 2_000_000_000n)).toEqual(first);
    },
  );
});

test("memory is bounded, and what does not fit can be caught or ends the program", async () => {
  const caught = await run(
    "const a = []; try { for (;;) a.push(new Uint8Array(1e6)); } catch (e) { a.length = 0; return e.name; }",
  );
  expect(["returned", "stuck", "outOfMemory"]).toContain(caught.outcome);
});

test.for([
  ["half of a surrogate pair", "throw new Error('a' + String.fromCharCode(0xd800));", /^Error: a\ufffd+$/],
  ["a getter that throws", "throw { get message() { throw 1; } };", /^the result cannot be written as JSON$/],
  ["nothing", "throw undefined;", /^undefined$/],
] as const)("what a program throws ends it as thrown, be it %s", async ([, body, words]) => {
  const { outcome, result } = await run(body);
  expect([outcome, result]).toEqual(["threw", expect.stringMatching(words)]);
});

test("a result that no memory is left for ends the program by memory, and leaves it waiting for nobody", async () => {
  const { outcome } = await run("return 'x'.repeat(4e7);", 2_000_000_000n);
  expect(outcome).toBe("outOfMemory");
});

describe("a program learns nothing of its host", () => {
  test.for([
    [
      "the time",
      "return [Date.now(), new Date().toString(), typeof performance];",
      [1_700_000_000_000, "Tue Nov 14 2023 22:13:20 GMT+0000", "undefined"],
    ],
    [
      "when memory is collected",
      "return [typeof WeakRef, typeof FinalizationRegistry, typeof SharedArrayBuffer, typeof Atomics];",
      Array(4).fill("undefined"),
    ],
    [
      "a network, a file, a process",
      "return [typeof fetch, typeof require, typeof process, typeof setTimeout, typeof WebAssembly];",
      Array(5).fill("undefined"),
    ],
    [
      "its language",
      "return [(1234.5).toLocaleString(), typeof Intl, 'I'.toLocaleLowerCase('tr')];",
      ["1234.5", "undefined", "i"],
    ],
    ["its stack", "try { null.x; } catch (e) { return /node|\\/tmp|file:/.test(e.stack); }", false],
  ] as const)("not %s", async ([, body, expected]) => {
    const end = await run(body);
    expect(JSON.parse(end.result ?? "null")).toEqual(expected);
  });

  test("nor a chance of its own: the same seed draws the same", async () => {
    const body = "return [Math.random(), Math.random()];";
    const [a, b] = [await run(body), await run(body)];
    expect(a).toEqual(b);
    const [x, y] = JSON.parse(a.result ?? "[]") as [number, number];
    expect(x !== y && x >= 0 && x < 1).toBe(true);
  });
});
