/** Which step of an answer's way a CPU profile of the node (`--cpu-prof`) has its time in. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** From the chain to a job; from the job to a recorded answer; from there to a settled request. */
const STEPS = ["follow", "ask", "send"] as const;
export type Step = (typeof STEPS)[number];

/** Whose work a source file's is, the first that matches: files of the store belong to whoever writes by them. */
const FILES: readonly (readonly [RegExp, Step])[] = [
  [/\/oracle\/store\/(?:answers|receipts|quorums|phases|peer-leaves)\.ts$/u, "ask"],
  [/\/oracle\/store\/(?:transactions\/|settlements)/u, "send"],
  [/\/oracle\/store\/(?:blocks|request-rows|unserved|admissions)\.ts$/u, "follow"],
  [
    /\/oracle\/(?:relay\/(?:asking|plans\/quorum)|enclaves|engine\/(?:job-queue|engine)|payloads|peers)/u,
    "ask",
  ],
  [/\/oracle\/(?:transmitter|relay\/plans|relay\/chain-transactions|chain\/signing)/u, "send"],
  [/\/oracle\/chain\/contracts\/(?:batch|settlement|quorum|coordinator)/u, "send"],
  [/\/oracle\/(?:relay\/intake|relay\/chain-relay|chain\/)/u, "follow"],
];

const Profile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
type Profile = z.output<typeof Profile>;

/**
 * The part of each step in the time that can be told apart. The rest (the driver of the database, TLS, memory) has no caller that says whose it
 * is, and is shared out in proportion.
 */
export function stepShares(profile: Profile): Readonly<Record<Step, number>> {
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const urls = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.url]));
  const spent: Record<Step, number> = { follow: 0, ask: 0, send: 0 };
  profile.samples.forEach((sample, index) => {
    const step = stepOf(sample, parents, urls);
    if (step !== undefined) spent[step] += profile.timeDeltas[index] ?? 0;
  });
  const all = STEPS.reduce((sum, step) => sum + spent[step], 0);
  return { follow: spent.follow / all, ask: spent.ask / all, send: spent.send / all };
}

/** The innermost of our own files decides: who calls it is often nobody but the event loop. */
function stepOf(
  sample: number,
  parents: ReadonlyMap<number, number>,
  urls: ReadonlyMap<number, string>,
): Step | undefined {
  for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
    const url = urls.get(id) ?? "";
    const found = FILES.find(([pattern]) => pattern.test(url));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/** The profile that Node left in `folder` when the process ended. */
export function readProfile(folder: string): Profile {
  const [file] = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`the node has left no profile in ${folder}`);
  return Profile.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));
}
