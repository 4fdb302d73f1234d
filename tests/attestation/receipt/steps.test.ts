/** What a signed receipt can still get wrong: each step alone, given a receipt whose other parts do not matter. */

import { describe, expect, test } from "vitest";
import { checkOutput, checkPayload, checkStateBlock } from "../../../attestation/receipt/commitments.ts";
import { checkBinding, checkSignature } from "../../../attestation/receipt/identity.ts";
import {
  checkBodies,
  checkEvidenceHash,
  checkTranscriptEvents,
} from "../../../attestation/receipt/transcript.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { parseReceipt, type Receipt } from "../../../protocol/receipt.ts";
import { NO_STATE_BLOCK } from "../../../protocol/state-block.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { codeOf } from "../../support/code-of.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

const onChain = parseReceipt(await createSampleReceipt({ where: "on chain" }));
const offChain = parseReceipt(await createSampleReceipt({ where: "off chain" }));
const change = (receipt: Receipt, fields: object): Receipt => ({ ...receipt, ...fields });
const withAnswer = (receipt: Receipt, fields: object): Receipt =>
  change(receipt, { answer: { ...receipt.answer, ...fields } });
const codeOfStep = (step: (receipt: Receipt) => unknown, receipt: Receipt): string =>
  codeOf(() => step(receipt));
const withheld = { leafHash: `0x${"00".repeat(32)}` };

describe("a receipt's output", () => {
  test("of an answer that is not ok is empty", () => {
    const refused = withAnswer(onChain, { status: AnswerStatus.refused });
    expect(codeOfStep(checkOutput, refused)).toMatch(/^EVIDENCE_/);
    const empty = withAnswer(change(onChain, { output: "0x" }), {
      status: AnswerStatus.refused,
      outputHash: keccak(new Uint8Array()),
    });
    expect(codeOfStep(checkOutput, empty)).toBe("nothing thrown");
    expect(
      checkOutput(withAnswer(empty, { status: 0, outputHash: empty.answer.outputHash }) as never).detail,
    ).toContain("unset");
  });
});

