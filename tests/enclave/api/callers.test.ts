import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Callers } from "../../../enclave/api/callers.ts";
import { Operator } from "../../../enclave/configuration/operator.ts";
import { CREDENTIAL, operatorFile } from "../support/configuration.ts";

const quota = { requestsPerMinute: 2, concurrent: 2 };
const unauthorized = expect.objectContaining({ code: "INPUT_UNAUTHORIZED" }) as unknown;
const bearer = (credential: string): string => `Bearer ${credential}`;

function callers(change: Partial<ReturnType<typeof operatorFile>["callers"]> = {}): Callers {
  const file = operatorFile();
  const operator = Operator.parse({ ...file, callers: { ...file.callers, ...change } });
  return new Callers(operator.callers, () => 0);
}

describe("a caller", () => {
  test("is known by the credential that the operator gave out", () => {
    expect(callers().identify(bearer(CREDENTIAL), false)).toMatchObject({ name: "oracle", keyOwner: false });
  });

  test.for([undefined, "Basic abc", bearer(""), bearer("a b"), bearer("wrong"), bearer("x".repeat(513))])(
    "with %j and no key is nobody",
    (authorization) => {
      expect(() => callers().identify(authorization, false)).toThrow(unauthorized);
    },
  );

  test("without a credential is served where the operator says so, and with a wrong one not even there", () => {
    const open = callers({ anonymous: quota });
    expect(open.identify(undefined, false).name).toBe("anonymous");
    expect(() => open.identify(bearer("wrong"), false)).toThrow(unauthorized);
  });

  test("with a key of its own is known by the credential that it chose", () => {
    const { name, keyOwner, credentialSha256 } = callers().identify(bearer("mine"), true);
    expect(keyOwner).toBe(true);
    expect(credentialSha256).toBe(`0x${createHash("sha256").update("mine").digest("hex")}`);
    expect(name).not.toBe(callers().identify(bearer("yours"), true).name);
  });

  test("with a key of its own still needs a credential, by which the key knows its owner", () => {
    expect(() => callers().identify(undefined, true)).toThrow(unauthorized);
  });

  test("with nothing but a key is refused where the operator says so", () => {
    expect(() => callers({ keyOwners: "refuse" }).identify(bearer("mine"), true)).toThrow(unauthorized);
  });
});

test("all who come with nothing but a key share one quota: making up owners gains nothing", () => {
  const shared = callers({ keyOwners: quota });
  for (const owner of ["one", "two"]) shared.identify(bearer(owner), true).limit.enter();
  expect(() => shared.identify(bearer("three"), true).limit.enter()).toThrow(
    expect.objectContaining({ code: "INPUT_RATE_LIMITED" }),
  );
});
