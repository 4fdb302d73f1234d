/** An enclave as a process reads what prompts name over TLS of its own, and what it read is in its receipt's transcript. */

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { EXTRACTOR } from "../../../enclave/sources/extractor.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromBase64 } from "../../../protocol/base64.ts";
import { fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { Mime, PartKind, type PromptPart } from "../../../protocol/prompt-part.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { answerCall, TEXT, toWire } from "../support/calls.ts";
import { behaviourFile, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startHostileServer, type HostileServer } from "../support/hostile-server.ts";
import { PNG } from "../support/media.ts";

const png = fromBase64(PNG);
const SEES = modelFile("stand-in-1", {
  media: { types: ["image/png"], imageTokens: 1_000, documentTokens: 0 },
});
/** Milliseconds: no test of these waits for one of them, and machines stand still. */
const PATIENT = { connectMs: 20_000, firstByteMs: 20_000, stallMs: 20_000, wholeExchangeMs: 60_000 };

let model: StandInModel;
let site: HostileServer;
let enclave: EnclaveProcess;

beforeAll(async () => {
  model = await startStandInModel(new Date());
  const authority = await createThrowawayAuthority(new Date(), "Authority of a site");
  site = await startHostileServer({
    credentials: await authority.issue(["127.0.0.1", "localhost"]),
    respond: (response, { url }) => {
      if (url === "/cat.png") {
        response.end(png);
      } else if (url === "/news") {
        response
          .writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" })
          .end(gzipSync("<p>The bridge<script>x()</script><p>is open"));
      } else if (url === "/large.png") {
        response.end(new Uint8Array(2 * 1024 * 1024 + 1));
      } else {
        response.writeHead(302, { location: "/cat.png" }).end();
      }
    },
  });
  const file = behaviourFile(model);
  const standIn = { ...file.providers["stand-in"]!, models: { "stand-in-1": SEES } };
  enclave = await startEnclaveProcess({
    behaviour: {
      ...file,
      limits: { ...file.limits, ...PATIENT, responseBytes: 4 * 1024 * 1024 },
      certificateAuthorities: [model.certificateAuthority, authority.certificate],
      providers: { "stand-in": standIn },
      sources: {
        hosts: "public",
        addresses: "any-for-testing",
        headers: { accept: "image/*" },
        pages: { extractor: EXTRACTOR },
      },
    },
    operator: operatorFile(),
  });
});
afterAll(async () => {
  await enclave.stop();
  await site.stop();
  await model.stop();
});

interface Answered {
  readonly signed: SignedAnswer;
  readonly events: readonly TranscriptEvent[];
}

async function ask(path: string): Promise<Answered> {
  const uri = `https://127.0.0.1:${site.port}/${path}`;
  return await askWith({ kind: PartKind.image, mime: Mime.png, hash: keccak(png), uri });
}

async function askWith(part: PromptPart): Promise<Answered> {
  const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
  const call = answerCall({ format: TEXT, parts: [part] }, { deadline });
  const reply = await enclave.call("POST", "/v1/answers", toWire(call));
  expect(reply).toMatchObject({ status: 200 });
  const signed = z.decode(SignedAnswer, reply.json as z.input<typeof SignedAnswer>);
  return { signed, events: signed.transcript.flatMap((leaf) => understoodEvent(leaf) ?? []) };
}

describe("an enclave that reads what prompts name", () => {
  test("shows the model an image, and says in the transcript which server it came from", async () => {
    const { signed, events } = await ask("cat.png");
    expect(signed.answer.status).toBe(AnswerStatus.ok);
    expect(fromUtf8(fromHex(signed.output))).toContain("(with 1 file)");
    expect(events[2]).toMatchObject({
      type: "response.received",
      requestedModel: null,
      transport: { kind: "tls", host: "127.0.0.1", port: site.port },
    });
    expect(events[3]).toMatchObject({ type: "source.read", exchange: 0, contentBytes: png.length });
    expect(site.received[0]).toMatch(/^GET \/cat\.png .*"accept":"image\/\*"/);
    expect(site.received[0]).not.toMatch(/cookie|authorization/i);
  });

  test("reads a page in a thread of its own, and shows the model its text", async () => {
    const { signed, events } = await askWith({
      kind: PartKind.page,
      url: `https://127.0.0.1:${site.port}/news`,
    });
    expect(signed.answer.status).toBe(AnswerStatus.ok);
    expect(fromUtf8(fromHex(signed.output))).toContain("Between the two lines of");
    const read = events[3];
    expect(read).toMatchObject({
      type: "source.read",
      kind: "page",
      page: { encoding: "gzip", isWhole: true },
    });
    const hash = read?.type === "source.read" ? read.contentHash : "0x";
    expect(fromUtf8(fromHex(signed.bodies[hash]!))).toBe("The bridge\nis open");
  });

  test.for([
    ["large.png", "larger than allowed"],
    ["moved.png", "HTTP 302"],
  ] as const)("asks no model where %s comes", async ([path, reason]) => {
    const { signed, events } = await ask(path);
    expect(signed.answer.status).toBe(AnswerStatus.upstreamFailed);
    expect(events.at(-1)).toMatchObject({ reason: expect.stringContaining(reason) as string });
    expect(events.filter(({ type }) => type === "request.forwarded")).toHaveLength(1);
  });
});
