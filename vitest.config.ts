import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: [
      "tests/support/boundary-fixture/**",
      "tests/chaos/**",
      "tests/functions/**",
      "**/node_modules/**",
    ],
    reporters: ["default", "./tests/support/skipped-reporter.ts"],
    // Milliseconds: shared machines stand still for many seconds; a test that hangs is still ended.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    coverage: {
      provider: "v8",
      include: ["protocol/**/*.ts", "attestation/**/*.ts"],
      reporter: ["text-summary", "text"],
    },
  },
});
