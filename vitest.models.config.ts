import { defineConfig } from "vitest/config";

/** `npm run test:models`: small models over 10,000 inputs each, on a chain and in onnxruntime-node. */
export default defineConfig({
  test: {
    include: ["tests/models/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
