/** Every test of `npm test`; what is long has a configuration of its own. */

import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { WaitingFirst } from "./tests/support/waiting-first.ts";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: [
      "tests/support/boundary-fixture/**",
      "tests/chaos/**",
      "tests/cre/**",
      "tests/epochs/**",
      "tests/functions/**",
      "tests/models/**",
      "tests/operators/**",
      "tests/image/boot/**",
      "tests/image/build/**",
      "tests/web/browser/**",
      "**/node_modules/**",
    ],
    // Failures and the duration: who wants each test by its name says --reporter verbose.
    reporters: ["minimal", "./tests/support/skipped-reporter.ts"],
    // A worker keeps the modules that it has loaded: to evaluate ethers, zod and our sources anew for each file took more
    // processor time than the tests of most files. A test that changes something of its process has to put it back.
    isolate: false,
    // Also on two cores, of which Vitest would use one: tests of processes mostly wait for them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: WaitingFirst },
    // Milliseconds: shared machines stand still for many seconds; a test that hangs is still ended.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    coverage: {
      provider: "v8",
      include: ["protocol/**/*.ts", "attestation/**/*.ts"],
      reporter: ["text-summary", "text"],
      // Just below what `npm run test:coverage` measures where the folder of real evidence is absent, as on a new machine.
      thresholds: { statements: 92, branches: 88, functions: 93, lines: 93 },
    },
  },
});