describe("a receipt's state block", () => {
  const block = onChain.stateBlock!;

  test("is the one that the answer signs, and is shown with its number on the host's word", () => {
    const { detail } = checkStateBlock(onChain);
    expect(detail).toContain(block.hash);
    expect(detail).toContain("number 123, on the host's word");
    const other = { number: 123n, hash: keccak(new Uint8Array()) };
    expect(codeOfStep(checkStateBlock, change(onChain, { stateBlock: other }))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });

  test("is none off chain, where the answer signs zero", () => {
    expect(checkStateBlock(offChain).detail).toContain("bound to no block");
    const bound = withAnswer(offChain, { stateBlockHash: block.hash });
    expect(codeOfStep(checkStateBlock, bound)).toBe("EVIDENCE_BINDING_MISMATCH");
    const unbound = withAnswer(onChain, { stateBlockHash: NO_STATE_BLOCK });
    expect(codeOfStep(checkStateBlock, unbound)).toBe("EVIDENCE_BINDING_MISMATCH");
  });

  test.for([
    ["another number", { stateBlock: { number: "124", hash: block.hash } }],
    ["another hash", { stateBlock: { number: "123", hash: NO_STATE_BLOCK } }],
    ["no block", { stateBlock: null }],
    ["another context", { context: NO_STATE_BLOCK }],
  ] as const)("and the request's context are those of the first event: refuses %s", ([, fields]) => {
    const [first, ...others] = onChain.transcript;
    const event = { ...(first as { event: object }).event, ...fields };
    const transcript = [{ ...first, event }, ...others];
    expect(codeOfStep(checkTranscriptEvents, change(onChain, { transcript }))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });
});

describe("an off-chain receipt's payload", () => {
  test("is named by its first event, which must be disclosed", () => {
    expect(codeOfStep(checkPayload, offChain)).toBe("nothing thrown");
    for (const transcript of [[], [withheld, ...offChain.transcript.slice(1)], offChain.transcript.slice(1)])
      expect(codeOfStep(checkPayload, change(offChain, { transcript }))).toMatch(/^EVIDENCE_/);
  });
});

describe("a receipt's transcript", () => {
  const events = (transcript: readonly unknown[]): Receipt => change(onChain, { transcript });
  const [received, ...rest] = onChain.transcript;
  const returned = rest.at(-1)!;
  const between = rest.slice(0, -1);

  test("begins with the request and ends with the output, each once", () => {
    expect(codeOfStep(checkTranscriptEvents, events([received, received, ...rest]))).toMatch(/^EVIDENCE_/);
    expect(codeOfStep(checkTranscriptEvents, events([received, returned, ...rest]))).toMatch(/^EVIDENCE_/);
  });

  test("has a request before each response, unless events are withheld", () => {
    const isRequest = (entry: unknown) =>
      (entry as { event?: { type: string } }).event?.type === "request.forwarded";
    const orphans = between.filter((entry) => !isRequest(entry));
    expect(codeOfStep(checkTranscriptEvents, events([received, ...orphans, returned]))).toMatch(/^EVIDENCE_/);
    expect(codeOfStep(checkTranscriptEvents, events([received, withheld, ...orphans, returned]))).toBe(
      "nothing thrown",
    );
  });

  test("of an ok answer has a response of a model that succeeded: what was read for it is none", () => {
    expect(codeOfStep(checkTranscriptEvents, events([received, returned]))).toMatch(/^EVIDENCE_/);
    const read = exchanged("https://api.openai.com/page", { requestedModel: null });
    expect(codeOfStep(checkTranscriptEvents, events([received, ...read, returned]))).toMatch(/^EVIDENCE_/);
    const asked = exchanged("https://api.openai.com/page", {});
    expect(codeOfStep(checkTranscriptEvents, events([received, ...asked, returned]))).toBe("nothing thrown");
  });

  /** The same exchanges with another URL, and something else about their responses. */
  const exchanged = (url: string, response: object): readonly unknown[] =>
    between.map((entry) => {
      const { event } = entry as { event?: { type: string } };
      if (event?.type === "request.forwarded") return { ...entry, event: { ...event, url } };
      return event?.type === "response.received" ? { ...entry, event: { ...event, ...response } } : entry;
    });

  test.for([
    ["the host that was asked, in another case", "https://API.openai.com/v1", null, "nothing thrown"],
    ["another host", "https://api.example.org/v1", null, "EVIDENCE_BINDING_MISMATCH"],
    [
      "a host whose name only begins so",
      "https://api.openai.com.example.org/v1",
      null,
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["TLS, though plain HTTP was asked", "http://api.openai.com/v1", null, "EVIDENCE_BINDING_MISMATCH"],
    ["no URL", "api.openai.com", null, "EVIDENCE_BINDING_MISMATCH"],
    ["this machine", "http://127.0.0.1:1/v1", "127.0.0.1", "nothing thrown"],
    ["this machine by its other address", "http://[::1]:1/v1", "::1", "nothing thrown"],
    [
      "this machine, though another was asked",
      "https://api.openai.com/v1",
      "127.0.0.1",
      "EVIDENCE_BINDING_MISMATCH",
    ],
  ] as const)("judges an answer from %s", ([, url, address, code]) => {
    const response = address === null ? {} : { transport: { kind: "plain-loopback", address } };
    const transcript = events([received, ...exchanged(url, response), returned]);
    expect(codeOfStep(checkTranscriptEvents, transcript)).toBe(code);
  });

  test("may tell of failed exchanges and of plain HTTP inside the machine", () => {
    const failed = {
      salt: "0x",
      event: { type: "exchange.failed", exchange: 9, code: "MODEL_TIMEOUT", transport: null },
    };
    const forwarded = { salt: "0x", event: { type: "request.forwarded", exchange: 9 } };
    const transport = { kind: "plain-loopback", address: "127.0.0.1" };
    const plain = exchanged("http://127.0.0.1:1/v1", { returnedModel: null, transport });
    const { detail } = checkTranscriptEvents(events([received, forwarded, failed, ...plain, returned]));
    expect(detail).toContain("exchange 9 failed");
    expect(detail).toContain("unnamed model from plain HTTP");
  });

  test("keeps events of a type that it does not know, and shows them as not understood", () => {
    const unknown = { salt: withheld.leafHash, event: { type: "tool.called", tool: "search" } };
    const { detail } = checkTranscriptEvents(events([received, unknown, ...between, returned]));
    expect(detail).toContain('"tool.called": not understood');
    // An answer may rest on what is not understood; its ends may not.
    expect(codeOfStep(checkTranscriptEvents, events([received, unknown, returned]))).toBe("nothing thrown");
    expect(codeOfStep(checkTranscriptEvents, events([unknown, ...between, returned]))).toMatch(/^EVIDENCE_/);
    expect(codeOfStep(checkTranscriptEvents, events([received, ...between, unknown]))).toMatch(/^EVIDENCE_/);
  });

  test("names the text of a page that was read, which is then among the bodies", () => {
    const text = toHex(sha256(toUtf8("news")));
    const event = {
      type: "source.read",
      part: 0,
      kind: "page",
      exchange: 0,
      mediaType: "text/html",
      contentHash: text,
      contentBytes: 4,
      page: { encoding: "identity", decodedBytes: 90, extractor: "any", isWhole: true },
    };
    const read = { salt: `0x${"00".repeat(32)}`, event };
    const bodies = { [text]: toHex(toUtf8("news")) };
    const receipt = change(events([received, read, ...between, returned]), { bodies });
    expect(codeOfStep(checkBodies, receipt)).toBe("nothing thrown");
    expect(codeOfStep(checkBodies, change(onChain, { bodies }))).toMatch(/^EVIDENCE_/);
  });

  test("names the key that a model's server was attested for, which is that of the connection", () => {
    const spkiHash = toHex(sha256(toUtf8("the server's key")));
    const document = toHex(sha256(toUtf8("evidence")));
    const attested = {
      type: "upstream.attested",
      exchange: 0,
      form: "near",
      kind: "tdx",
      evidenceHash: document,
      evidenceBytes: 8,
      policyDigest: document,
      spkiHash,
      nonce: null,
      judgedAt: 1,
      covers: ["channel", "code"],
    };
    const tls = {
      kind: "tls",
      host: "api.example.com",
      port: 443,
      protocol: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      group: null,
      certificateHashes: [],
      subjectAltNames: [],
      exporter: null,
      scts: [],
    };
    const salt = `0x${"00".repeat(32)}`;
    const exchange = (key: string): unknown[] => [
      {
        salt,
        event: {
          type: "request.forwarded",
          exchange: 0,
          model: "a/m",
          url: "https://api.example.com/v1",
          method: "POST",
          bodyHash: document,
          bodyBytes: 8,
        },
      },
      { salt, event: attested },
      {
        salt,
        event: {
          type: "response.received",
          exchange: 0,
          status: 200,
          bodyHash: document,
          bodyBytes: 8,
          requestedModel: "m",
          returnedModel: null,
          responseId: null,
          usage: null,
          transport: { ...tls, spkiHash: key },
        },
      },
    ];
    const right = events([received, ...exchange(spkiHash), returned]);
    expect(checkTranscriptEvents(right).detail).toContain("tdx, covers channel, code");
    expect(codeOfStep(checkTranscriptEvents, events([received, ...exchange(document), returned]))).toMatch(
      /^EVIDENCE_/,
    );
    const bodies = { [document]: toHex(toUtf8("evidence")) };
    expect(codeOfStep(checkBodies, change(right, { bodies }))).toBe("nothing thrown");
  });

  test("of an answer that is not ok may have no exchange", () => {
    const failed = withAnswer(events([withheld, withheld]), { status: AnswerStatus.upstreamFailed });
    expect(checkTranscriptEvents(failed).detail).toBe("no exchange with a model");
  });

  test("names the evidence, unless that event is withheld", () => {
    expect(codeOfStep(checkEvidenceHash, onChain)).toBe("nothing thrown");
    expect(checkEvidenceHash(events([withheld])).detail).toContain("withheld");
  });
});

describe("a receipt's signer", () => {
  test("is recovered, or the signature is none", () => {
    const broken = change(onChain, { signature: `0x${"00".repeat(65)}` });
    expect(codeOfStep(checkSignature, broken)).toBe("EVIDENCE_SIGNATURE_INVALID");
  });

  test("is bound by report data that is all of the claims' hash", () => {
    expect(codeOf(() => checkBinding(onChain, `0x${"00".repeat(64)}`))).toMatch(/^EVIDENCE_/);
    expect(codeOf(() => checkBinding(onChain, null))).toMatch(/^EVIDENCE_/);
  });

  test("is bound by claims that can be read", () => {
    const evidence = { ...onChain.evidence, claims: "0xa0" };
    expect(codeOf(() => checkBinding(change(onChain, { evidence }), null))).toBe("EVIDENCE_MALFORMED");
  });
});
