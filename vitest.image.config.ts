import { defineConfig } from "vitest/config";

/** `npm run test:image`: builds images and boots them, one file at a time. Needs QEMU, and Debian's archive or its packages. */
export default defineConfig({
  test: {
    include: ["tests/image/boot/**/*.test.ts", "tests/image/build/**/*.test.ts"],
    fileParallelism: false,
    // Milliseconds. A boot takes 15 to 30 s on two quiet cores, and ten times that on busy ones.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
