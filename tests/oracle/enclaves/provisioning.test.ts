/** The operator's secrets follow verified evidence: to each enclave that shows it, at each of its starts, and to nobody else. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseAppraisalPolicy } from "../../../attestation/index.ts";
import {
  connectEnclave,
  type EnclaveAddress,
  type EnclaveSession,
} from "../../../oracle/enclaves/enclave-session.ts";
import { EnclaveSet } from "../../../oracle/enclaves/enclave-set.ts";
import { createEvidenceVerifier, type EvidenceVerifier } from "../../../client/evidence-verifier.ts";
import { provisionSecrets, readSecret } from "../../../oracle/enclaves/provisioning.ts";
import { createLogger } from "../../../oracle/log.ts";
import { AppraisalError } from "../../../protocol/errors.ts";
import {
  CALLER_TOKEN,
  platformPolicy,
  type StandInEnclave,
  standInPolicy,
  startStandInEnclave,
} from "../support/stand-in-enclave.ts";
import { wallClockMs } from "../support/wall-clock.ts";

const SECRET = "sk-of-the-operator-7391";
const LIMITS = { answerTimeoutMs: 5_000, maxSockets: 2 };

let directory: string;
let enclave: StandInEnclave;
let verifier: EvidenceVerifier;
let lines: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-secrets-"));
  writeFileSync(join(directory, "key"), `${SECRET}\n`);
  enclave = await startStandInEnclave();
  verifier = verifierOf(await standInPolicy());
  lines = [];
});

afterEach(async () => {
  await enclave.stop();
  rmSync(directory, { recursive: true, force: true });
});

function verifierOf(policy: object): EvidenceVerifier {
  return createEvidenceVerifier({
    policy: parseAppraisalPolicy(policy),
    endorsements: { find: () => Promise.resolve({}) },
    now: wallClockMs,
  });
}

const log = createLogger({ level: "debug", write: (line) => lines.push(line), now: () => 0 });

function address(change: Partial<EnclaveAddress> = {}): EnclaveAddress {
  const secrets = [{ name: "model-key", file: join(directory, "key") }];
  return { url: enclave.url, callerToken: CALLER_TOKEN, secrets, ...change };
}

async function connect(to: EnclaveAddress, judge = verifier): Promise<EnclaveSession> {
  const session = await connectEnclave(to, judge, LIMITS);
  await provisionSecrets(session, to.secrets, log);
  return session;
}

/** A set of one enclave, and a promise of each session that it makes. */
function keep(to: EnclaveAddress): {
  readonly set: EnclaveSet;
  readonly next: () => Promise<EnclaveSession>;
} {
  const made: EnclaveSession[] = [];
  const waiting: ((session: EnclaveSession) => void)[] = [];
  const set = new EnclaveSet({
    addresses: [to],
    connect,
    isAdmitted: () => true,
    onConnected: (session) => {
      const waiter = waiting.shift();
      if (waiter === undefined) made.push(session);
      else waiter(session);
    },
    log,
  });
  const next = (): Promise<EnclaveSession> =>
    new Promise((resolve) => {
      const session = made.shift();
      if (session === undefined) waiting.push(resolve);
      else resolve(session);
    });
  return { set, next };
}

describe("the operator's secrets", () => {
  test("are brought to an enclave whose evidence is accepted, before it is used", async () => {
    const session = await connect(address());
    session.client.close();
    expect([...enclave.secrets]).toEqual([["model-key", SECRET]]);
  });

  test("are brought again to an enclave that restarted, although nobody asked it anything", async () => {
    const { set, next } = keep(address());
    try {
      expect((await next()).keysetId).toBe(enclave.keysetId);
      const { port } = new URL(enclave.url);
      const before = enclave.keysetId;
      await enclave.stop();
      enclave = await startStandInEnclave("test", Number(port));
      expect(enclave.keysetId).not.toBe(before);
      expect((await next()).keysetId).toBe(enclave.keysetId);
      expect(enclave.secrets.get("model-key")).toBe(SECRET);
      expect([...enclave.calls]).toEqual([]);
    } finally {
      await set.stop();
    }
  }, 30_000);

  test("are read from their files each time: what was replaced is not brought again", async () => {
    (await connect(address())).client.close();
    writeFileSync(join(directory, "key"), "sk-the-new-one");
    (await connect(address())).client.close();
    expect(enclave.secrets.get("model-key")).toBe("sk-the-new-one");
  });

  test("are in no line of the log", async () => {
    (await connect(address())).client.close();
    await connect(address({ callerToken: "wrong" })).catch((error: unknown) => {
      log.warn("enclave.refused", { error });
    });
    expect(lines.join()).toContain("enclave.provisioned");
    for (const form of [SECRET, Buffer.from(SECRET).toString("hex"), Buffer.from(SECRET).toString("base64")])
      expect(lines.join()).not.toContain(form);
  });

  test("of an enclave that does not take them leave it unused", async () => {
    await expect(connect(address({ callerToken: "wrong" }))).rejects.toMatchObject({
      code: "ENCLAVE_UNAVAILABLE",
      details: { enclaveCode: "INPUT_UNAUTHORIZED" },
    });
  });
});

describe("an enclave whose evidence is refused", () => {
  test("for its measurement is sent nothing at all", async () => {
    const { simulator, ...rest } = await platformPolicy("test");
    const policy = { ...rest, simulator: { ...simulator, mrTd: { oneOf: [`0x${"ab".repeat(48)}`] } } };
    await expect(connect(address(), verifierOf(policy))).rejects.toMatchObject({
      code: "APPRAISAL_MEASUREMENT_UNKNOWN",
    });
    expect(enclave.seen).toEqual([]);
  });

  test("when it is made afresh is sent a nonce, and neither credential nor secret", async () => {
    const judge: EvidenceVerifier = {
      verifyCertificate: (certificate) => verifier.verifyCertificate(certificate),
      verifyAttestation: () =>
        Promise.reject(
          new AppraisalError({ code: "APPRAISAL_TCB_UNACCEPTABLE", message: "as the test wants" }),
        ),
    };
    await expect(connect(address(), judge)).rejects.toMatchObject({ code: "APPRAISAL_TCB_UNACCEPTABLE" });
    expect(enclave.seen).toEqual([{ what: "GET /v1/attestation", credential: false }]);
    expect([...enclave.secrets]).toEqual([]);
  });

  test("after a restart gets no secret, whatever it had before", async () => {
    const policy = await platformPolicy("test");
    (await connect(address(), verifierOf(policy))).client.close();
    const { port } = new URL(enclave.url);
    await enclave.stop();
    enclave = await startStandInEnclave("elsewhere", Number(port));
    await expect(connect(address(), verifierOf(policy))).rejects.toMatchObject({
      code: "APPRAISAL_PLATFORM_UNKNOWN",
    });
    expect(enclave.seen).toEqual([]);
  });
});

describe("a secret's file", () => {
  test.for<[string, string | null]>([
    ["that is missing", null],
    ["that is empty", "\n"],
    ["of two lines", "sk-1\nsk-2"],
    ["that is not text", "\u0000\u0001"],
  ])("%s is refused with its name, and nothing of it", async ([, content]) => {
    const file = join(directory, "bad");
    if (content !== null) writeFileSync(file, content);
    const error = await readSecret({ name: "model-key", file }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", details: { file } });
    expect(String(error)).not.toContain("sk-");
  });
});
