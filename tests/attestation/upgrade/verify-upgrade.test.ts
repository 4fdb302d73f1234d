/** Upgrades are authorised by owners, announced before witnesses, and superseded by newer ones. */

import { ethers } from "ethers";
import { describe, expect, test } from "vitest";
import { verifyUpgrade, type UpgradeTerms } from "../../../attestation/upgrade/verify-upgrade.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { UpgradeLog } from "../../../protocol/hand-over.ts";
import {
  upgradeDigest,
  UpgradeAuthority,
  upgradeAuthorityId,
  type Upgrade,
} from "../../../protocol/upgrade.ts";
import { codeOf } from "../../support/code-of.ts";
import { AUTHORITY, signHead, signUpgrade, TIMELOCK } from "../../support/upgrade-log.ts";

const NOW = 1_900_000_000;
const hash = (byte: string): Hex => `0x${byte.repeat(32)}`;
const FROM = { policyDigest: hash("aa"), behaviourDigest: hash("ab") };
const TO = { policyDigest: hash("ba"), behaviourDigest: hash("bb") };
const UPGRADE: Upgrade = { from: FROM, to: TO, sequence: 3 };
const terms: UpgradeTerms = { authority: AUTHORITY, from: FROM, above: 2, now: NOW };

const OLD = { witnesses: [0, 1], at: NOW - TIMELOCK };
const NEW = { witnesses: [0, 1], at: NOW - 3_600 };
const entry = signUpgrade(UPGRADE, [0, 2]);

function logOf(entries: readonly string[], announced = entries.length): UpgradeLog {
  return {
    entries: [...entries],
    announced: signHead(entries.slice(0, announced), OLD),
    head: signHead(entries, NEW),
  };
}

const log = logOf([entry]);
const withdrawal = signUpgrade({ from: FROM, to: FROM, sequence: 4 }, [0, 1]);

