/** Rule: whoever verifies through the library, the command or the page is refused a platform whose TCB level is revoked. */

import { expect, test } from "vitest";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import { checkNotRevoked } from "../../../attestation/evidence/recognise-evidence.ts";
import type { AdytonError } from "../../../protocol/errors.ts";
import { codeOf } from "../../support/code-of.ts";
import { tcbLevel } from "../../support/fake-intel.ts";
import { verifyFakeQuote } from "../../support/verify-fake-quote.ts";

const withStatus = async (status: string) =>
  await verifyFakeQuote({ tcbInfo: { tcbLevels: [tcbLevel(3, status)] } });

test("a revoked level is refused with what held until then, and no other status is", async () => {
  const revoked = await withStatus("Revoked");
  let thrown: unknown;
  try {
    checkNotRevoked(revoked);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "EVIDENCE_REVOKED", details: { tcbStatus: "Revoked" } });
  const checks = checksOf(thrown as AdytonError).map(({ name, ok }) => [name, ok]);
  expect(checks).toContainEqual(["quote signature", true]);
  expect(checks.at(-1)).toEqual(["platform", false]);
  for (const status of ["UpToDate", "OutOfDate", "SWHardeningNeeded"]) {
    const verified = await withStatus(status);
    expect(
      codeOf(() => {
        checkNotRevoked(verified);
      }),
    ).toBe("nothing thrown");
  }
});
