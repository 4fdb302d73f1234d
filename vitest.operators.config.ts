import { defineConfig } from "vitest/config";

/** `npm run test:operators`: three operators with nodes, stores and enclaves of their own; each in turn down, lying, withholding. */
export default defineConfig({
  test: {
    include: ["tests/operators/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
