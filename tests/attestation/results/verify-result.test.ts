import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { appraiseResult } from "../../../attestation/results/appraise-result.ts";
import { parseResultPolicy, parseResultPolicyFile } from "../../../attestation/results/result-policy.ts";
import { isResultToken, parseResultToken } from "../../../attestation/results/result-token.ts";
import { verifyResult } from "../../../attestation/results/verify-result.ts";
import { parseCertificates } from "../../../attestation/x509/pem-or-der.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { KEY_USAGE, mintCertificate, mintKey } from "../../support/fake-x509.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";

/** 2026-01-01T00:00:00Z */
const NOW = 1_767_225_600;
const ISSUER = "https://sharedneu.neu.attest.azure.net";

const keys = { own: await generateKeyPair("ES384"), other: await generateKeyPair("ES384") };

interface Given {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly signer?: keyof typeof keys;
  readonly kid?: string;
}

async function mint({ claims = {}, header = {}, signer = "own", kid = "k1" }: Given = {}): Promise<string> {
  const all = {
    iss: ISSUER,
    iat: NOW - 10,
    exp: NOW + 600,
    aud: "me",
    secure: true,
    nested: { list: ["a", "b"] },
  };
  return await new SignJWT({ ...all, ...claims })
    .setProtectedHeader({ alg: "ES384", kid, ...header })
    .sign(keys[signer].privateKey);
}

const believed = async (change: object = {}) => ({
  issuer: ISSUER,
  keys: [{ ...(await exportJWK(keys.own.publicKey)), kid: "k1" }],
  audience: { oneOf: ["me"] },
  ...change,
});

async function policyOf(change: object = {}, rest: object = {}) {
  const claims = [{ path: "nested.list", oneOf: ["b"] }];
  return parseResultPolicy({
    version: 1,
    believe: [await believed(change)],
    claims,
    maxAgeSeconds: 60,
    ...rest,
  });
}

async function verify(token: string, change: object = {}, now = NOW) {
  return await verifyResult(toUtf8(token), { believe: (await policyOf(change)).believe, now });
}

