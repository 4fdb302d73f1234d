/** Rule: the quick loop starts nothing, and who writes a test need not think of it. */

import { expect, test } from "vitest";
import { startingTests } from "../support/starting-tests.ts";

const found = startingTests();

test.for([
  ["a process", "tests/cli/stumbles.test.ts"],
  ["a whole network, through its helpers", "tests/integration/ask.test.ts"],
  ["a chain", "tests/oracle/enclaves/enclave-client.test.ts"],
  ["a store", "tests/oracle/engine/job-queue.test.ts"],
  ["a browser", "tests/browser/attestation.test.ts"],
] as const)("finds a test that starts %s", ([, file]) => {
  expect(found).toContain(file);
});

test.for([
  ["reads files", "tests/cli/help.test.ts"],
  ["only tests what could start something", "tests/cli/npm-options.test.ts"],
] as const)("leaves in a test that %s", ([, file]) => {
  expect(found).not.toContain(file);
});
