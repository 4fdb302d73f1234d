import { AdytonError } from "../../protocol/errors.ts";

/** The code that `work` ends with, or "genuine". */
export async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "genuine";
  } catch (error) {
    if (error instanceof AdytonError) return (error as AdytonError).code;
    throw error;
  }
}
