/** Changed proofs of accounts, of words and of receipts: none is taken, nor says anything else. `npm run fuzz:agents`. */

import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { verifyBlock, type BlockHeader } from "../../runtime/evm/block-header.ts";
import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import { verifyAccount, verifySlot } from "../../runtime/evm/proven-state.ts";
import { verifyLogs, type ShownReceipt } from "../../runtime/evm/receipts.ts";
import { createProvenWorld } from "./proven-world.ts";
import { createRandom } from "./random.ts";

type Random = (below: number) => number;
type Nodes = readonly Hex[];

interface Subject {
  readonly name: string;
  readonly verifyChanged: (random: Random) => void;
}

function bitFlipped(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length);
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random(8)));
}

/** One bit, one byte less or more, a node that is missing, there twice, or in another's place. */
function changed(nodes: Nodes, random: Random): Nodes {
  const at = random(nodes.length);
  const node = fromHex(nodes[at] ?? "0x");
  switch (random(6)) {
    case 0:
      return nodes.toSpliced(at, 1, toHex(node.subarray(0, node.length - 1)));
    case 1:
      return nodes.toSpliced(at, 1, toHex(Uint8Array.of(...node, random(256))));
    case 2:
      return nodes.toSpliced(at, 1);
    case 3:
      return nodes.toSpliced(at, 0, nodes[at] ?? "0x");
    default:
      return nodes.toSpliced(at, 1, toHex(bitFlipped(node, random)));
  }
}

/** A digit of anything that a server says of its receipts. */
function changedReceipts(receipts: readonly ShownReceipt[], random: Random): readonly ShownReceipt[] {
  if (random(8) === 0) return receipts.toSpliced(random(receipts.length), 1);
  const text = JSON.stringify(receipts);
  const values = [...text.matchAll(/"0x([0-9a-f]+)"/g)];
  const value = values[random(values.length)];
  const digits = value?.[1] ?? "";
  const at = (value?.index ?? 0) + 3 + random(digits.length);
  const digit = (parseInt(text[at] ?? "0", 16) + 1 + random(15)) % 16;
  return JSON.parse(
    `${text.slice(0, at)}${digit.toString(16)}${text.slice(at + 1)}`,
  ) as readonly ShownReceipt[];
}

async function createSubjects(): Promise<readonly Subject[]> {
  const world = await createProvenWorld({ number: 9n, timestamp: 1_700_000_000n });
  const { contract, nobody, slots, emptySlot, receipts } = world;
  const header: BlockHeader = verifyBlock(world.block);
  const [slot = emptySlot] = slots.keys();
  const shown = await world.proofOf(contract, [slot, emptySlot]);
  const absent = await world.proofOf(nobody, []);
  const { storageRoot } = verifyAccount(header.stateRoot, contract, shown.accountProof);
  const account = (of: Hex, nodes: Nodes) => (random: Random) => {
    verifyAccount(header.stateRoot, of, changed(nodes, random));
  };
  const word = (of: Hex, nodes: Nodes) => (random: Random) => {
    verifySlot(storageRoot, of, changed(nodes, random));
  };
  return [
    { name: "an account", verifyChanged: account(contract, shown.accountProof) },
    { name: "an account that is not there", verifyChanged: account(nobody, absent.accountProof) },
    { name: "a word", verifyChanged: word(slot, shown.storageProof[0]?.proof ?? []) },
    { name: "a word that is not there", verifyChanged: word(emptySlot, shown.storageProof[1]?.proof ?? []) },
    {
      name: "receipts",
      verifyChanged: (random) => {
        verifyLogs(header, changedReceipts(receipts, random), { address: contract, topics: [] });
      },
    },
  ];
}

export interface ProofReport {
  readonly changes: Readonly<Record<string, number>>;
  /** Changed, and taken; or refused by an error that is no refusal. */
  readonly findings: readonly string[];
}

export async function mutateProofs(count: number, seed: number): Promise<ProofReport> {
  const next = createRandom(seed);
  const random: Random = (below) => Math.floor(next() * below);
  const subjects = await createSubjects();
  const changes: Record<string, number> = {};
  const findings: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { name, verifyChanged } = subjects[random(subjects.length)] ?? {
      name: "",
      verifyChanged: () => undefined,
    };
    changes[name] = (changes[name] ?? 0) + 1;
    try {
      verifyChanged(random);
      findings.push(`${name} (change ${index}) is taken`);
    } catch (error) {
      if (!(error instanceof ProofRefused)) findings.push(`${name} (change ${index}): ${String(error)}`);
    }
  }
  return { changes, findings };
}
