import { beforeAll, describe, expect, test } from "vitest";
import { parseAppraisalPolicy, type AppraisalPolicy } from "../../../attestation/index.ts";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { describeSimulator } from "../../../devnet/simulator.ts";
import { looksLikeReceipt } from "../../../attestation/receipt/looks-like-receipt.ts";
import { verifyReceiptFile } from "../../../cli/verify/receipt.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { ChainError, EvidenceError } from "../../../protocol/errors.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

const NOW = 1_793_491_200;

let file: Uint8Array;
let policy: AppraisalPolicy;
beforeAll(async () => {
  file = await createSampleReceipt({ where: "on chain" });
  ({ policy } = await describeSimulator("default", NOW));
});

const withText = (change: (text: string) => string): Uint8Array =>
  toUtf8(change(new TextDecoder().decode(file)));

describe("exit status and report of a receipt", () => {
  test("0 when a policy that names the simulator accepts it", async () => {
    const { exitCode, report } = await verifyReceiptFile(file, { policy, further: null });
    expect(exitCode).toBe(ExitCode.ok);
    expect(report).toMatchObject({ kind: "receipt", verified: true, appraised: true });
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    expect(report.checks.map(({ name }) => name)).toContain("policy: mrTd");
  });

  test("4 without a policy: genuine, and nothing was appraised", async () => {
    const { exitCode, report } = await verifyReceiptFile(file, { policy: null, further: null });
    expect(exitCode).toBe(ExitCode.notAppraised);
    expect(report).toMatchObject({ verified: true, appraised: null });
    expect(report).not.toHaveProperty("error");
  });

  test.for([
    ["output", /"output":"0x../, "output"],
    ["transcript", /"returnedModel":"./, "transcript-root"],
    ["evidence", /"bytes":"0x04/, "evidence-hash"],
    ["keyset", /"payee":"0x./, "keyset"],
    ["signature", /"signature":"0x./, "signature"],
    ["coordinator", /"coordinator":"0x./, "domain"],
    ["chain id", /"verifyingContract":"0x./, "domain"],
  ] as const)("1 when a byte of the %s changes, naming the check", async ([, pattern, check]) => {
    const changed = withText((text) =>
      text.replace(pattern, (found) => found.slice(0, -1) + (found.endsWith("7") ? "8" : "7")),
    );
    expect(changed).not.toEqual(file);
    const { exitCode, report } = await verifyReceiptFile(changed, { policy, further: null });
    expect(exitCode).toBe(ExitCode.notGenuine);
    expect(report).toMatchObject({ verified: false, appraised: null });
    expect(report.checks.find(({ ok }) => !ok)).toMatchObject({ name: check, state: "fails" });
    // Independent steps go on: the last of all is still said, in one way or the other.
    expect(report.checks.map(({ name }) => name)).toContain("binding");
    expect(report.error?.code).toMatch(/^EVIDENCE_/);
  });

  test("1 for one that is cut off, wherever: in the middle of a string, too", async () => {
    const lengths = [0.2, 0.5, 0.9].map((part) => Math.floor(part * file.length));
    for (const length of [...lengths, file.length - 1]) {
      const { exitCode, report } = await verifyReceiptFile(file.slice(0, length), { policy, further: null });
      expect(exitCode).toBe(ExitCode.notGenuine);
      expect(report.error?.code).toBe("EVIDENCE_MALFORMED");
    }
  });

  test.for([
    ["a byte order mark", (text: string) => `\ufeff${text}`],
    ["line ends and spaces", (text: string) => `${JSON.stringify(JSON.parse(text), null, 2)}\r\n`],
  ] as const)("0 with %s, which change nothing that was signed", async ([, change]) => {
    const { exitCode, report } = await verifyReceiptFile(withText(change), { policy, further: null });
    expect(exitCode).toBe(ExitCode.ok);
    expect(report.checks[0]).toMatchObject({ name: "format", state: "as seen" });
  });

  test("1 for a letter in another case", async () => {
    const changed = withText((text) =>
      text.replace(/(0x[0-9]*)([a-f])/, (_, a: string, b: string) => a + b.toUpperCase()),
    );
    const { exitCode, report } = await verifyReceiptFile(changed, { policy, further: null });
    expect(exitCode).toBe(ExitCode.notGenuine);
    expect(report.checks.at(-1)?.name).toBe("format");
  });

  test("2 when the policy refuses the simulator, as every policy does that does not name it", async () => {
    const refusing = parseAppraisalPolicy({ ...policy, simulator: { refuse: true } });
    const { exitCode, report } = await verifyReceiptFile(file, { policy: refusing, further: null });
    expect(exitCode).toBe(ExitCode.refused);
    expect(report).toMatchObject({ verified: true, appraised: false });
    expect(report.error?.code).toBe("APPRAISAL_SIMULATED_REFUSED");
  });

  test("2 when the policy names another measurement", async () => {
    const other = {
      ...policy,
      simulator: { ...policy.simulator, mrTd: { oneOf: [`0x${"11".repeat(48)}`] } },
    };
    const { exitCode, report } = await verifyReceiptFile(file, {
      policy: parseAppraisalPolicy(other),
      further: null,
    });
    expect(exitCode).toBe(ExitCode.refused);
    expect(report.error?.code).toBe("APPRAISAL_MEASUREMENT_UNKNOWN");
  });

  test("3 when its endorsements are none that can be read", async () => {
    const changed = withText((text) => text.replace('"endorsements":{}', '"endorsements":{"intel":{}}'));
    const { exitCode, report } = await verifyReceiptFile(changed, { policy, further: null });
    expect(exitCode).toBe(ExitCode.cannotJudge);
    expect(report.error?.code).toBe("ENDORSEMENT_MALFORMED");
  });

  test("3 when the chain cannot be asked, 1 when it says otherwise", async () => {
    const fails = (error: Error) => () => Promise.reject(error);
    const dead = new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "dead",
      details: { check: "chain" },
    });
    const unavailable = await verifyReceiptFile(file, { policy, further: fails(dead) });
    expect(unavailable.exitCode).toBe(ExitCode.cannotJudge);
    const lie = new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "not fulfilled",
      details: { check: "fulfilment" },
    });
    const denied = await verifyReceiptFile(file, { policy, further: fails(lie) });
    expect(denied.exitCode).toBe(ExitCode.notGenuine);
    expect(denied.report.checks.at(-1)).toMatchObject({ name: "fulfilment", ok: false });
  });
});

test("a damaged receipt is still recognised as a receipt, and evidence is not", () => {
  expect(looksLikeReceipt(file)).toBe(true);
  expect(looksLikeReceipt(file.subarray(0, file.length - 100))).toBe(true);
  expect(looksLikeReceipt(toUtf8('{"quote":"0x04"}'))).toBe(false);
  expect(looksLikeReceipt(new Uint8Array([4, 0, 2, 0]))).toBe(false);
});
