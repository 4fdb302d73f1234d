import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { checkChainDates, createChainReader } from "../../../enclave/egress/chain-facts.ts";
import { codeOf } from "../../support/code-of.ts";

const now = new Date("2026-11-22T12:00:00Z");
const authority = await createThrowawayAuthority(now);
const root = new X509Certificate(authority.certificate);
const leafFor = async (name: string): Promise<X509Certificate> =>
  new X509Certificate((await authority.issue([name])).cert);
const reader = () =>
  createChainReader({ transparencyLogs: [], certificateAuthorities: [authority.certificate] });

test("says of a chain what its certificates say", async () => {
  const leaf = await leafFor("model.example");
  const facts = reader()([leaf, root]);
  const hash = (text: string): string => `0x${text.replaceAll(":", "").toLowerCase()}`;
  expect(facts.certificateHashes).toEqual([hash(leaf.fingerprint256), hash(root.fingerprint256)]);
  expect(facts.subjectAltNames).toEqual(["DNS:model.example"]);
  expect(facts.validity.map(({ from }) => from)).toEqual([
    leaf.validFromDate.getTime(),
    root.validFromDate.getTime(),
  ]);
});

test("reads a chain once, and another one, be it by one certificate, anew", async () => {
  const read = reader();
  const leaf = await leafFor("model.example");
  const facts = read([leaf, root]);
  expect(read([new X509Certificate(leaf.raw), root])).toBe(facts);
  expect(read([leaf])).not.toBe(facts);
  const other = read([await leafFor("model.example"), root]);
  expect(other.certificateHashes[0]).not.toBe(facts.certificateHashes[0]);
  expect(other.spkiHash).not.toBe(facts.spkiHash);
});

test("keeps a bounded number of chains, the oldest going first", async () => {
  const read = reader();
  const leaf = await leafFor("model.example");
  const facts = read([leaf, root]);
  for (let index = 0; index < 63; index++) read([await leafFor(`other-${index}.example`)]);
  expect(read([leaf, root])).toBe(facts);
  read([await leafFor("one-more.example")]);
  expect(read([leaf, root])).not.toBe(facts);
});

test("the dates of a known chain are judged at each time anew", async () => {
  const facts = reader()([await leafFor("model.example"), root]);
  const seconds = Math.floor(now.getTime() / 1000);
  const DAY = 86_400;
  expect(
    codeOf(() => {
      checkChainDates(facts, seconds);
    }),
  ).toBe("nothing thrown");
  for (const wrong of [seconds - 3_650 * DAY, seconds + 3_650 * DAY]) {
    expect(
      codeOf(() => {
        checkChainDates(facts, wrong);
      }),
    ).toBe("MODEL_TLS_REFUSED");
  }
});
