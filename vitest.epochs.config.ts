import { defineConfig } from "vitest/config";

/** `npm run test:epochs`: circuits and proofs, one file at a time: each of them uses every core. */
export default defineConfig({
  test: {
    include: ["tests/epochs/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
