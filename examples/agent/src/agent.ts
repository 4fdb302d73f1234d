import type { Host, Main } from "../agent.d.ts";
import { judgement } from "./question.ts";

type Input = { readonly text: string };
type Verdict = { readonly flagged: boolean; readonly severity: number; readonly reason: string };

const main: Main<Input, Verdict> = async ({ text }, host: Host) => {
  host.log("judging", text.length, "characters");
  const { value } = await host.model<Verdict>(judgement(text));
  return value;
};

export default main;
