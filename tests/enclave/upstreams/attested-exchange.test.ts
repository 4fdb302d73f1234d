/** Providers that must attest themselves: nothing is sent to a key for which no accepted evidence was judged, whoever lies and how. */

import { createHash, X509Certificate } from "node:crypto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createThrowawayAuthority,
  type ServerCredentials,
  type ThrowawayAuthority,
} from "../../../devnet/throwaway-authority.ts";
import { Behaviour, type BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { Exchange, ExchangeOutcome } from "../../../enclave/egress/exchange.ts";
import { createProviderExchange } from "../../../enclave/upstreams/create-attested-exchange.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { SIMULATED_NOW, simulatedQuote, simulatedServer } from "../../support/simulated-evidence.ts";
import {
  aciUntil,
  near,
  policyOfSimulator,
  spkiOf,
  startAttestedUpstream,
  tinfoil,
  type AttestedUpstream,
  type UpstreamDocument,
} from "../support/attested-upstream.ts";
import { behaviourFile } from "../support/configuration.ts";

type Attestation = NonNullable<BehaviourFile["providers"][string]["attestation"]>;
const MAX_AGE = 600;
const SECRET = "Bearer secret";
// Certificates of authorities are judged by OpenSSL, which reads the machine's clock.
const real = new Date();
let now = Math.floor(real.getTime() / 1000);
let isTimeKnown = true;
let authority: ThrowawayAuthority;
let policy: Record<string, Json>;
beforeAll(async () => {
  authority = await createThrowawayAuthority(real);
  policy = await policyOfSimulator();
});

let server: AttestedUpstream;
let received: string[];
const aci = aciUntil(() => now + 100);

interface Started {
  readonly send: () => Promise<ExchangeOutcome>;
  readonly exchange: Exchange;
  readonly url: URL;
}

async function start(
  form: Attestation["form"],
  credentials: ServerCredentials,
  document: UpstreamDocument | null = null,
  change: Partial<BehaviourFile["providers"][string]> & {
    readonly attestationChange?: Partial<Attestation>;
  } = {},
): Promise<Started> {
  now = Math.floor(real.getTime() / 1000);
  server = await startAttestedUpstream({ credentials, document, answer: "{}" });
  ({ received } = server);
  const { url } = server;
  const { attestationChange, ...rest } = change;
  const file = behaviourFile({ url, certificateAuthority: authority.certificate });
  const behaviour = Behaviour.parse({
    ...file,
    limits: { ...file.limits, connectMs: 10_000, firstByteMs: 10_000, wholeExchangeMs: 20_000 },
    providers: {
      attested: {
        ...file.providers["stand-in"]!,
        attestation: {
          form,
          policy,
          maxAge: MAX_AGE,
          endorsements: { intel: null, amd: null },
          covers: "channel-and-code",
          ...attestationChange,
        },
        ...rest,
      },
    },
  });
  const exchange = createProviderExchange(behaviour, behaviour.providers["attested"]!, () =>
    isTimeKnown ? now : null,
  );
  const target = new URL(`${url}/chat/completions`);
  const send = async (): Promise<ExchangeOutcome> =>
    await exchange({ url: target, method: "POST", headers: { authorization: SECRET }, body: toUtf8("{}") });
  return { send, exchange, url: target };
}
afterEach(async () => {
  await server.stop();
});

const codeOf = (outcome: ExchangeOutcome): string =>
  outcome.kind === "failed"
    ? `${outcome.error.code} ${String(outcome.error.details["reason"] ?? "")}`.trim()
    : "sent";
const sentSecret = (): boolean => received.some((line) => line.includes(SECRET));
const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const server1 = (): Promise<ServerCredentials> => authority.issue(["127.0.0.1"]);

describe("is sent to after its evidence was judged", () => {
  test.for([
    ["near", near, "/v1/attestation/report?nonce="],
    ["aci", aci, "/v1/aci/attestation?nonce="],
    ["tinfoil", tinfoil, "/.well-known/tinfoil-attestation"],
  ] as const)("by the document of %s, asked for without a credential", async ([form, document, path]) => {
    const credentials = await server1();
    const { send } = await start(form, credentials, document);
    const outcome = await send();
    expect(codeOf(outcome)).toBe("sent");
    expect(received).toHaveLength(2);
    expect(received[0]).toContain(`GET ${path}`);
    expect(received[0]).toMatch(/ -$/);
    expect(outcome.attested).toMatchObject({
      form,
      kind: "simulator",
      spkiHash: toHex(spkiOf(credentials.cert)),
      judgedAt: now,
      covers: ["channel", "code"],
    });
    const { evidence, evidenceHash, evidenceBytes, nonce } = outcome.attested!;
    expect(toHex(createHash("sha256").update(evidence!).digest())).toBe(evidenceHash);
    expect(evidence).toHaveLength(evidenceBytes);
    expect(nonce === null).toBe(form === "tinfoil");
  });

  test("by its certificate, which no authority issued", async () => {
    now = SIMULATED_NOW;
    const { cert, key } = await simulatedServer(`0x${"00".repeat(32)}`);
    const started = await start("ra-tls", { cert, key });
    now = SIMULATED_NOW;
    const outcome = await started.send();
    expect(codeOf(outcome)).toBe("sent");
    expect(outcome.attested).toMatchObject({ form: "ra-tls", nonce: null });
    expect(toHex(outcome.attested!.evidence!)).toBe(toHex(new X509Certificate(cert).raw));
  });

  test("by the gateway's part of a report that tells of other machines too", async () => {
    const cloud: UpstreamDocument = async (...asked) => ({
      gateway_attestation: await near(...asked),
      model_attestations: [{ intel_quote: hex(await simulatedQuote(new Uint8Array(64).fill(9))) }],
    });
    const { send } = await start("near", await server1(), cloud);
    expect(codeOf(await send())).toBe("sent");
  });

  test("once for a key, and again when it has aged, also on a connection that is kept", async () => {
    const { send } = await start("near", await server1(), near, { connection: "pooled" });
    const judgedAt = async (): Promise<number | undefined> => (await send()).attested?.judgedAt;
    const first = now;
    expect([await judgedAt(), await judgedAt()]).toEqual([first, first]);
    now += MAX_AGE;
    expect(await judgedAt()).toBe(first);
    now += 1;
    expect(await judgedAt()).toBe(first + MAX_AGE + 1);
    expect(received.filter((line) => line.startsWith("GET"))).toHaveLength(2);
  });

  test("once for callers who come at the same time", async () => {
    const { send } = await start("near", await server1(), near);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => send()));
    expect(outcomes.map(codeOf)).toEqual(Array(8).fill("sent"));
    expect(received.filter((line) => line.startsWith("GET"))).toHaveLength(1);
  });
});

