import { describe, expect, test } from "vitest";
import { parseCcel } from "../../attestation/eventlog/ccel.ts";
import { sha384 } from "../../image/digest.ts";
import { gptEventDigest } from "../../image/gpt.ts";
import { HAS_IMAGE_VECTORS, vector, WITHOUT_IMAGE_VECTORS } from "./support/vectors.ts";

if (!HAS_IMAGE_VECTORS) process.stderr.write(`${WITHOUT_IMAGE_VECTORS}\n`);

const SECTOR = 512;

/** A disk's start whose table has `header` and these entries, each in a slot that `slots` names. */
function disk(
  header: Uint8Array,
  entries: readonly Uint8Array[],
  slots = entries.map((_, index) => index),
): Buffer {
  const bytes = Buffer.alloc(1024 * 1024);
  bytes.set(header, SECTOR);
  const first = Number(bytes.readBigUInt64LE(SECTOR + 72)) * SECTOR;
  entries.forEach((entry, index) => {
    bytes.set(entry, first + (slots[index] ?? 0) * 128);
  });
  return bytes;
}

function header(): Buffer {
  const bytes = Buffer.alloc(92);
  bytes.write("EFI PART", "latin1");
  bytes.writeUInt32LE(92, 12);
  bytes.writeBigUInt64LE(2n, 72);
  bytes.writeUInt32LE(128, 80);
  bytes.writeUInt32LE(128, 84);
  return bytes;
}

const EV_EFI_GPT_EVENT = 0x8000_0006;

test.skipIf(!HAS_IMAGE_VECTORS)(
  "is the digest in the log of a TD at Google, for the table that the event holds",
  () => {
    const event = parseCcel(vector("eventlog/go-tdx-guest_ccel_data.dat")).find(
      ({ type }) => type === EV_EFI_GPT_EVENT,
    )!;
    const data = Buffer.from(event.data);
    const entries = Array.from({ length: Number(data.readBigUInt64LE(92)) }, (_, index) =>
      data.subarray(100 + index * 128, 228 + index * 128),
    );
    expect(entries).toHaveLength(12);
    expect(gptEventDigest(disk(data.subarray(0, 92), entries))).toEqual(new Uint8Array(event.digest));
  },
);

describe("the digest of a partition table", () => {
  const entries = [Buffer.alloc(128, 1), Buffer.alloc(128, 2)];

  test("has the header, how many entries are used, and these", () => {
    const count = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]);
    const expected = sha384(header(), count, ...entries);
    expect(gptEventDigest(disk(header(), entries))).toEqual(expected);
    expect(gptEventDigest(disk(header(), entries, [3, 90]))).toEqual(expected);
  });

  test("changes with every byte of an entry", () => {
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = entries;
    const changed = Buffer.from(second);
    changed[127] = 3;
    expect(gptEventDigest(disk(header(), [first, changed]))).not.toEqual(
      gptEventDigest(disk(header(), entries)),
    );
  });

  test.for<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no table", new Uint8Array(4096)],
    ["a table that is elsewhere", disk(header(), entries).subarray(0, 4096)],
  ])("is refused for %s", ([, bytes]) => {
    expect(() => gptEventDigest(bytes)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});
