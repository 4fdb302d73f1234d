import { expect, test } from "vitest";
import { stepShares } from "../../../bench/oracle/profile-steps.ts";

const URLS = {
  root: "",
  tls: "node:_tls_wrap",
  asking: "file:///adyton/oracle/relay/asking/answerer.ts",
  answers: "file:///adyton/oracle/store/answers.ts",
  sender: "file:///adyton/oracle/transmitter/sender.ts",
  journal: "file:///adyton/oracle/relay/intake/journal.ts",
  kysely: "file:///adyton/node_modules/kysely/dist/query.js",
} as const;

/** A profile of stacks, outermost first, and how long each was seen. */
function profileOf(
  stacks: readonly (readonly [readonly (keyof typeof URLS)[], number])[],
): Parameters<typeof stepShares>[0] {
  const nodes: { id: number; callFrame: { functionName: string; url: string }; children: number[] }[] = [];
  const samples = stacks.map(([names]) => {
    const ids = names.map((name) => {
      const id = nodes.length + 1;
      nodes.push({ id, callFrame: { functionName: name, url: URLS[name] }, children: [] });
      return id;
    });
    ids.forEach((id, index) => {
      if (index > 0) nodes[(ids[index - 1] ?? 0) - 1]?.children.push(id);
    });
    return ids.at(-1) ?? 0;
  });
  return { nodes, samples, timeDeltas: stacks.map(([, time]) => time) };
}

test("counts a sample for the innermost of our files, whoever calls it and whatever it calls", () => {
  const shares = stepShares(
    profileOf([
      [["root", "asking", "kysely"], 30],
      [["root", "sender", "answers"], 10],
      [["root", "sender"], 40],
      [["root", "journal", "kysely"], 20],
    ]),
  );
  expect(shares).toEqual({ ask: 0.4, send: 0.4, follow: 0.2 });
});

test("shares out in proportion what nobody's caller explains", () => {
  const known = [
    [["root", "asking"], 30],
    [["root", "sender"], 10],
  ] as const;
  expect(stepShares(profileOf([...known, [["root", "tls"], 500]]))).toEqual(stepShares(profileOf(known)));
});