describe("a result", () => {
  test("is the word of the one who signed it, and what it must say is compared", async () => {
    const result = await verify(await mint());
    expect(result).toMatchObject({
      scheme: "azureMaa",
      issuer: ISSUER,
      signedBy: "k1",
      expiresAt: NOW + 600,
    });
    const checks = appraiseResult(result, await policyOf(), { now: NOW });
    expect(checks.map(({ name }) => name)).toEqual(["age", "audience", "nested.list"]);
  });

  test.for<readonly [string, Given, object, string]>([
    [
      "of somebody whom nobody named",
      { claims: { iss: "https://example.org" } },
      {},
      "ENDORSEMENT_UNAVAILABLE",
    ],
    ["with a key that is not named", { kid: "k2" }, {}, "ENDORSEMENT_UNAVAILABLE"],
    ["signed by another", { signer: "other" }, {}, "EVIDENCE_SIGNATURE_INVALID"],
    ["that has expired", { claims: { exp: NOW } }, {}, "EVIDENCE_STALE"],
    ["from the future", { claims: { iat: NOW + 61 } }, {}, "EVIDENCE_NOT_YET_VALID"],
    ["that holds from later on", { claims: { nbf: NOW + 61 } }, {}, "EVIDENCE_NOT_YET_VALID"],
    ["that never ends", { claims: { exp: undefined } }, {}, "EVIDENCE_MALFORMED"],
    ["without an issuer", { claims: { iss: undefined } }, {}, "EVIDENCE_MALFORMED"],
    [
      "whose critical header is not known",
      { header: { crit: ["x"], x: 1 } },
      {},
      "EVIDENCE_SIGNATURE_INVALID",
    ],
  ])("%s is refused", async ([, given, change, code]) => {
    const made = await mint(given).catch(() => undefined);
    // The signing library refuses to write some of what an attacker would.
    const token = made ?? replaceHeader(await mint(), given.header ?? {});
    expect(await rejectionOf(() => verify(token, change))).toBe(code);
  });

  function replaceHeader(token: string, header: object): string {
    const [, ...rest] = token.split(".");
    const encoded = Buffer.from(JSON.stringify({ alg: "ES384", kid: "k1", ...header })).toString("base64url");
    return [encoded, ...rest].join(".");
  }

  test("with no algorithm, or one of shared secrets, is not judged", async () => {
    for (const alg of ["none", "HS256", 7]) {
      expect(await rejectionOf(async () => await verify(replaceHeader(await mint(), { alg })))).toBe(
        "EVIDENCE_UNSUPPORTED",
      );
    }
  });

  test("is not judged where no key of its issuer is one for the algorithm that it names", async () => {
    for (const alg of ["RS256", "ES256", "PS512"]) {
      const token = replaceHeader(await mint(), { alg });
      expect(await rejectionOf(() => verify(token))).toBe("ENDORSEMENT_MISMATCH");
    }
  });

  test("is judged by the keys that are, where its issuer has others beside them", async () => {
    const { publicKey } = await generateKeyPair("RS256");
    const keys = [await exportJWK(publicKey), ...(await believed()).keys].map((key) => ({
      ...key,
      kid: "k1",
    }));
    expect((await verify(await mint(), { keys })).signedBy).toBe("k1");
  });

  test("whose certificates are no base64 is malformed", async () => {
    const roots = [toHex((await mintKey("P-384")).spki)];
    const token = replaceHeader(await mint(), { x5c: ["no base64"] });
    expect(await rejectionOf(() => verify(token, { roots }))).toBe("EVIDENCE_MALFORMED");
  });

  test("is not to blame for a policy whose root is no key", async () => {
    expect(await rejectionOf(() => policyOf({ roots: ["0x3000"] }))).toBe("INPUT_INVALID");
  });

  test("with a claim changed is refused", async () => {
    const [header, , signature] = (await mint()).split(".");
    const claims = Buffer.from(JSON.stringify({ iss: ISSUER, iat: NOW, exp: NOW + 9, aud: "me" })).toString(
      "base64url",
    );
    expect(await rejectionOf(() => verify(`${header}.${claims}.${signature}`))).toBe(
      "EVIDENCE_SIGNATURE_INVALID",
    );
  });

  test("signed under a root that the policy names, by a chain in the token", async () => {
    const root = await mintKey("P-384");
    const leaf = await mintKey("P-384");
    const rootName = { subject: "Root", key: root };
    const certificate = await mintCertificate({
      subject: "Signer",
      key: leaf,
      issuer: rootName,
      serial: 2,
      notBefore: NOW - 100,
      notAfter: NOW + 100,
      ca: null,
      keyUsage: KEY_USAGE.digitalSignature,
      extensions: [],
    });
    const x5c = [Buffer.from(certificate).toString("base64")];
    const token = await new SignJWT({ iss: ISSUER, iat: NOW, exp: NOW + 9, aud: "me" })
      .setProtectedHeader({ alg: "ES384", x5c })
      .sign(leaf.pair.privateKey);
    const roots = [`0x${Buffer.from(root.spki).toString("hex")}`];
    expect(await verify(token, { keys: [], roots })).toMatchObject({ signedBy: "Signer" });
    expect(await rejectionOf(async () => await verify(token, { keys: [], roots }, NOW + 200))).toBe(
      "EVIDENCE_CHAIN_EXPIRED",
    );
    const stranger = [`0x${Buffer.from((await mintKey("P-384")).spki).toString("hex")}`];
    expect(await rejectionOf(async () => await verify(token, { keys: [], roots: stranger }))).toBe(
      "EVIDENCE_CHAIN_UNTRUSTED",
    );
    expect((await exportSPKI(keys.own.publicKey)).length).toBeGreaterThan(0);
  });
});

