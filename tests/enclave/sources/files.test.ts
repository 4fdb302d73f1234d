/** Images and documents that a prompt names by hash and URI: fetched, held to their hash, and sent in each provider's form. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { quotePrice } from "../../../enclave/answers/infer.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import { createModelCatalog, type ModelCatalog } from "../../../enclave/models/model-catalog.ts";
import { createSources } from "../../../enclave/sources/create-sources.ts";
import { MAX_FILE_BYTES } from "../../../runtime/models/media.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromBase64 } from "../../../protocol/base64.ts";
import { concatBytes, fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { Mime, PartKind, type PromptPart } from "../../../protocol/prompt-part.ts";
import { PanelRule } from "../../../protocol/prompt.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { FORMAT_NAMES } from "../../../runtime/models/formats.ts";
import { prompt, TEXT } from "../support/calls.ts";
import { behaviourFile, modelFile } from "../support/configuration.ts";
import { complete, fakeModels, says, unreachable, type Respond } from "../support/fake-models.ts";
import { askWith, fakeSite, noView, readHere, sourceSettings, type Served } from "../support/fake-site.ts";
import { DOCUMENT, PNG } from "../support/media.ts";

const PNG_URI = "https://files.example/cat.png";
const PDF_URI = "https://files.example/terms.pdf";
const png = fromBase64(PNG);
const pdf = fromBase64(DOCUMENT);
const image: PromptPart = { kind: PartKind.image, mime: Mime.png, hash: keccak(png), uri: PNG_URI };
const document: PromptPart = { kind: PartKind.document, mime: Mime.pdf, hash: keccak(pdf), uri: PDF_URI };
const FILES: Readonly<Record<string, Served>> = { [PNG_URI]: { body: png }, [PDF_URI]: { body: pdf } };
const media = {
  types: ["image/png", "application/pdf"],
  imageTokens: 1_000,
  documentTokens: 50_000,
} as const;
const SEES = { media: { ...media, types: [...media.types] } };

const ANY_AUTHORITY = "-----BEGIN CERTIFICATE-----";
const never: Respond = () => {
  throw new Error("a model was asked");
};
const sha256 = (bytes: Uint8Array): string => `0x${createHash("sha256").update(bytes).digest("hex")}`;

describe("an image and a document of a prompt", () => {
  test("are fetched first, and named in the transcript by their hashes", async () => {
    const site = fakeSite(FILES);
    const models = fakeModels({ a: () => says("A cat, and terms.") }, SEES);
    const settings = sourceSettings({ headers: { "user-agent": "adyton" } });
    const sources = { settings, exchange: site.exchange, readPage: readHere };
    const { outcome, events, bodies } = await askWith(models, sources, { parts: [image, document] });
    expect(outcome.status).toBe(AnswerStatus.ok);
    expect(site.asked).toMatchObject([
      { method: "GET", headers: { "user-agent": "adyton" }, maxResponseBytes: MAX_FILE_BYTES },
      { method: "GET", maxResponseBytes: MAX_FILE_BYTES - png.length },
    ]);
    expect(events.map(({ type }) => type)).toEqual([
      "request.received",
      "request.forwarded",
      "response.received",
      "source.read",
      "request.forwarded",
      "response.received",
      "source.read",
      "request.forwarded",
      "response.received",
      "output.returned",
    ]);
    expect(events.filter(({ type }) => type === "source.read")).toEqual([
      {
        type: "source.read",
        part: 0,
        kind: "image",
        exchange: 0,
        mediaType: "image/png",
        contentHash: sha256(png),
        contentBytes: png.length,
        page: null,
      },
      {
        type: "source.read",
        part: 1,
        kind: "document",
        exchange: 1,
        mediaType: "application/pdf",
        contentHash: sha256(pdf),
        contentBytes: pdf.length,
        page: null,
      },
    ]);
    // The model's request has the bytes; beside it they would be there twice.
    expect(Object.keys(bodies)).not.toContain(sha256(png));
  });

  test.for(FORMAT_NAMES)("are sent in the form of %s, before the words", async (format) => {
    const sent: string[] = [];
    const catalog = catalogOf(format, sent);
    await askWith(
      catalog,
      { settings: sourceSettings(), exchange: fakeSite(FILES).exchange, readPage: readHere },
      {
        parts: [image, document],
        messages: [{ role: 2, content: "What are these?" }],
      },
    );
    const body = sent.join("");
    const places = [PNG, DOCUMENT, "What are these?"].map((text) => body.indexOf(text));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

function catalogOf(format: (typeof FORMAT_NAMES)[number], sent: string[]): ModelCatalog {
  const endpoint = { url: "https://fake.example/v1", certificateAuthority: ANY_AUTHORITY };
  const file = behaviourFile(endpoint);
  const [provider] = Object.values(file.providers);
  const terms = modelFile("m", {
    ...SEES,
    sampling: { temperature: false, topP: false, seed: false, efforts: [] },
  });
  const providers = { fake: { ...provider, format, models: { a: terms } } };
  return createModelCatalog(Behaviour.parse({ ...file, providers }), () => (request) => {
    sent.push(fromUtf8(request.body));
    return Promise.resolve(complete(400, "{}"));
  });
}

describe("no model is asked, and the request ends with a reason", () => {
  const gone = {
    kind: "failed",
    error: new UpstreamError({
      code: "MODEL_RESPONSE_TRUNCATED",
      message: "the connection ended inside the body",
    }),
    transport: null,
  } as const;
  const other = concatBytes(png, new Uint8Array(1));

  test.for([
    ["there is no connection", unreachable(), AnswerStatus.upstreamFailed, /image 1 .*: no connection/],
    ["the host cuts the connection", gone, AnswerStatus.upstreamFailed, /image 1 .*: the connection ended/],
    ["the site does not have it", { body: png, status: 404 }, AnswerStatus.upstreamFailed, /HTTP 404/],
    ["the site sends it elsewhere", { body: png, status: 302 }, AnswerStatus.upstreamFailed, /HTTP 302/],
    [
      "the site says that it sends a part",
      { body: png, status: 206 },
      AnswerStatus.upstreamFailed,
      /HTTP 206/,
    ],
    [
      "its bytes are others",
      { body: other },
      AnswerStatus.invalidRequest,
      new RegExp(`${keccak(other)}.*${keccak(png)}`),
    ],
  ] as const)("where %s", async ([, served, status, reason]) => {
    const site = fakeSite({ ...FILES, [PNG_URI]: served });
    const sources = { settings: sourceSettings(), exchange: site.exchange, readPage: readHere };
    const { outcome, events } = await askWith(fakeModels({ a: never }, SEES), sources, {
      parts: [image, document],
    });
    expect(outcome).toMatchObject({ status, reason: expect.stringMatching(reason) as string });
    // Once, and nothing after it.
    expect(site.asked).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "output.returned", status, reason: outcome.reason });
    expect(events.filter(({ type }) => type === "request.forwarded")).toHaveLength(1);
  });

  test("where the bytes of that hash are of another type", async () => {
    const part: PromptPart = { ...image, hash: keccak(pdf) };
    const sources = {
      settings: sourceSettings(),
      exchange: fakeSite({ [PNG_URI]: { body: pdf } }).exchange,
      readPage: readHere,
    };
    const { outcome } = await askWith(fakeModels({ a: never }, SEES), sources, { parts: [part] });
    expect(outcome).toMatchObject({
      status: AnswerStatus.invalidRequest,
      reason: expect.stringContaining("its bytes are not image/png") as string,
    });
  });

  test("where the time for all of them is over", async () => {
    const { exchange } = fakeSite(FILES);
    const settings = sourceSettings({ seconds: 1 });
    const slow = {
      settings,
      readPage: readHere,
      exchange: async (request: Parameters<typeof exchange>[0]) => {
        await new Promise((resolve) => request.signal?.addEventListener("abort", resolve));
        return await exchange(request);
      },
    };
    const { outcome } = await askWith(fakeModels({ a: never }, SEES), slow, { parts: [image, document] });
    expect(outcome).toMatchObject({
      status: AnswerStatus.upstreamFailed,
      reason: expect.stringMatching(/^document 2 .*no time was left/) as string,
    });
  });
});

describe("nothing is fetched", () => {
  test.for([
    ["over plain HTTP", "http://files.example/cat.png", /only https/],
    ["by another scheme", "ipfs://bafy/cat.png", /only https/],
    ["that is no URL", "cat.png", /only https/],
    ["with a password", "https://user:secret@files.example/cat.png", /no credentials/],
    ["from another port", "https://files.example:8443/cat.png", /only port 443/],
    ["from this machine", "https://127.0.0.1/cat.png", /a host has a name/],
    ["from the cloud's metadata", "https://169.254.169.254/latest", /a host has a name/],
    ["from an address in another spelling", "https://0x7f000001/cat.png", /a host has a name/],
    ["from an IPv6 address", "https://[::1]/cat.png", /a host has a name/],
  ] as const)("%s", async ([, uri, reason]) => {
    const site = fakeSite({});
    const sources = { settings: sourceSettings(), exchange: site.exchange, readPage: readHere };
    const { outcome } = await askWith(fakeModels({ a: never }, SEES), sources, {
      parts: [{ ...image, uri }],
    });
    expect(outcome).toMatchObject({
      status: AnswerStatus.invalidRequest,
      reason: expect.stringMatching(reason) as string,
    });
    expect(site.asked).toHaveLength(0);
  });

  test("from a name that stands for this machine", async () => {
    const file = behaviourFile({ url: "https://fake.example/v1", certificateAuthority: ANY_AUTHORITY });
    const behaviour = Behaviour.parse({
      ...file,
      certificateAuthorities: [],
      sources: { hosts: "public", addresses: "public" },
    });
    const clock = {
      read: () => ({ now: null, lowerBound: 0, source: "test" }),
      synchronize: () => Promise.resolve(),
    };
    const sources = createSources(behaviour, { clock, script: new URL(import.meta.url), runView: noView });
    const part = { ...image, uri: "https://localhost/cat.png" };
    const { outcome, events } = await askWith(fakeModels({ a: never }, SEES), sources, { parts: [part] });
    expect(outcome.status).toBe(AnswerStatus.upstreamFailed);
    expect(events[2]).toMatchObject({ type: "exchange.failed", code: "MODEL_UNREACHABLE", transport: null });
  });

  test("from an origin that the behaviour file does not list", async () => {
    const site = fakeSite(FILES);
    const sources = {
      settings: sourceSettings({ hosts: ["https://other.example"] }),
      exchange: site.exchange,
      readPage: readHere,
    };
    const { outcome } = await askWith(fakeModels({ a: never }, SEES), sources, { parts: [image] });
    expect(outcome.reason).toMatch(/reaches no https:\/\/files\.example/);
    expect(site.asked).toHaveLength(0);
  });

  test("for a model that takes none", async () => {
    const site = fakeSite(FILES);
    const sources = { settings: sourceSettings(), exchange: site.exchange, readPage: readHere };
    const { outcome } = await askWith(fakeModels({ a: never }), sources, { parts: [image] });
    expect(outcome).toMatchObject({
      status: AnswerStatus.invalidRequest,
      reason: expect.stringContaining("it takes no image/png") as string,
    });
    expect(site.asked).toHaveLength(0);
  });

  test("for a fee that does not cover the worst case, which counts every file as large as it can be", async () => {
    const price = { perRequest: "0", perInputToken: "1", perOutputToken: "0" };
    const catalog = fakeModels({ a: never }, { ...SEES, price });
    const site = fakeSite(FILES);
    const sources = { settings: sourceSettings(), exchange: site.exchange, readPage: readHere };
    const priceOf = (parts: readonly PromptPart[]): bigint =>
      quotePrice(
        { catalog, sources },
        encodePayload({
          type: PayloadType.inference,
          prompt: prompt({ models: ["fake/a"], format: TEXT, parts: [...parts] }),
        }),
      );
    expect(priceOf([image, document]) - priceOf([])).toBe(51_000n);
    const fee = priceOf([image, document]) - 1n;
    const { outcome } = await askWith(catalog, sources, { parts: [image, document], fee });
    expect(outcome.status).toBe(AnswerStatus.outOfBudget);
    expect(site.asked).toHaveLength(0);
  });
});

test("a panel's members share what a receipt holds: each file counts once for each of them", async () => {
  const site = fakeSite(FILES);
  const respond = () => says("yes");
  const { outcome, bodies } = await askWith(
    fakeModels({ a: respond, b: respond }, SEES),
    { settings: sourceSettings(), exchange: site.exchange, readPage: readHere },
    { models: ["fake/a", "fake/b"], panelRule: PanelRule.unanimous, panelQuorum: 2, parts: [image] },
  );
  expect(outcome.status).toBe(AnswerStatus.ok);
  expect(site.asked).toMatchObject([{ maxResponseBytes: MAX_FILE_BYTES / 2 }]);
  const withImage = Object.values(bodies).filter((body) => fromUtf8(fromHex(body)).includes(PNG));
  expect(withImage).toHaveLength(2);
});
