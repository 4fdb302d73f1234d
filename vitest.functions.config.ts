import { defineConfig } from "vitest/config";

/** `npm run test:functions`: a chain, an enclave and simulated nodes for one file at a time; the toolkit is not safe otherwise. */
export default defineConfig({
  test: {
    include: ["tests/functions/**/*.test.ts"],
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
