import { defineConfig } from "vitest/config";

/** The pages in Debian's Chromium: `npm run test:web`; `npm run test:web:ci` for what the continuous integration has time for. */
export default defineConfig({
  test: {
    include: ["tests/web/browser/**/*.test.ts"],
    reporters: ["minimal", "./tests/support/skipped-reporter.ts"],
    // Each file has a browser of its own: one at a time is faster on two cores.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
