import { describe, expect, test } from "vitest";
import { verifySgxQuote } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { DAY, FAKE_TRUST, mintFakeIntel, NOW, type FakeIntel } from "../support/fake-intel.ts";
import { FMSPC_PATH, pcsDocuments, signedTcbInfo } from "../support/intel-documents.ts";
import { startLocalServer, type LocalAnswer } from "../support/local-server.ts";
import { rejectionOf } from "../support/rejection-of.ts";

const pccs = (url: string): EndorsementSource => createVendorSource({ intelUrl: `${url}/` });
const paths = {
  rootCrl: "/sgx/certification/v4/rootcacrl",
  pckCrl: "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
  tcb: `/tdx/certification/v4/tcb?fmspc=${FMSPC_PATH}&update=standard`,
  identity: "/tdx/certification/v4/qe/identity?update=standard",
};

test("a quote is verified with what a PCCS serves for its platform", async () => {
  const intel = await mintFakeIntel();
  await using server = await startLocalServer(pcsDocuments(intel, "tdx"));
  const { intel: endorsements } = await pccs(server.url).find(intel.quote, NOW);
  const context = { endorsements: endorsements!, now: NOW, trust: FAKE_TRUST };
  const verified = await verifyTdQuote("tdx", intel.quote, context);
  expect(verified.tcbStatus).toBe("UpToDate");
  expect([...server.asked].sort()).toEqual(Object.values(paths).sort());
});

test("an SGX quote is judged with SGX's documents", async () => {
  const intel = await mintFakeIntel({ tee: "sgx" });
  await using server = await startLocalServer(pcsDocuments(intel, "sgx"));
  const { intel: endorsements } = await pccs(server.url).find(intel.quote, NOW);
  expect(endorsements?.tcbInfo.id).toBe("SGX");
  expect(endorsements?.qeIdentity.id).toBe("QE");
  // The root is not Intel's: what was fetched is never trusted for where it came from.
  expect(await rejectionOf(async () => await verifySgxQuote(intel.quote, endorsements, { now: NOW }))).toBe(
    "ENDORSEMENT_CHAIN_INVALID",
  );
});

test("the signed text is handed on as it was served, spaces and all", async () => {
  const intel = await mintFakeIntel();
  const spaced = String(intel.collateral["tcb_info"]).replaceAll(",", " , ");
  const body = `{ "tcbInfo" : ${spaced} , "signature":"${String(intel.collateral["tcb_info_signature"])}" }`;
  const documents = pcsDocuments(intel, "tdx");
  await using server = await startLocalServer({
    ...documents,
    [paths.tcb]: { ...documents[paths.tcb], body },
  });
  const { intel: endorsements } = await pccs(server.url).find(intel.quote, NOW);
  expect(new TextDecoder().decode(endorsements?.signedTcbInfo.tbs)).toBe(spaced);
});

describe("what was fetched", () => {
  test("is kept until the first of its parts runs out, and shared by whoever asks meanwhile", async () => {
    const intel = await mintFakeIntel({ pckCrl: { nextUpdate: NOW + 5 * DAY } });
    await using server = await startLocalServer(pcsDocuments(intel, "tdx"));
    const source = pccs(server.url);
    const [first, second] = await Promise.all([source.find(intel.quote, NOW), source.find(intel.quote, NOW)]);
    expect(second.intel).toBe(first.intel);
    expect((await source.find(intel.quote, NOW + 5 * DAY)).intel).toBe(first.intel);
    expect(server.asked).toHaveLength(4);
    expect((await source.find(intel.quote, NOW + 5 * DAY + 1)).intel).not.toBe(first.intel);
    expect(server.asked).toHaveLength(8);
  });
});

describe("cannot judge when", () => {
  const cases: readonly (readonly [string, string, (intel: FakeIntel) => LocalAnswer, string])[] = [
    ["the platform is unknown", paths.tcb, () => ({ status: 404, body: "" }), "ENDORSEMENT_UNAVAILABLE"],
    [
      "the root's list cannot be had",
      paths.rootCrl,
      () => ({ status: 500, body: "" }),
      "ENDORSEMENT_UNAVAILABLE",
    ],
    [
      "the PCK list cannot be had",
      paths.pckCrl,
      () => ({ status: 500, body: "" }),
      "ENDORSEMENT_UNAVAILABLE",
    ],
    [
      "the QE identity cannot be had",
      paths.identity,
      () => ({ status: 503, body: "" }),
      "ENDORSEMENT_UNAVAILABLE",
    ],
    ["a document is not JSON", paths.tcb, () => ({ body: "<html>" }), "ENDORSEMENT_MALFORMED"],
    ["a document is not signed", paths.tcb, () => ({ body: '{"tcbInfo":{}}' }), "ENDORSEMENT_MALFORMED"],
    [
      "a chain is not percent-encoded",
      paths.tcb,
      (intel) => ({ headers: { "TCB-Info-Issuer-Chain": "%zz" }, body: signedTcbInfo(intel) }),
      "ENDORSEMENT_MALFORMED",
    ],
    ["a list is not DER", paths.rootCrl, () => ({ body: "0x00" }), "ENDORSEMENT_MALFORMED"],
  ];
  test.for(cases)("%s", async ([, path, answer, code]) => {
    const intel = await mintFakeIntel();
    await using server = await startLocalServer({ ...pcsDocuments(intel, "tdx"), [path]: answer(intel) });
    expect(await rejectionOf(async () => await pccs(server.url).find(intel.quote, NOW))).toBe(code);
  });
});

test("without a chain in the header, the document's signer is unknown and nothing is judged", async () => {
  const intel = await mintFakeIntel();
  await using server = await startLocalServer({
    ...pcsDocuments(intel, "tdx"),
    [paths.tcb]: { body: signedTcbInfo(intel) },
  });
  const { intel: endorsements } = await pccs(server.url).find(intel.quote, NOW);
  const context = { endorsements: endorsements!, now: NOW, trust: FAKE_TRUST };
  expect(await rejectionOf(async () => await verifyTdQuote("tdx", intel.quote, context))).toMatch(
    /^ENDORSEMENT_/,
  );
});

test("Intel itself serves the root's list elsewhere", async () => {
  const intel = await mintFakeIntel();
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (url) => {
    asked.push(url as string);
    return await Promise.resolve(new Response("", { status: 503 }));
  };
  expect(await rejectionOf(async () => await createVendorSource({ fetch }).find(intel.quote, NOW))).toBe(
    "ENDORSEMENT_UNAVAILABLE",
  );
  expect(asked).toContain("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
  expect(asked).toContain(
    `https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=${FMSPC_PATH}&update=standard`,
  );
});
