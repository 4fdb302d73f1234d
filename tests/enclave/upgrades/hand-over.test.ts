/** Two enclaves of different measurement, as processes: secrets go from one to the other where owners let them, and nowhere else. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appraisalPolicy } from "../../../cli/image/image-policy.ts";
import { handOver, type HandOverOptions } from "../../../cli/upgrade/hand-over.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { AttestationReply } from "../../../protocol/enclave-api.ts";
import type { TakeOverCall, UpgradeLog } from "../../../protocol/hand-over.ts";
import { configurationDigest } from "../../../protocol/keyset.ts";
import { sealSecret } from "../../../protocol/sealed-secret.ts";
import { upgradeAuthorityId, type Upgrade } from "../../../protocol/upgrade.ts";
import { AUTHORITY, signHead, signUpgrade, TIMELOCK } from "../../support/upgrade-log.ts";
import { answerCall, toWire } from "../support/calls.ts";
import { behaviourFile, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startFixedProvider, type FixedProvider } from "../support/fixed-provider.ts";

/** Put together here, so that no copy of this file is found where it must not be. */
const GOES = ["sk-goes", "with-the", "upgrade-44117"].join("-");
const STAYS = "sk-named-nobody-55228";
const OTHERS = "sk-named-other-owners-66339";
const PROVISIONER = "provisioner";
const ID = upgradeAuthorityId(AUTHORITY);

const folder = mkdtempSync(join(tmpdir(), "adyton-hand-over-"));
function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

type Measurements = Record<"mrTd" | "rtMr0" | "rtMr1" | "rtMr2" | "rtMr3", Hex>;
const measured = (byte: string): Measurements => {
  const register: Hex = `0x${byte.repeat(48)}`;
  return { mrTd: register, rtMr0: register, rtMr1: register, rtMr2: register, rtMr3: register };
};

/** As `adyton image measure --policy … --simulator` writes it. */
function policyOf({ mrTd, rtMr0, rtMr1, rtMr2, rtMr3 }: Measurements): Json {
  const registers = { MRTD: [mrTd], RTMR0: [rtMr0], RTMR1: [rtMr1], RTMR2: [rtMr2], RTMR3: [rtMr3] };
  return structuredClone(appraisalPolicy({ platform: "tdx", registers }, "simulator")) as unknown as Json;
}

const OLD_IMAGE = measured("a1");
const NEW_IMAGE = measured("b2");
const OTHER_IMAGE = measured("c3");

let provider: FixedProvider;
let giver: EnclaveProcess;
let taker: EnclaveProcess;
let stranger: EnclaveProcess;
let wire: RecordingWire;
let upgrade: Upgrade;

/** Seconds: the processes go by this machine's clock. */
const now = (): number => Math.floor(new Date().getTime() / 1000);
const started = now();

function behaviourOf(sequence: number): BehaviourFile {
  const behaviour = behaviourFile(provider, { time: { source: "host-clock-for-testing" } });
  const [standIn] = Object.values(behaviour.providers);
  const models = { model: modelFile("model") };
  const secrets = ["goes", "stays", "others"];
  behaviour.providers = Object.fromEntries(
    secrets.map((secret) => [secret, { ...standIn!, secret, models }]),
  );
  return { ...behaviour, upgrades: { sequence, authority: AUTHORITY } };
}

async function start(behaviour: BehaviourFile, measurements: Measurements): Promise<EnclaveProcess> {
  const operator = operatorFile({
    attester: { kind: "simulator", platform: "test", measurements },
  });
  const credentialSha256 = `0x${createHash("sha256").update(PROVISIONER).digest("hex")}` as const;
  operator.callers.named.push({
    ...operator.callers.named[0]!,
    name: "operator",
    credentialSha256,
    provisions: true,
  });
  return await startEnclaveProcess({ behaviour, operator });
}

async function bring(enclave: EnclaveProcess, name: string, secret: string, upgrades?: Hex): Promise<void> {
  const reply = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, undefined, null);
  const { keyset } = z.decode(AttestationReply, reply.json as z.input<typeof AttestationReply>);
  const target = { keysetId: enclave.keysetId as Hex, sealingKey: keyset.sealingKey };
  const sealed = await sealSecret(target, name, secret, upgrades);
  const put = await enclave.call(
    "PUT",
    `/v1/secrets/${name}`,
    JSON.stringify(sealed),
    `Bearer ${PROVISIONER}`,
  );
  expect(put.status).toBe(204);
}

