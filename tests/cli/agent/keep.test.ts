/** A program's secrets go where its manifest says, to each keyset once, and to none that was not judged. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { x25519 } from "@noble/curves/ed25519.js";
import { afterAll, expect, test } from "vitest";
import { bindingsOf, bringTo, readSecrets, type SecretTaker } from "../../../cli/agent/keep.ts";
import { encodeProgram, parseProgram } from "../../../protocol/agent-program.ts";
import { boundName, type AgentSecretCall } from "../../../protocol/agent-secret.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { openSecret } from "../../../protocol/sealed-secret.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-keep-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const fileOf = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const program = parseProgram(
  encodeProgram("export default () => 1;", {
    http: [
      { origin: "https://a.example", methods: ["GET"], secrets: { authorization: "key" } },
      { origin: "https://a.example", methods: ["POST"], secrets: { authorization: "key" } },
      { origin: "https://b.example", methods: ["GET"], secrets: { "x-key": "key" } },
    ],
    mcp: [{ url: "https://c.example/mcp", tools: ["t"], secrets: { authorization: "tools" } }],
  }),
);
const key = fileOf("key", "sk-1\n");
const named = [`key=${key}`, `tools=${fileOf("tools", "Bearer sk 2")}`];

test("each secret is bound to the program, an origin and a header, once", () => {
  expect(bindingsOf(program).map(({ origin, header, name }) => [origin, header, name])).toEqual([
    ["https://a.example", "authorization", "key"],
    ["https://b.example", "x-key", "key"],
    ["https://c.example", "authorization", "tools"],
  ]);
});

test.for([
  ["one that is missing", [`key=${key}`], /the secret tools is missing/],
  ["one that the manifest has not", [...named, `other=${key}`], /no secret other/],
  ["no name", [key], /NAME=FILE/],
  ["several lines", [`key=${fileOf("lines", "a\nb")}`], /holds no secret/],
] as const)("%s is refused before anything is sent", ([, secrets, message]) => {
  expect(() => readSecrets(program, secrets)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  expect(() => readSecrets(program, secrets)).toThrow(message);
});

test("another keyset gets them all, sealed to it and to the owners of upgrades; the same one nothing", async () => {
  const secrets = readSecrets(program, named);
  const upgrades: Hex = `0x${"77".repeat(32)}`;
  let last: Hex | null = null;
  for (const id of ["11", "11", "22"]) {
    const privateKey = x25519.utils.randomSecretKey();
    const taken: AgentSecretCall[] = [];
    const target = {
      keysetId: `0x${id.repeat(32)}`,
      sealingKey: toHex(x25519.getPublicKey(privateKey)),
    } as const;
    const taker: SecretTaker = { target, put: (call) => (taken.push(call), Promise.resolve()) };
    const brought: Hex | null = await bringTo(taker, secrets, { last, upgrades });
    expect(brought).toBe(last === target.keysetId ? null : target.keysetId);
    const opened = taken.map(({ binding, sealed }) =>
      openSecret({ keysetId: target.keysetId, privateKey }, boundName(binding), sealed),
    );
    expect(await Promise.all(opened)).toEqual(brought === null ? [] : ["sk-1", "sk-1", "Bearer sk 2"]);
    expect(taken.every(({ sealed }) => sealed.upgrades === upgrades)).toBe(true);
    last = brought ?? last;
  }
});
