import { expect, test } from "vitest";
import { commandLine } from "../../cli/invocation.ts";

test.for([
  [["up"], "npm run -s adyton -- up"],
  [["ask", "Is water wet?"], 'npm run -s adyton -- ask "Is water wet?"'],
  [["ask", 'a "b"'], "npm run -s adyton -- ask 'a \"b\"'"],
  [["ask", "it's $5"], String.raw`npm run -s adyton -- ask 'it'\''s $5'`],
  [
    ["verify", "a/b.json", "--policy", "my policy.json"],
    'npm run -s adyton -- verify a/b.json --policy "my policy.json"',
  ],
  [["ask", ""], 'npm run -s adyton -- ask ""'],
] as const)("%j is pasted as %s", ([args, line]) => {
  expect(commandLine(...args)).toBe(line);
});
