/** Bodies of programs that never end by themselves, each with what it does: gas ends them (bench:agents tells after how long). */
export const ENDLESS_PROGRAMS = [
  ["loops", "for (;;);"],
  ["catches what ends it", "for (;;) try { for (;;); } catch {} finally {}"],
  ["floods with microtasks", "(function f() { Promise.resolve().then(f); })(); await new Promise(() => {});"],
  ["backtracks", "return /^(a+)+$/.test('a'.repeat(40) + 'b');"],
  ["searches an endless array", "return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);"],
  ["reverses one", "return Array.prototype.reverse.call({ length: 1e8 }).length;"],
  ["joins a sparse one", "return Array(1e8).join().length;"],
  [
    "sorts for ever",
    "const a = Float64Array.from({ length: 1e4 }, (_, i) => (i * 7919) % 10007); for (;;) a.slice().sort();",
  ],
  ["searches strings", "for (;;) ('a'.repeat(2e6) + 'b').indexOf('a'.repeat(2e5) + 'c');"],
  ["copies strings", "const s = 'x'.repeat(2e7); for (;;) s.slice(1, -1);"],
  ["fills memory", "const u = new Uint8Array(3e7); for (let i = 0; ; i++) u.fill(i);"],
  [
    "multiplies large numbers",
    "const m = (1n << 100000n) - 1n; let a = 3n ** 60000n; for (;;) a = (a * a) % m;",
  ],
  ["writes large numbers", "for (;;) (3n ** 100000n).toString();"],
  ["writes floats", "for (let i = 1; ; i++) (1.1e308 / i).toString(2);"],
  ["evaluates text", "for (;;) eval('1+1');"],
  ["copies memory", "const a = new Uint8Array(3e7), b = new Uint8Array(a); for (;;) a.set(b);"],
  [
    "grows and shrinks it",
    "const b = new ArrayBuffer(1, { maxByteLength: 3e7 }); for (;;) { b.resize(3e7); b.resize(1); }",
  ],
  ["asks for its gas", "for (;;) host.left.gas;"],
  ["imports", "for (;;) await import('x').catch(() => 0);"],
  ["normalizes text", "const s = 'e\u0301'.repeat(1e6); for (;;) s.normalize('NFC');"],
  ["yields", "async function* g() { for (;;) yield 1; } for await (const x of g());"],
  [
    "looks up a chain of prototypes",
    "let p = {}; for (let i = 0; i < 1e5; i++) p = Object.create(p); for (;;) p.x;",
  ],
  [
    "asks what a long chain is an instance of",
    "class A {} let p = {}; for (let i = 0; i < 1e5; i++) p = Object.create(p); for (;;) p instanceof A;",
  ],
  ["makes names", "for (let i = 0; ; i++) Symbol.for('s' + i);"],
] as const;