const otherKey = new Uint8Array(32).fill(5);
const lies: readonly (readonly [string, Attestation["form"], UpstreamDocument | null, string])[] = [
  [
    "evidence for another key",
    "near",
    (nonce) => near(nonce, otherKey, null as never),
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "a keyset of other keys",
    "aci",
    (nonce) => aci(nonce, otherKey, null as never),
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "another machine's document",
    "tinfoil",
    (nonce) => tinfoil(nonce, otherKey, null as never),
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "a document of before",
    "near",
    (_nonce, spki) => near(otherKey, spki, null as never),
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "a report of before",
    "aci",
    (_nonce, spki) => aci(otherKey, spki, null as never),
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "a keyset that has expired",
    "aci",
    async (...asked) => {
      now -= 200;
      const document = await aci(...asked);
      now += 200;
      return document;
    },
    "MODEL_NOT_ATTESTED EVIDENCE_STALE",
  ],
  [
    "a keyset that the key was put into",
    "aci",
    async (nonce, spki, request) => {
      const theirs = JSON.stringify(await aci(nonce, otherKey, request));
      return JSON.parse(theirs.replace(hex(otherKey), hex(spki))) as Json;
    },
    "MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH",
  ],
  [
    "its own evidence, and a stranger's beside it",
    "near",
    async (...asked) => ({
      ...((await near(...asked)) as Record<string, Json>),
      other: hex(await simulatedQuote(new Uint8Array(64).fill(9))),
    }),
    "MODEL_ATTESTATION_UNAVAILABLE EVIDENCE_UNSUPPORTED",
  ],
  [
    "a document of nobody's",
    "aci",
    () => Promise.resolve({ hello: "world" }),
    "MODEL_ATTESTATION_UNAVAILABLE EVIDENCE_UNSUPPORTED",
  ],
  [
    "a document without evidence",
    "near",
    () => Promise.resolve({ signing_address: "c0".repeat(20) }),
    "MODEL_ATTESTATION_UNAVAILABLE EVIDENCE_UNSUPPORTED",
  ],
  ["no document", "tinfoil", null, "MODEL_ATTESTATION_UNAVAILABLE"],
  [
    "no answer",
    "near",
    (_nonce, _spki, request) => {
      request.socket.destroy();
      return Promise.resolve(null);
    },
    "MODEL_ATTESTATION_UNAVAILABLE MODEL_RESPONSE_TRUNCATED",
  ],
];

