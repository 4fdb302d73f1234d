import { defineConfig } from "vitest/config";

/** `npm run test:cre`: one network of real processes, and Chainlink's own runtime and forwarder (tools/cre). */
export default defineConfig({
  test: {
    include: ["tests/cre/**/*.test.ts"],
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 180_000,
    hookTimeout: 400_000,
  },
});