describe("an upgrade", () => {
  test("holds that enough owners signed, and enough witnesses saw a timelock ago", () => {
    expect(verifyUpgrade(log, terms)).toEqual(UPGRADE);
  });

  test("is signed as EIP-712 says, so that a wallet shows what it signs", () => {
    const program = [
      { name: "policyDigest", type: "bytes32" },
      { name: "behaviourDigest", type: "bytes32" },
    ];
    const types = {
      Upgrade: [
        { name: "from", type: "EnclaveProgram" },
        { name: "to", type: "EnclaveProgram" },
        { name: "sequence", type: "uint64" },
      ],
      EnclaveProgram: program,
    };
    const domain = { name: "Adyton Upgrade", version: "2" };
    expect(ethers.TypedDataEncoder.hash(domain, types, UPGRADE)).toBe(upgradeDigest(UPGRADE));
  });

  test.for<[string, Partial<UpgradeLog>, string]>([
    ["one owner of two signed", logOf([signUpgrade(UPGRADE, [0])]), "EVIDENCE_SIGNATURE_INVALID"],
    ["one owner signed twice", logOf([signUpgrade(UPGRADE, [1, 1])]), "EVIDENCE_SIGNATURE_INVALID"],
    ["strangers signed", logOf([signUpgrade(UPGRADE, [0, 7, 8])]), "EVIDENCE_SIGNATURE_INVALID"],
    [
      "owners signed something else",
      logOf([entry.replace('"sequence":3', '"sequence":5')]),
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "witnesses saw it a second too late",
      { announced: signHead([entry], { ...OLD, at: OLD.at + 1 }) },
      "EVIDENCE_NOT_YET_VALID",
    ],
    [
      "one witness of two saw it in time",
      {
        announced: `${signHead([entry], { witnesses: [0], at: OLD.at })}${signHead([entry], {
          witnesses: [1],
          at: NOW,
        })
          .split("\n")
          .slice(5)
          .join("\n")}`,
      },
      "EVIDENCE_NOT_YET_VALID",
    ],
    [
      "one witness signed twice",
      { announced: signHead([entry], { witnesses: [0, 0], at: OLD.at }) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "a witness that is not pinned signed",
      { announced: signHead([entry], { witnesses: [0, 9], at: OLD.at }) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "no witness saw the end today",
      { head: signHead([entry], { ...NEW, at: NOW - 86_401 }) },
      "EVIDENCE_STALE",
    ],
    [
      "a witness is ahead of the time",
      { head: signHead([entry], { ...NEW, at: NOW + 301 }) },
      "EVIDENCE_STALE",
    ],
    [
      "another keeper signed the log",
      { head: signHead([entry], NEW, { log: new Uint8Array(32).fill(9) }) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "it is another log",
      { head: signHead([entry], NEW, { name: "other.example" }) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "the log was rewritten since it was announced",
      { announced: signHead([withdrawal], OLD) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["an entry is kept back", { head: signHead([entry, withdrawal], NEW) }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "the head is the older one",
      { ...logOf([entry, withdrawal]), head: signHead([entry], NEW) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["owners took it back", logOf([entry, withdrawal], 1), "EVIDENCE_NOT_YET_VALID"],
    [
      "owners signed two with one sequence",
      logOf([entry, signUpgrade({ ...UPGRADE, to: FROM }, [0, 1])]),
      "EVIDENCE_STALE",
    ],
    [
      "it is of another enclave",
      logOf([signUpgrade({ ...UPGRADE, from: TO }, [0, 1])]),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["an entry is no upgrade", logOf(["{}"]), "EVIDENCE_MALFORMED"],
    ["there is no note", { head: "" }, "EVIDENCE_MALFORMED"],
  ])("is refused when %s", ([, change, code]) => {
    expect(codeOf(() => verifyUpgrade({ ...log, ...change }, terms))).toBe(code);
  });

  test("is refused at a sequence that is not above the last one's", () => {
    expect(codeOf(() => verifyUpgrade(log, { ...terms, above: 3 }))).toBe("EVIDENCE_STALE");
  });

  test("is superseded by what owners signed, and by nothing that the log's keeper wrote alone", () => {
    const forged = signUpgrade({ from: FROM, to: FROM, sequence: 9 }, [0]);
    expect(verifyUpgrade(logOf([entry, forged], 1), terms)).toEqual(UPGRADE);
    const newer = { ...UPGRADE, sequence: 8 };
    expect(verifyUpgrade(logOf([entry, signUpgrade(newer, [1, 2])]), terms)).toEqual(newer);
    // The same, written twice.
    expect(verifyUpgrade(logOf([entry, signUpgrade(UPGRADE, [0, 1])]), terms)).toEqual(UPGRADE);
  });

  test("is refused at a bit of each of its bytes that witnesses signed", () => {
    const bytes = Buffer.from(log.announced);
    const codes = new Set<string>();
    // Nine shares no factor with eight: every place in a byte comes up, in an eighth of the time.
    for (let bit = 0; bit < bytes.length * 8; bit += 9) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      codes.add(codeOf(() => verifyUpgrade({ ...log, announced: changed.toString("utf8") }, terms)));
    }
    expect([...codes].filter((code) => !code.startsWith("EVIDENCE_"))).toEqual([]);
  });
});

describe("an authority", () => {
  test("has an id of its own: whoever has fewer owners sign is another one", () => {
    expect(upgradeAuthorityId({ ...AUTHORITY, threshold: 1 })).not.toBe(upgradeAuthorityId(AUTHORITY));
    expect(UpgradeAuthority.parse(AUTHORITY)).toEqual(AUTHORITY);
  });

  test.for<[string, Partial<UpgradeAuthority>]>([
    ["an owner twice", { owners: [AUTHORITY.owners[0]!, AUTHORITY.owners[0]!] }],
    ["more owners needed than there are", { threshold: 4 }],
    ["more witnesses needed than there are", { witnessThreshold: 4 }],
    ["a witness twice", { witnesses: [AUTHORITY.witnesses[0]!, AUTHORITY.witnesses[0]!] }],
    ["a log's key as a witness", { witnesses: [AUTHORITY.log], witnessThreshold: 1 }],
    ["no owner", { owners: [], threshold: 1 }],
  ])("is no authority with %s", ([, change]) => {
    expect(UpgradeAuthority.safeParse({ ...AUTHORITY, ...change }).success).toBe(false);
  });
});
