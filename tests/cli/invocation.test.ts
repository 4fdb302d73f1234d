import { join } from "node:path";
import { expect, test } from "vitest";
import { asTyped, commandLine, commandLineFrom, commandName, installedName } from "../../cli/invocation.ts";

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

const CLONE = join(import.meta.dirname, "../..");

test("outside of the clone npm is told where it is", () => {
  expect(commandName(join(CLONE, "docs"))).toBe("npm run -s adyton --");
  expect(commandName(join(CLONE, ".."))).toBe(`npm run -s --prefix ${CLONE} adyton --`);
  expect(commandName("/")).toBe(`npm run -s --prefix ${CLONE} adyton --`);
});

test("a command line for another folder says where the clone is", () => {
  expect(commandLineFrom("/", "up")).toBe(`npm run -s --prefix ${CLONE} adyton -- up`);
});

test.for([
  ["adyton", undefined, "adyton"],
  ["/usr/bin/adyton-node", undefined, "adyton-node"],
  ["/project/node_modules/.bin/adyton", "exec", "npx adyton"],
  ["/project/node_modules/.bin/adyton-node", "exec", "npx adyton-node"],
  ["/project/node_modules/.bin/adyton", "run-script", "adyton"],
] as const)("%s, started by npm's %s, is typed as %s", ([script, npmCommand, typed]) => {
  expect(installedName(script, npmCommand)).toBe(typed);
});

test.for([
  ["`adyton up` starts one", "`npm run -s adyton -- up` starts one"],
  ["adyton oracle peer-key FILE writes one", "npm run -s adyton -- oracle peer-key FILE writes one"],
  ["adyton verify: cannot read x", "adyton verify: cannot read x"],
  ["npm run -s adyton -- up", "npm run -s adyton -- up"],
  ["adyton-node up", "adyton-node up"],
  ["npx adyton up", "npx adyton up"],
  ["/srv/adyton up", "/srv/adyton up"],
  ["this installation of adyton has no examples", "this installation of adyton has no examples"],
] as const)("%s is typed here as %s", ([text, typed]) => {
  expect(asTyped(text)).toBe(typed);
});
