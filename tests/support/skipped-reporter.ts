import type { Reporter, TestModule } from "vitest/node";

/** Says at the end which tests did not run for want of a database: a skip that nobody sees is a hole. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules
      .flatMap((module) => [...module.children.allTests("skipped")])
      .filter(({ fullName }) => fullName.includes("on PostgreSQL"));
    if (skipped.length > 0) {
      process.stdout.write(
        `\n SKIPPED: ${skipped.length} tests on PostgreSQL, since DATABASE_URL is not set (.ci/run sets it).\n\n`,
      );
    }
  }
}