/** What the host sees of the way between the two. */
interface RecordingWire {
  readonly url: string;
  readonly bytes: () => Buffer;
  readonly stop: () => void;
}

async function recordingWire(to: string): Promise<RecordingWire> {
  const chunks: Buffer[] = [];
  const server: Server = createServer((socket) => {
    const onward = connect(Number(new URL(to).port), "127.0.0.1");
    for (const [source, sink] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      source.on("data", (chunk: Buffer) => chunks.push(chunk)).pipe(sink);
      source.on("error", () => sink.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    bytes: () => Buffer.concat(chunks),
    stop: () => server.close(),
  };
}

beforeAll(async () => {
  provider = await startFixedProvider('{"flagged":true,"severity":"3","reason":"x"}');
  const [old, next] = [behaviourOf(0), behaviourOf(1)];
  upgrade = {
    from: {
      policyDigest: configurationDigest(policyOf(OLD_IMAGE)),
      behaviourDigest: configurationDigest(old as unknown as Json),
    },
    to: {
      policyDigest: configurationDigest(policyOf(NEW_IMAGE)),
      behaviourDigest: configurationDigest(next as unknown as Json),
    },
    sequence: 1,
  };
  giver = await start(old, OLD_IMAGE);
  taker = await start(next, NEW_IMAGE);
  stranger = await start(next, OTHER_IMAGE);
  wire = await recordingWire(giver.url);
  await bring(giver, "goes", GOES, ID);
  await bring(giver, "stays", STAYS);
  await bring(giver, "others", OTHERS, upgradeAuthorityId({ ...AUTHORITY, threshold: 1 }));
}, 60_000);

afterAll(async () => {
  rmSync(folder, { recursive: true });
  wire.stop();
  await Promise.all([giver.stop(), taker.stop(), stranger.stop(), provider.stop()]);
});

function logOf(entries: readonly string[], change: Partial<UpgradeLog> = {}): UpgradeLog {
  return {
    entries: [...entries],
    announced: signHead(entries, { witnesses: [0, 1], at: now() - TIMELOCK - 60 }),
    head: signHead(entries, { witnesses: [1, 2], at: now() - 60 }),
    ...change,
  };
}

interface Change {
  readonly log?: UpgradeLog;
  readonly giver?: string;
  readonly from?: Json;
  readonly to?: Json;
  readonly credential?: string;
}

async function take(by: EnclaveProcess, change: Change = {}): Promise<{ status: number; json: unknown }> {
  const call: TakeOverCall = {
    giver: change.giver ?? wire.url,
    credential: change.credential ?? PROVISIONER,
    case: {
      log: change.log ?? logOf([signUpgrade(upgrade, [0, 1])]),
      policies: {
        from: (change.from ?? policyOf(OLD_IMAGE)) as never,
        to: (change.to ?? policyOf(NEW_IMAGE)) as never,
      },
      endorsements: { from: {}, to: {} },
    },
  };
  return await by.call("POST", "/v1/upgrades", JSON.stringify(call), `Bearer ${PROVISIONER}`);
}

/** As the successor asks, without its own look at the upgrade. */
async function askGiver(log: UpgradeLog): Promise<{ status: number; json: unknown; text: string }> {
  const authorization = `Bearer ${PROVISIONER}`;
  const challenge = await giver.call("POST", "/v1/upgrades/challenges", "{}", authorization);
  const { nonce } = challenge.json as { nonce: string };
  const attested = await taker.call("GET", `/v1/attestation?nonce=${nonce}`, undefined, null);
  const policies = { from: policyOf(OLD_IMAGE), to: policyOf(NEW_IMAGE) };
  const shown = { case: { log, policies, endorsements: { from: {}, to: {} } }, nonce };
  const body = JSON.stringify({ ...shown, ...(attested.json as object) });
  return await giver.call("POST", "/v1/upgrades/secrets", body, authorization);
}

const refusal = (code: string): unknown => ({
  status: 502,
  json: { error: { code: "ENCLAVE_REFUSED", details: { refusal: code } } },
});

async function keysSentTo(enclave: EnclaveProcess, name: string): Promise<string> {
  provider.received.length = 0;
  const call = answerCall({ models: [`${name}/model`] }, { deadline: BigInt(now() + 600) });
  await enclave.call("POST", "/v1/answers", toWire(call));
  return provider.received.join();
}

describe("before the upgrade is authorised", () => {
  const entryOf = (change: Partial<Upgrade> = {}): string => signUpgrade({ ...upgrade, ...change }, [0, 1]);

  test.for<[string, () => Change, string]>([
    [
      "it is too early",
      () => ({
        log: logOf([entryOf()], {
          announced: signHead([entryOf()], { witnesses: [0, 1], at: now() - TIMELOCK + 3_600 }),
        }),
      }),
      "EVIDENCE_NOT_YET_VALID",
    ],
    [
      "a witness is forged",
      () => ({
        log: logOf([entryOf()], {
          announced: signHead([entryOf()], { witnesses: [0, 8], at: now() - TIMELOCK - 60 }),
        }),
      }),
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "the chain of the log is forged",
      () => ({
        log: logOf([entryOf()], {
          announced: signHead([entryOf({ to: upgrade.from })], {
            witnesses: [0, 1],
            at: now() - TIMELOCK - 60,
          }),
        }),
      }),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "owners have taken it back",
      () => ({ log: logOf([entryOf(), entryOf({ to: upgrade.from, sequence: 2 })]) }),
      "EVIDENCE_BINDING_MISMATCH",
    ],
  ])("the giver refuses when %s", async ([, change, code]) => {
    expect(await take(taker, change())).toMatchObject(refusal(code) as object);
  });

  test("both refuse when an owner is missing: the taker before it asks", async () => {
    const change = { log: logOf([signUpgrade(upgrade, [2])]) };
    const refused = { status: 422, json: { error: { code: "EVIDENCE_SIGNATURE_INVALID" } } };
    expect(await take(taker, change)).toMatchObject(refused);
    // A successor of the host's own would ask all the same.
    expect(await askGiver(change.log)).toMatchObject(refused);
  });

  test("the giver gives nothing to another measurement, whatever the policy that it is shown", async () => {
    expect(await take(stranger)).toMatchObject(refusal("APPRAISAL_MEASUREMENT_UNKNOWN") as object);
    expect(await take(stranger, { to: policyOf(OTHER_IMAGE) })).toMatchObject({
      status: 422,
      json: { error: { code: "EVIDENCE_BINDING_MISMATCH" } },
    });
  });

  test("the taker takes nothing from another measurement", async () => {
    expect(await take(taker, { giver: stranger.url })).toMatchObject({
      status: 403,
      json: { error: { code: "APPRAISAL_MEASUREMENT_UNKNOWN" } },
    });
  });

  test("nobody takes part without a credential that provisions", async () => {
    expect(await take(taker, { credential: "caller-credential" })).toMatchObject(
      refusal("INPUT_UNAUTHORIZED") as object,
    );
  });

  test("a challenge is good once, and for evidence that was made for it", async () => {
    const call = {
      case: {
        log: logOf([entryOf()]),
        policies: { from: policyOf(OLD_IMAGE), to: policyOf(NEW_IMAGE) },
        endorsements: { from: {}, to: {} },
      },
    };
    const post = async (path: string, body: object): Promise<{ status: number; json: unknown }> =>
      await giver.call("POST", path, JSON.stringify(body), `Bearer ${PROVISIONER}`);
    const { nonce } = (await post("/v1/upgrades/challenges", {})).json as { nonce: string };
    const stale = `0x${"07".repeat(32)}`;
    const attested = await taker.call("GET", `/v1/attestation?nonce=${stale}`, undefined, null);
    const shown = { ...call, ...(attested.json as object) };
    expect(await post("/v1/upgrades/secrets", { ...shown, nonce })).toMatchObject({
      status: 403,
      json: { error: { code: "APPRAISAL_REPORT_DATA_MISMATCH" } },
    });
    for (const again of [nonce, stale]) {
      expect(await post("/v1/upgrades/secrets", { ...shown, nonce: again })).toMatchObject({
        json: { error: { code: "INPUT_EXPIRED" } },
      });
    }
  });
});

describe("an authorised upgrade", () => {
  test("brings the successor the secrets that named its owners, and no others", async () => {
    expect(await take(taker)).toMatchObject({
      status: 200,
      json: { keysetId: giver.keysetId, taken: ["goes"], left: [] },
    });
    expect(await keysSentTo(taker, "goes")).toContain(`Bearer ${GOES}`);
    expect(await keysSentTo(taker, "stays")).not.toContain("Bearer sk-");
    expect(await keysSentTo(taker, "others")).not.toContain("Bearer sk-");
  });

  test("leaves the giver answering with keys of its own: none was exported", async () => {
    expect(await keysSentTo(giver, "goes")).toContain(`Bearer ${GOES}`);
    expect(taker.keysetId).not.toBe(giver.keysetId);
  });

  test("may be repeated, by the command as well, and replaces nothing that the successor has", async () => {
    const entries = [signUpgrade(upgrade, [0, 1])];
    const { announced, head } = logOf(entries);
    const options: HandOverOptions = {
      from: giver.url,
      to: taker.url,
      fromPolicy: write("from.json", JSON.stringify(policyOf(OLD_IMAGE))),
      toPolicy: write("to.json", JSON.stringify(policyOf(NEW_IMAGE))),
      log: write("upgrades.jsonl", `${entries.join("\n")}\n`),
      announced: write("announced", announced),
      head: write("head", head),
      credentialFile: write("credential", PROVISIONER),
    };
    expect(await handOver(options)).toMatchObject({ keysetId: giver.keysetId, taken: [], left: ["goes"] });
    const early = { ...options, announced: options.head };
    await expect(handOver(early)).rejects.toMatchObject({ code: "ENCLAVE_REFUSED" });
  });

  test("leaves no trace of a secret on the wire, in what the processes say, or in files that they hold open", () => {
    const open = [giver, taker].flatMap(({ pid }) => openFilesOf(pid));
    const texts = open.map((file) => readFileSync(file, "latin1"));
    texts.push(giver.stderr(), taker.stderr(), wire.bytes().toString("latin1"));
    expect(wire.bytes().length).toBeGreaterThan(10_000);
    for (const text of texts) for (const form of formsOf(GOES)) expect(text.includes(form)).toBe(false);
  });

  test("leaves no trace of a secret on the host's disks: the whole of them", { timeout: 600_000 }, () => {
    const found = write("found", GOES);
    expect(filesWith(formsOf(GOES), started)).toEqual([found]);
  });

  test("is the last of its line: a lower sequence is refused from then on", async () => {
    // Another successor of the same giver, on a higher sequence; then the first again.
    const higher = { ...upgrade, sequence: 2 };
    const entries = [signUpgrade(upgrade, [0, 1]), signUpgrade(higher, [0, 1])];
    const given = await askGiver(logOf(entries));
    expect(given.status).toBe(200);
    expect(given.text).not.toContain(GOES);
    expect(await take(taker)).toMatchObject(refusal("EVIDENCE_STALE") as object);
  });
});

/** Files of this machine that were written since, on each of its file systems that holds files, and have one of the texts in them. */
function filesWith(texts: readonly string[], since: number): readonly string[] {
  const other = ["/tmp", "/var/tmp", "/run", "/dev/shm"].filter(
    (path) => existsSync(path) && statSync(path).dev !== statSync("/").dev,
  );
  const search = 'find / "$@" -xdev -type f -newerct "@$SINCE" -print0 | xargs -0 -r grep -lF -e "$TEXTS" --';
  const { stdout } = spawnSync("sh", ["-c", search, "sh", ...other], {
    env: { PATH: "/usr/bin:/bin", SINCE: String(since), TEXTS: texts.join("\n") },
    // Of files that end while it looks, and of folders that are somebody else's.
    stdio: ["ignore", "pipe", "ignore"],
  });
  return stdout.toString().split("\n").filter(Boolean);
}

/** Regular files that a process holds open, wherever they are: also those that were deleted. */
function openFilesOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString("hex"), bytes.toString("base64").replace(/=+$/, "")];
}
