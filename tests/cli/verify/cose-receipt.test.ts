import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppraisalPolicy } from "../../../attestation/index.ts";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { describeSimulator } from "../../../devnet/simulator.ts";
import { verifyCoseFile } from "../../../cli/verify/cose-receipt.ts";
import { answerDigest } from "../../../protocol/answer.ts";
import { parseReceipt } from "../../../protocol/receipt.ts";
import { runAdyton } from "../../support/adyton-command.ts";
import { createSampleTwin } from "../../support/sample-cose-receipt.ts";
import { createSampleLog, fillerStatement } from "../../support/sample-log.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

const receipt = await createSampleReceipt({ where: "on chain" });
const other = await createSampleReceipt({ where: "off chain" });
const twin = createSampleTwin(receipt);
const { domain, answer, keyset } = parseReceipt(receipt);
const ownLog = createSampleLog(keyset);
ownLog.append(answer.requestId, answerDigest(domain, answer));
const ownProof = ownLog.inclusion(answer.requestId);
let policy: AppraisalPolicy;
let folder: string;
beforeAll(async () => {
  ({ policy } = await describeSimulator("default", 1_793_491_200));
  folder = mkdtempSync(join(tmpdir(), "adyton-twin-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("exit status and report of a receipt's twin", () => {
  test("0 with the receipt and a policy that accepts it", async () => {
    const { exitCode, report } = await verifyCoseFile(twin, receipt, { policy, further: null });
    expect(exitCode).toBe(ExitCode.ok);
    expect(report).toMatchObject({ kind: "coseReceipt", verified: true, appraised: true });
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    const names = report.checks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["twin: signature", "signature", "binding", "statement"]));
  });

  test("4 with the receipt and without a policy", async () => {
    const further = () => Promise.resolve([{ name: "chain", ok: true, detail: "" } as const]);
    const { exitCode, report } = await verifyCoseFile(twin, receipt, { policy: null, further });
    expect(exitCode).toBe(ExitCode.notAppraised);
    expect(report.checks.map(({ name }) => name).slice(-2)).toEqual(["statement", "chain"]);
  });

  test("3 without the receipt: nothing shows who holds the key", async () => {
    const { exitCode, report } = await verifyCoseFile(twin, null, { policy, further: null });
    expect(exitCode).toBe(ExitCode.cannotJudge);
    expect(report).toMatchObject({ verified: false, error: { code: "ENDORSEMENT_UNAVAILABLE" } });
    expect(report.claims["status"]).toBe("ok");
  });

  test("1 beside another receipt", async () => {
    const { exitCode, report } = await verifyCoseFile(twin, other, { policy, further: null });
    expect(exitCode).toBe(ExitCode.notGenuine);
    expect(report.checks.at(-1)).toMatchObject({ name: "statement", ok: false });
  });

  test("1 when the twin was changed", async () => {
    const changed = new Uint8Array(twin);
    changed[changed.length - 1]! ^= 1;
    const { exitCode, report } = await verifyCoseFile(changed, receipt, { policy, further: null });
    expect(exitCode).toBe(ExitCode.notGenuine);
    expect(report.checks.at(-1)).toMatchObject({ name: "twin: signature", ok: false });
  });
});

describe("adyton verify", () => {
  test("recognises a twin, and takes the receipt that it must agree with", async () => {
    const file = (name: string, bytes: Uint8Array): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const twinFile = file("twin.cose", twin);
    const args = ["verify", twinFile, "--receipt", file("receipt.json", receipt), "--json"];
    const judged = await runAdyton(args);
    expect(judged.code).toBe(ExitCode.notAppraised);
    expect(JSON.parse(judged.stdout)).toMatchObject({ kind: "coseReceipt", verified: true, appraised: null });
    const alone = await runAdyton(["verify", twinFile]);
    expect(alone.code).toBe(ExitCode.cannotJudge);
    expect(alone.stdout).toContain("--receipt FILE");
  });

  test("refuses --receipt for anything else", async () => {
    writeFileSync(join(folder, "receipt.json"), receipt);
    const path = join(folder, "receipt.json");
    const { code, stdout } = await runAdyton(["verify", path, "--receipt", path, "--json"]);
    expect(code).toBe(ExitCode.usage);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "INPUT_INVALID" } });
  });

  test("takes a proof that the log has the statement", async () => {
    const path = join(folder, "receipt.json");
    writeFileSync(path, receipt);
    const foreign = createSampleLog(keyset);
    const { requestId, digest } = fillerStatement(0);
    foreign.append(requestId, digest);
    writeFileSync(join(folder, "foreign.tlog-proof"), foreign.inclusion(requestId));
    const args = ["verify", path, "--log-proof", join(folder, "foreign.tlog-proof"), "--json"];
    const refused = await runAdyton(args);
    expect(refused.code).toBe(ExitCode.cannotJudge);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "ENDORSEMENT_MISMATCH" } });
    writeFileSync(join(folder, "own.tlog-proof"), ownProof);
    const held = await runAdyton([...args.slice(0, 3), join(folder, "own.tlog-proof"), "--json"]);
    expect(held.code).toBe(ExitCode.notAppraised);
    expect((JSON.parse(held.stdout) as { checks: unknown[] }).checks.at(-1)).toMatchObject({
      name: "log",
      ok: true,
    });
  });
});
