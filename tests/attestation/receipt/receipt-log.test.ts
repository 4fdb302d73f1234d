import { ed25519 } from "@noble/curves/ed25519.js";
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
  type VerifiedCheckpoint,
} from "../../../attestation/receipt/receipt-log.ts";
import { answerDigest } from "../../../protocol/answer.ts";
import { toBase64 } from "../../../protocol/base64.ts";
import { concatBytes, fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { keysetId } from "../../../protocol/keyset.ts";
import {
  encodeCheckpointText,
  encodeInclusionProof,
  logOrigin,
  noteKeyId,
  signCheckpoint,
} from "../../../protocol/receipt-log.ts";
import { parseReceipt } from "../../../protocol/receipt.ts";
import { codeOf } from "../../support/code-of.ts";
import { createSampleLog, fillerStatement, SAMPLE_LOG_KEY } from "../../support/sample-log.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

const sample = parseReceipt(await createSampleReceipt({ where: "on chain" }));
const { keyset, answer } = sample;
const log = createSampleLog(keyset);
const id = keysetId(keyset);
const receipt = { domain: sample.domain, answer, keyset };
/** Place of the receipt's statement, and how many there are at the end. */
const PLACE = 11;
const SIZE = 21;

for (let index = 0; index < SIZE; index++) {
  const filler = fillerStatement(index);
  if (index === PLACE) log.append(answer.requestId, answerDigest(sample.domain, answer));
  else log.append(filler.requestId, filler.digest);
}
const text = (bytes: string): Uint8Array<ArrayBuffer> => toUtf8(bytes);
const head = (size: number): VerifiedCheckpoint => verifyCheckpoint(text(log.checkpoint(size)), keyset);
const origin = logOrigin(id);
const signedText = (body: string, key = SAMPLE_LOG_KEY, name = origin): string => {
  const signature = ed25519.sign(toUtf8(body), key.privateKey);
  return `${body}\n— ${name} ${toBase64(concatBytes(noteKeyId(name, key.publicKey), signature))}\n`;
};

describe("a checkpoint", () => {
  const note = log.checkpoint();

  test("is a C2SP signed note of the keyset's log key", () => {
    expect(head(SIZE)).toMatchObject({ origin, size: SIZE });
    const [, keyLine = ""] = note.split("\n\n");
    const signature = Buffer.from(keyLine.split(" ")[2] ?? "", "base64");
    const key = createPublicKey({
      format: "jwk",
      key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(SAMPLE_LOG_KEY.publicKey).toString("base64url") },
    });
    const body = note.slice(0, note.indexOf("\n\n") + 1);
    expect(verify(null, toUtf8(body), key, signature.subarray(4))).toBe(true);
  });

  test("has the key id that the specification's own example has", () => {
    // c2sp.org/signed-note: the key of golang.org/x/mod's example note.
    const key = Buffer.from("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "base64").subarray(1);
    expect(toHex(noteKeyId("PeterNeumann", key))).toBe("0xc74f20a3");
  });

  test("may have signatures of witnesses below", () => {
    const witness = `— witness.example/w1 ${toBase64(new Uint8Array(80))}\n`;
    expect(verifyCheckpoint(text(note + witness), keyset).size).toBe(SIZE);
  });

  test("is refused when a bit of any byte changes", () => {
    const bytes = text(note);
    for (let at = 0; at < bytes.length; at++) {
      const changed = new Uint8Array(bytes);
      changed[at]! ^= 1 << (at % 8);
      expect(
        codeOf(() => verifyCheckpoint(changed, keyset)),
        `byte ${at}`,
      ).toMatch(/^EVIDENCE_/);
    }
  });

  const root = toBase64(new Uint8Array(32));
  const many = `— a.example/w ${toBase64(new Uint8Array(68))}\n`.repeat(65);
  test.for<[string, string, string]>([
    ["no note", "EVIDENCE_MALFORMED", "x"],
    ["no signature", "EVIDENCE_SIGNATURE_INVALID", note.split("— ")[0] ?? ""],
    ["two lines", "EVIDENCE_MALFORMED", signedText(`${origin}\n7\n`)],
    ["an extension line", "EVIDENCE_MALFORMED", signedText(`${origin}\n7\n${root}\nmore\n`)],
    ["a size with a zero before it", "EVIDENCE_MALFORMED", signedText(`${origin}\n07\n${root}\n`)],
    ["a size beyond numbers", "EVIDENCE_MALFORMED", signedText(`${origin}\n9999999999999999\n${root}\n`)],
    [
      "a root of 31 bytes",
      "EVIDENCE_MALFORMED",
      signedText(`${origin}\n7\n${toBase64(new Uint8Array(31))}\n`),
    ],
    ["a root that is no base64", "EVIDENCE_MALFORMED", signedText(`${origin}\n7\n*\n`)],
    [
      "a root with a stray bit in its last character",
      "EVIDENCE_MALFORMED",
      signedText(`${origin}\n7\n${toBase64(new Uint8Array(32)).replace(/.=$/, "B=")}\n`),
    ],
    ["the origin of another log", "EVIDENCE_BINDING_MISMATCH", signedText(`example.com/log\n7\n${root}\n`)],
    [
      "another key under the log's name",
      "EVIDENCE_SIGNATURE_INVALID",
      signedText(`${origin}\n7\n${root}\n`, withKey(1)),
    ],
    [
      "the log's key under another name",
      "EVIDENCE_SIGNATURE_INVALID",
      signedText(`${origin}\n7\n${root}\n`, SAMPLE_LOG_KEY, "example.com/log"),
    ],
    [
      "a second signature of the log's that is wrong",
      "EVIDENCE_SIGNATURE_INVALID",
      note +
        signedText(encodeCheckpointText(origin, { size: 1, root: new Uint8Array(32) })).split("\n\n")[1]!,
    ],
    [
      "a signature of 63 bytes",
      "EVIDENCE_SIGNATURE_INVALID",
      `${note.split("— ")[0] ?? ""}— ${origin} ${toBase64(
        concatBytes(noteKeyId(origin, SAMPLE_LOG_KEY.publicKey), new Uint8Array(63)),
      )}\n`,
    ],
    ["a line that is no signature", "EVIDENCE_MALFORMED", `${note}signed\n`],
    ["an end inside a line", "EVIDENCE_MALFORMED", note.slice(0, -1)],
    ["more signatures than are read", "EVIDENCE_MALFORMED", note + many],
    ["a file beyond any note", "EVIDENCE_MALFORMED", note + "x".repeat(131_072)],
  ])("is refused: %s", ([, code, file]) => {
    expect(codeOf(() => verifyCheckpoint(text(file), keyset))).toBe(code);
  });

  test("is refused: bytes that are no text", () => {
    expect(codeOf(() => verifyCheckpoint(Uint8Array.of(0xff), keyset))).toBe("EVIDENCE_MALFORMED");
  });
});

function withKey(seed: number): typeof SAMPLE_LOG_KEY {
  const privateKey = new Uint8Array(32).fill(seed);
  return { privateKey, publicKey: ed25519.getPublicKey(privateKey) };
}

describe("a proof of inclusion", () => {
  const proof = log.inclusion(answer.requestId);

  test("shows the receipt's statement at its place, for who has the receipt", () => {
    const { index, checkpoint, check } = verifyInclusion(text(proof), receipt);
    expect([index, checkpoint.size]).toEqual([PLACE, SIZE]);
    expect(check).toMatchObject({ name: "log", ok: true });
    expect(proof.startsWith("c2sp.org/tlog-proof@v1\nindex 11\n")).toBe(true);
  });

  test("is refused when a bit of any byte changes", () => {
    const bytes = text(proof);
    for (let at = 0; at < bytes.length; at++) {
      const changed = new Uint8Array(bytes);
      changed[at]! ^= 1 << (at % 8);
      expect(
        codeOf(() => verifyInclusion(changed, receipt)),
        `byte ${at}`,
      ).toMatch(/^EVIDENCE_/);
    }
  });

  test.for([
    ["another status", { ...answer, status: 2 }],
    ["another output", { ...answer, outputHash: answer.transcriptRoot }],
    ["a second later", { ...answer, answeredAt: answer.answeredAt + 1n }],
  ] as const)("shows nothing of a statement with %s", ([, other]) => {
    expect(codeOf(() => verifyInclusion(text(proof), { ...receipt, answer: other }))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });

  const tail = log.checkpoint();
  const hash = toBase64(new Uint8Array(32));
  test.for<[string, string]>([
    ["another header", proof.replace("@v1", "@v2")],
    ["no index", proof.replace("index 11\n", "")],
    ["an index that is no number", proof.replace("index 11", "index x")],
    ["only a header", `c2sp.org/tlog-proof@v1\n\n${tail}`],
    ["nothing before the checkpoint", tail],
    ["one line", "x"],
    ["more hashes than a tree is high", proof.replace("index 11\n", `index 11\n${`${hash}\n`.repeat(64)}`)],
  ])("is refused: %s", ([, file]) => {
    expect(codeOf(() => verifyInclusion(text(file), receipt))).toBe("EVIDENCE_MALFORMED");
  });

  test("in a checkpoint of another keyset's log is refused", () => {
    const other = { ...keyset, payee: keyset.answerKey };
    const note = signCheckpoint(keysetId(other), { size: 1, root: new Uint8Array(32) }, SAMPLE_LOG_KEY);
    expect(codeOf(() => verifyInclusion(text(encodeInclusionProof(0, [], note)), receipt))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });
});

describe("a proof of consistency", () => {
  test("shows that the log went on from each of its sizes", () => {
    for (let size = 0; size <= SIZE; size++) {
      const newer = verifyConsistency(head(size), text(log.consistency(size)), keyset);
      expect(newer.size).toBe(SIZE);
    }
    const between = verifyConsistency(head(5), text(log.consistency(5, 13)), keyset);
    expect(between.size).toBe(13);
  });

  test("catches a fork: the same key, signing a log in which one statement was exchanged", () => {
    const forked = createSampleLog(keyset);
    for (let index = 0; index < SIZE + 4; index++) {
      const { requestId, digest } = fillerStatement(index);
      forked.append(requestId, digest);
    }
    // Up to the exchanged statement the two logs are one.
    expect(verifyConsistency(head(PLACE), text(forked.consistency(PLACE)), keyset).size).toBe(SIZE + 4);
    for (let size = PLACE + 1; size <= SIZE; size++) {
      expect(codeOf(() => verifyConsistency(head(size), text(forked.consistency(size)), keyset))).toBe(
        "EVIDENCE_BINDING_MISMATCH",
      );
    }
  });

  test("catches a rollback: a head that is older than the one already seen", () => {
    expect(codeOf(() => verifyConsistency(head(SIZE), text(log.consistency(9, 9)), keyset))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });

  test("from another size, or of another log, is refused", () => {
    const file = text(log.consistency(8));
    expect(codeOf(() => verifyConsistency(head(7), file, keyset))).toBe("EVIDENCE_BINDING_MISMATCH");
    const elsewhere = { ...head(8), origin: "example.com/log" };
    expect(codeOf(() => verifyConsistency(elsewhere, file, keyset))).toBe("EVIDENCE_BINDING_MISMATCH");
  });

  test.for([
    ["no size", log.consistency(8).replace("old 8\n", "")],
    ["a size that is no number", log.consistency(8).replace("old 8", "old x")],
    ["no proof", log.checkpoint()],
  ] as const)("is refused: %s", ([, file]) => {
    expect(codeOf(() => verifyConsistency(head(8), text(file), keyset))).toBe("EVIDENCE_MALFORMED");
  });
});

test("the log knows nothing of a statement that was not made, and no hash of it tells an answer", () => {
  expect(codeOf(() => log.inclusion(`0x${"ab".repeat(32)}`))).toBe("INPUT_NOT_FOUND");
  const digest = fromHex(answerDigest(sample.domain, answer));
  expect(log.inclusion(answer.requestId)).not.toContain(toBase64(digest));
});
