import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Folders whose tests start processes and wait for them: minutes to a file, and more seconds than processor time. */
const WAITING = ["/tests/integration/", "/tests/docs/", "/tests/oracle/"];

/** The files that take longest begin first, so that no worker is left alone with one of them at the end. */
export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = WAITING.findIndex((folder) => moduleId.includes(folder));
      return found < 0 ? WAITING.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
