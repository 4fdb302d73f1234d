/** What owners sign and announce with the command is what an enclave accepts. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { verifyUpgrade } from "../../../attestation/upgrade/verify-upgrade.ts";
import { appraisalPolicy } from "../../../cli/image/image-policy.ts";
import { announce, authorityOf, propose, readEntries, sign } from "../../../cli/upgrade/upgrade-files.ts";
import { addressOfPublicKey } from "../../../protocol/answer.ts";
import { parseJson } from "../../../protocol/canonical-json.ts";
import { configurationDigest } from "../../../protocol/keyset.ts";
import { upgradeAuthorityId } from "../../../protocol/upgrade.ts";
import { formatVerifierKey } from "../../../protocol/verifier-key.ts";
import { codeOf } from "../../support/code-of.ts";
import { AUTHORITY, signHead } from "../../support/upgrade-log.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-upgrade-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string): string => join(folder, name);
const write = (name: string, value: unknown): string => {
  writeFileSync(at(name), typeof value === "string" ? value : JSON.stringify(value));
  return at(name);
};

const LOG = { name: "tests.example/upgrades", key: "09".repeat(32) };
const logKey = new Uint8Array(32).fill(9);
const owners = ["11", "12", "13"].map((byte) => byte.repeat(32));
const authority = {
  ...AUTHORITY,
  owners: owners.map((key) =>
    addressOfPublicKey(secp256k1.getPublicKey(new Uint8Array(Buffer.from(key, "hex")), false)),
  ),
  log: formatVerifierKey({ name: LOG.name, publicKey: ed25519.getPublicKey(logKey) }),
};
const policy = appraisalPolicy(
  { platform: "nitro", registers: { PCR0: [`0x${"ab".repeat(48)}`], PCR1: "any", PCR2: "any" } },
  "hardware",
);
const terms = (sequence: number) => ({
  fromPolicy: write("from.json", policy),
  fromBehaviour: write("from-behaviour.json", { version: 1, upgrades: { sequence: 0, authority } }),
  toPolicy: write("to.json", policy),
  toBehaviour: write("to-behaviour.json", { version: 1, upgrades: { sequence: 1, authority } }),
  sequence,
  out: at("upgrade.json"),
});

beforeEach(() => {
  rmSync(at("log"), { recursive: true, force: true });
});

test("an upgrade that was proposed, signed and announced is one that an enclave honours", () => {
  expect(propose(terms(1))).toContain("owners sign 0x");
  for (const [index, key] of owners.slice(1).entries())
    expect(sign(at("upgrade.json"), write(`owner${index}`, key))).toContain(authority.owners[index + 1]);

  const said = announce(at("upgrade.json"), {
    log: at("log"),
    name: LOG.name,
    key: write("log.key", LOG.key),
  });
  expect(said).toContain(authority.log);
  const entries = readEntries(join(at("log"), "upgrades.jsonl"));
  const cosigned = { witnesses: [0, 1], at: 1_900_000_000 };
  const head = signHead(entries, cosigned, { name: LOG.name, log: logKey });
  expect(head).toContain(readFileSync(join(at("log"), "checkpoint"), "utf8"));
  const behaviourDigest = configurationDigest(parseJson(readFileSync(at("from-behaviour.json"))));
  const now = cosigned.at + authority.timelock;
  const later = signHead(entries, { ...cosigned, at: now }, { name: LOG.name, log: logKey });
  const log = { entries: [...entries], announced: head, head: later };
  expect(verifyUpgrade(log, { authority, from: { behaviourDigest }, above: 0, now }).sequence).toBe(1);
});

test("a log goes on, and is never begun anew", () => {
  propose(terms(1));
  const options = { log: at("log"), name: LOG.name, key: write("log.key", LOG.key) };
  announce(at("upgrade.json"), options);
  announce(at("upgrade.json"), options);
  expect(readEntries(join(at("log"), "upgrades.jsonl"))).toHaveLength(2);
});

test("prints the authority that secrets name", () => {
  expect(authorityOf(terms(1).fromBehaviour)).toBe(upgradeAuthorityId(authority));
});

test.for<[string, () => unknown, string]>([
  ["a sequence that is not the successor's", () => propose(terms(2)), "INPUT_INVALID"],
  [
    "a policy that is none",
    () => propose({ ...terms(1), toPolicy: write("none.json", "{}") }),
    "INPUT_INVALID",
  ],
  [
    "a behaviour file without upgrades",
    () => authorityOf(write("bare.json", { version: 1 })),
    "INPUT_INVALID",
  ],
  ["a key that is none", () => sign(at("upgrade.json"), write("bad.key", "0x12")), "INPUT_INVALID"],
  ["an upgrade that is not there", () => sign(at("nothing.json"), at("bad.key")), "INPUT_NOT_FOUND"],
])("refuses %s", ([, call, code]) => {
  expect(codeOf(call)).toBe(code);
});

test.for<[string, string | null]>([
  ["an empty file", ""],
  ["one that is cut short", '{"upgrade":{'],
  ["a list", "[]"],
  ["another file of JSON", '{"version":1}'],
  ["an upgrade without signatures", '{"upgrade":{"from":{},"to":{},"sequence":1}}'],
  ["a folder", null],
])("%s is no upgrade: one sentence names it", ([name, content]) => {
  const file = at(name.replaceAll(" ", "-"));
  if (content === null) mkdirSync(file);
  else writeFileSync(file, content);
  const options = { log: at("log"), name: LOG.name, key: write("log.key", LOG.key) };
  for (const use of [() => sign(file, at("log.key")), () => announce(file, options)]) {
    expect(use).toThrow(
      expect.objectContaining({ message: expect.stringMatching(ONE_SENTENCE) as string }) as Error,
    );
    expect(use).toThrow(file);
    expect(codeOf(use)).toMatch(/^INPUT_/u);
  }
});
/** On one line. */
const ONE_SENTENCE = /^[^\n]+$/u;
