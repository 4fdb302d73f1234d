/** A log of upgrades with its owners, its keeper and its witnesses: what an authority looks like, and everything that it can sign. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { addressOfPublicKey, signDigest } from "../../protocol/answer.ts";
import { toBase64 } from "../../protocol/base64.ts";
import { concatBytes, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { leafHash, merkleRoot } from "../../protocol/merkle-tree.ts";
import { COSIGNATURE, encodeCheckpointText, noteKeyId } from "../../protocol/receipt-log.ts";
import {
  encodeSignedUpgrade,
  upgradeDigest,
  type Upgrade,
  type UpgradeAuthority,
} from "../../protocol/upgrade.ts";
import { formatVerifierKey } from "../../protocol/verifier-key.ts";

const LOG_NAME = "owners.example/upgrades";
const LOG_KEY = new Uint8Array(32).fill(1);
const ownerKey = (owner: number): Uint8Array => new Uint8Array(32).fill(0x20 + owner);
const witnessKey = (witness: number): Uint8Array => new Uint8Array(32).fill(0x40 + witness);
const witnessName = (witness: number): string => `witness${witness}.example`;

/** Seconds. */
export const TIMELOCK = 7 * 86_400;

const three = [0, 1, 2] as const;

/** Two of three owners, two of three witnesses. */
export const AUTHORITY: UpgradeAuthority = {
  owners: three.map((owner) => addressOfPublicKey(secp256k1.getPublicKey(ownerKey(owner), false))),
  threshold: 2,
  timelock: TIMELOCK,
  log: formatVerifierKey({ name: LOG_NAME, publicKey: ed25519.getPublicKey(LOG_KEY) }),
  witnesses: three.map((witness) =>
    formatVerifierKey(
      { name: witnessName(witness), publicKey: ed25519.getPublicKey(witnessKey(witness)) },
      "witness",
    ),
  ),
  witnessThreshold: 2,
};

export function signUpgrade(upgrade: Upgrade, owners: readonly number[]): string {
  const signatures: Hex[] = owners.map((owner) => signDigest(upgradeDigest(upgrade), ownerKey(owner)));
  return encodeSignedUpgrade({ upgrade, signatures });
}

export interface Cosigned {
  readonly witnesses: readonly number[];
  /** Seconds. */
  readonly at: number;
}

/** A head of these entries, signed by the log's keeper and cosigned by witnesses. */
export function signHead(
  entries: readonly string[],
  { witnesses, at }: Cosigned,
  key: { readonly name?: string; readonly log?: Uint8Array } = {},
): string {
  const { name = LOG_NAME, log = LOG_KEY } = key;
  const leaves = entries.map((entry) => leafHash(toUtf8(entry)));
  const text = encodeCheckpointText(name, { size: entries.length, root: merkleRoot(leaves) });
  const id = noteKeyId(name, ed25519.getPublicKey(log));
  const signature = toBase64(concatBytes(id, ed25519.sign(toUtf8(text), log)));
  const lines = witnesses.map((witness) => cosign(text, witness, at));
  return `${text}\n— ${name} ${signature}\n${lines.join("")}`;
}

/** c2sp.org/tlog-cosignature. */
function cosign(text: string, witness: number, at: number): string {
  const key = witnessKey(witness);
  const name = witnessName(witness);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(at));
  const signature = ed25519.sign(toUtf8(`cosignature/v1\ntime ${at}\n${text}`), key);
  const id = noteKeyId(name, ed25519.getPublicKey(key), COSIGNATURE);
  return `— ${name} ${toBase64(concatBytes(id, time, signature))}\n`;
}