describe("is sent nothing", () => {
  test.for(lies)("with %s (%s)", async ([, form, document, code]) => {
    const { send } = await start(form, await server1(), document);
    expect(codeOf(await send())).toBe(code);
    expect(sentSecret()).toBe(false);
  });

  test("with evidence in its certificate that is for another key", async () => {
    const started = await start("ra-tls", await simulatedServer(`0x${"00".repeat(32)}`, true));
    now = SIMULATED_NOW;
    expect(codeOf(await started.send())).toBe("MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH");
    expect(received).toEqual([]);
  });

  test("with a certificate whose dates have passed by the trusted time, whatever the machine's clock says", async () => {
    const started = await start("ra-tls", await simulatedServer(`0x${"00".repeat(32)}`));
    now = SIMULATED_NOW + 3_601;
    expect(codeOf(await started.send())).toBe("MODEL_TLS_REFUSED");
    expect(received).toEqual([]);
  });

  test("with a certificate that no authority issued, where evidence is a document", async () => {
    const started = await start("near", await simulatedServer(`0x${"00".repeat(32)}`), near);
    expect(codeOf(await started.send())).toMatch(/^MODEL_TLS_REFUSED/);
    expect(received).toEqual([]);
  });

  test("with a certificate that carries no evidence", async () => {
    const { send } = await start("ra-tls", await server1());
    expect(codeOf(await send())).toMatch(/^MODEL_ATTESTATION_UNAVAILABLE EVIDENCE_UNSUPPORTED/);
    expect(received).toEqual([]);
  });

  test("with genuine evidence of software that the policy does not list", async () => {
    const section = policy["simulator"] as Record<string, Json>;
    const other = { ...policy, simulator: { ...section, mrTd: { oneOf: [`0x${"11".repeat(48)}`] } } };
    const { send } = await start("near", await server1(), near, { attestationChange: { policy: other } });
    expect(codeOf(await send())).toBe("MODEL_NOT_ATTESTED APPRAISAL_MEASUREMENT_UNKNOWN");
    expect(sentSecret()).toBe(false);
  });

  test("once its key changes in the middle of a session, until the new one's evidence was judged", async () => {
    const first = await server1();
    const { send } = await start("near", first, near);
    expect(codeOf(await send())).toBe("sent");
    received.length = 0;
    // The document goes on vouching for the first key, as a relayed one would.
    server.changeKey(await server1());
    expect(codeOf(await send())).toBe("MODEL_NOT_ATTESTED EVIDENCE_BINDING_MISMATCH");
    expect(sentSecret()).toBe(false);
  });

  test("while the time is not known", async () => {
    const started = await start("near", await server1(), near);
    isTimeKnown = false;
    expect(codeOf(await started.send())).toBe("MODEL_ATTESTATION_UNAVAILABLE");
    isTimeKnown = true;
    expect(sentSecret()).toBe(false);
  });
});

describe("a behaviour file is refused", () => {
  const provider = (change: object, attestation: object = {}) => {
    const file = behaviourFile({ url: "https://a.example/v1", certificateAuthority: authority.certificate });
    const settings = {
      form: "near",
      policy,
      maxAge: MAX_AGE,
      endorsements: { intel: null, amd: null },
      covers: "channel-and-code",
    };
    const providers = {
      a: { ...file.providers["stand-in"]!, attestation: { ...settings, ...attestation }, ...change },
    };
    return Behaviour.safeParse({ ...file, providers }).error?.issues.map(({ path }) => path.join(".")) ?? [];
  };
  test("that says code is covered by a policy that pins the firmware and accepts any kernel", () => {
    const section = policy["simulator"] as Record<string, Json>;
    const open = { ...policy, simulator: { ...section, rtMr1: { acceptAny: true } } };
    expect(provider({}, { policy: open })).toEqual(["providers.a.attestation.covers"]);
    expect(provider({}, { policy: open, covers: "channel" })).toEqual([]);
  });
  test.for([
    ["whose policy is none", {}, { policy: { version: 3 } }, "providers.a.attestation.policy"],
    ["whose server is beside the enclave", { baseUrl: "http://127.0.0.1/v1" }, {}, "providers.a.attestation"],
    [
      "that wants timestamps of a certificate without an authority",
      { minimumScts: 1 },
      { form: "ra-tls" },
      "providers.a.minimumScts",
    ],
    ["that relies on evidence for ever", {}, { maxAge: 86_401 }, "providers.a.attestation.maxAge"],
    [
      "that says nothing of endorsements",
      {},
      { endorsements: undefined },
      "providers.a.attestation.endorsements",
    ],
  ] as const)("%s", ([, change, attestation, path]) => {
    expect(provider({}, {})).toEqual([]);
    expect(provider(change, attestation)).toContain(path);
  });

  test("that says of code that it is covered, by a policy that accepts any", () => {
    const section = policy["simulator"] as Record<string, Json>;
    const any = Object.fromEntries(
      Object.entries(section).map(([rule, demand]) =>
        /^(?:mrTd|rtMr\d)$/.test(rule) ? [rule, { acceptAny: true }] : [rule, demand],
      ),
    );
    const open = { ...policy, simulator: any };
    expect(provider({}, { policy: open })).toContain("providers.a.attestation.covers");
    expect(provider({}, { policy: open, covers: "channel" })).toEqual([]);
    expect(provider({}, { policy: open, covers: "channel-code-and-weights" })).not.toEqual([]);
  });
});
