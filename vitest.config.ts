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
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["protocol/**/*.ts", "attestation/**/*.ts"],
      reporter: ["text-summary", "text"],
    },
  },
});
