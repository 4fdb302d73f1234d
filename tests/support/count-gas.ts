/** What programs use up, to the unit: counted the same in Node and in a browser's worker. */

import type { ReplaySandbox } from "../../runtime/agents/replay.ts";
import { runProgram } from "../../runtime/agents/run-loop.ts";

const PROGRAMS: Readonly<Record<string, string>> = {
  nothing: "return 1;",
  arithmetic: "let x = 1; for (let i = 1; i < 1e5; i++) x = (x * 31 + i) % 1000003; return x;",
  floats: "let x = 0.5; for (let i = 1; i < 2e4; i++) x = Math.sin(x) + Math.sqrt(i); return x;",
  strings: "let s = ''; for (let i = 0; i < 5e3; i++) s += String(i); return s.split('9').join('').length;",
  objects: "const o = {}; for (let i = 0; i < 5e3; i++) o['k' + (i % 97)] = i; return Object.keys(o).length;",
  sorting: "return Array.from({ length: 3e3 }, (_, i) => (i * 7919) % 10007).sort((a, b) => a - b)[7];",
  json: "return JSON.parse(JSON.stringify(Array.from({ length: 2e3 }, (_, i) => ({ i, t: 'x'.repeat(i % 9) })))).length;",
  patterns: "return 'a1b22c333'.repeat(300).replace(/[0-9]+/g, (d) => '<' + d + '>').length;",
  integers:
    "let a = 3n; for (let i = 0; i < 12; i++) a = (a * a) % (2n ** 521n - 1n); return String(a).length;",
  promises: "let n = 0; for (let i = 0; i < 500; i++) n += await Promise.resolve(1); return n;",
  chance: "let n = 0; for (let i = 0; i < 1e3; i++) n += Math.random(); return n;",
  dates: "return [new Date(2020, 5, 1).toString(), (1234.5).toLocaleString(), 'I'.toLocaleLowerCase('tr')];",
  "text that is evaluated": "let n = 0; for (let i = 0; i < 100; i++) n += eval('1+' + i); return n;",
  "calls, too deep": "const f = () => f() + 1; return f();",
  "text of nested arrays, too deep":
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a).length;",
  "parsed JSON, too deep": "return JSON.parse('['.repeat(1e6));",
  "a pattern, too deep": "return new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5)).test('');",
  "a loop without end": "for (;;);",
  "a pattern that backtracks": "return /^(a+)+$/.test('a'.repeat(40) + 'b');",
};

export interface GasVectors {
  readonly engine: string;
  readonly prelude: string;
  readonly programs: Readonly<
    Record<string, { readonly outcome: string; readonly result: string | null; readonly gas: string }>
  >;
}

export async function countGas({ image, engine, prelude }: ReplaySandbox): Promise<GasVectors> {
  const terms = JSON.stringify({
    run: { id: "0x01", program: "0x02", now: 1_700_000_000, trigger: "http", block: null },
    seed: `0x${"ab".repeat(32)}`,
    left: { calls: 0, feeWei: "0", seconds: 1 },
  });
  const programs: Record<string, GasVectors["programs"][string]> = {};
  for (const [name, body] of Object.entries(PROGRAMS)) {
    const end = await runProgram(
      image,
      {
        source: `export default async () => { ${body} };`,
        input: "null",
        terms,
        now: 1_700_000_000,
        gas: 300_000_000n,
        memoryBytes: 32 * 1024 * 1024,
        calls: 0,
        openCalls: 1,
        endsOnHostFailure: true,
      },
      () => Promise.reject(new Error("nobody is asked")),
    );
    programs[name] = { outcome: end.outcome, result: end.result, gas: end.gas.toString() };
  }
  return { engine, prelude, programs };
}