describe("a policy for results refuses", () => {
  test.for<readonly [string, Given, object, string]>([
    ["another audience", { claims: { aud: ["you"] } }, {}, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ...[{ toString: 1, valueOf: 1 }, [["me"]], [null, 7, { me: "me" }], null, true, {}].map(
      (aud): readonly [string, Given, object, string] => [
        `an audience that names nobody: ${JSON.stringify(aud)}`,
        { claims: { aud } },
        {},
        "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
      ],
    ),
    ["another claim", { claims: { nested: { list: ["c"] } } }, {}, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["a claim that is not there", { claims: { nested: {} } }, {}, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    [
      "what every object inherits",
      {},
      { claims: [{ path: "nested.constructor.name", oneOf: ["Object"] }] },
      "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
    ],
    ["an old result", { claims: { iat: NOW - 61 } }, {}, "APPRAISAL_STALE"],
    [
      "nothing where it says so",
      { claims: { nested: {} } },
      { claims: { acceptAny: true } },
      "nothing thrown",
    ],
  ])("%s", async ([, given, rest, code]) => {
    const result = await verify(await mint(given));
    const policy = await policyOf({}, rest);
    expect(codeOf(() => appraiseResult(result, policy, { now: NOW }))).toBe(code);
  });

  test("to be one that believes nobody, or anybody", () => {
    const rest = { version: 1, claims: { acceptAny: true }, maxAgeSeconds: 1 };
    expect(codeOf(() => parseResultPolicy({ ...rest, believe: [] }))).toBe("INPUT_INVALID");
    expect(codeOf(() => parseResultPolicy({ ...rest, believe: { acceptAny: true } }))).toBe("INPUT_INVALID");
  });
});

describe("forms", () => {
  const asJson = (value: unknown) => toUtf8(JSON.stringify(value));
  const digestOf = (token: string) => [
    "DIGEST",
    ["SHA-256", createHash("sha256").update(token).digest("hex")],
  ];

  test("of NVIDIA's service commit to the tokens beside them", async () => {
    const gpu = await mint({ claims: { measres: "success" } });
    const iss = "https://nras.attestation.nvidia.com";
    const main = await mint({ claims: { iss, submods: { "GPU-0": digestOf(gpu) } } });
    const parsed = parseResultToken(asJson([["JWT", main], { "GPU-0": gpu }]));
    expect(parsed).toMatchObject({ scheme: "nvidiaNras", detached: { "GPU-0": { measres: "success" } } });
    const other = await mint({ claims: { measres: "fail" } });
    expect(codeOf(() => parseResultToken(asJson([["JWT", main], { "GPU-0": other }])))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
    expect(codeOf(() => parseResultToken(asJson([["JWT", main], { "GPU-1": gpu }])))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });

  test("of a token in JSON, and of an EAR", async () => {
    const claims = { iss: "https://veraison.example", eat_profile: "tag:github.com,2023:veraison/ear" };
    expect(parseResultToken(asJson({ token: await mint({ claims }) })).scheme).toBe("ear");
  });

  test.for<readonly [string, Uint8Array, string?]>([
    ["nothing", new Uint8Array()],
    ["text", toUtf8("a.b")],
    ["three parts that are no JSON", toUtf8("aaaa.bbbb.cccc"), "EVIDENCE_MALFORMED"],
    ["bytes that are no text", Uint8Array.of(0xff)],
    ["an array of something else", toUtf8('[["JWT",1]]')],
    ["a bundle whose rest is no object", toUtf8('[["JWT","aa.bb.cc"],null]')],
    ["more than any token has", new Uint8Array(300_000)],
    ["evidence", toUtf8('{"quote":"00","event_log":"[]"}')],
  ])("are not %s", ([, bytes, code = "EVIDENCE_UNSUPPORTED"]) => {
    expect(isResultToken(bytes)).toBe(false);
    expect(codeOf(() => parseResultToken(bytes))).toBe(code);
  });
});

/** A token of Google's, whose chain is in it and whose root is published. */
describe.skipIf(!existsSync(join(VECTORS_FOLDER, "jwt")))("of Google's own", () => {
  const read = (file: string) => readFileSync(join(VECTORS_FOLDER, "jwt", file));

  test("is Google's word at its time, and nothing where Google is not believed", async () => {
    const [root] = parseCertificates(read("gcp_confidential_space_root.pem"));
    const issuer = "https://confidentialcomputing.googleapis.com";
    const roots = [root!.publicKey.spkiHex];
    const believe = [{ issuer, keys: [], roots, audience: { acceptAny: true as const } }];
    const token = read("gcp_confidential_space_sample.jwt");
    const now = 1_757_060_300;
    const result = await verifyResult(token, { believe, now });
    expect(result).toMatchObject({ scheme: "gcpConfidentialSpace", claims: { hwmodel: "GCP_INTEL_TDX" } });
    expect(await rejectionOf(() => verifyResult(token, { believe, now: now + 86_400 }))).toMatch(
      /^EVIDENCE_(STALE|CHAIN_EXPIRED)$/,
    );
    expect(await rejectionOf(() => verifyResult(token, { believe: [], now }))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
  });
});

describe("a policy for results on disk", () => {
  const text = async (change: object = {}): Promise<string> => {
    const policy = {
      version: 1,
      believe: [await believed(change)],
      claims: { acceptAny: true },
      maxAgeSeconds: 60,
    };
    return JSON.stringify(policy);
  };
  const messageOf = (file: string): string => {
    try {
      parseResultPolicyFile(toUtf8(file), "whom.json");
      return "read";
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("is read with a byte order mark, and over several lines", async () => {
    const file = await text();
    expect(messageOf(`\uFEFF${file}`)).toBe("read");
    expect(messageOf(JSON.stringify(JSON.parse(file), null, 2).replaceAll("\n", "\r\n"))).toBe("read");
  });

  test("is refused where a member stands in it twice: whom one believes has one meaning", async () => {
    const file = await text();
    const twice = file.replace('"audience":', '"audience":{"acceptAny":true},"audience":');
    expect(messageOf(twice)).toContain("whom.json: believe[0].audience stands there twice");
    expect(codeOf(() => parseResultPolicyFile(toUtf8(twice), "whom.json"))).toBe("INPUT_INVALID");
  });

  test("names file, place and the nearest word", async () => {
    const misspelt = await text({ audience: { oneof: ["me"] } });
    expect(messageOf(misspelt)).toBe(
      "whom.json: believe[0].audience.oneof is not known: did you mean oneOf?",
    );
    expect(messageOf("")).toBe("whom.json: is empty");
    expect(messageOf("[]")).toBe("whom.json: it cannot be []");
    expect(messageOf((await text()).replace('Seconds":60', 'Seconds":"60"'))).toBe(
      'whom.json: maxAgeSeconds cannot be "60"',
    );
  });
});
