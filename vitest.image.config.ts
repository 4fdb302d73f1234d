import { defineConfig } from "vitest/config";

/** `npm run test:image`: builds images and boots them, one file at a time. Needs QEMU, and Debian's archive or its packages. */
export default defineConfig({
  test: {
    include: ["tests/image/boot/**/*.test.ts", "tests/image/build/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
