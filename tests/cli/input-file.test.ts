import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { judgeTarget, type TargetOptions } from "../../cli/verify/judge-target.ts";

const CLI = join(import.meta.dirname, "../../cli");

/** What is read there is ours: of the package, of npm's settings, or what the command itself has just written. */
const OWN_FILES = [
  "agent/create-project.ts",
  "agent/functions-entry.ts",
  "config.ts",
  "demo/run-demo.ts",
  "demo/treasury-stage.ts",
  "image/image-files.ts",
  "init/create-project.ts",
  "page/page-server.ts",
  "replay/load-sandbox.ts",
  "verify/page.ts",
];

test("no command reads a file that its caller names, but by the reader that is bounded", () => {
  const reading = readdirSync(CLI, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) =>
      /import \{[^}]*\b(?:readFile|readFileSync|createReadStream|readSync|open)\b[^}]*\} from "node:fs/.test(
        readFileSync(file, "utf8"),
      ),
    );
  expect(reading.map((file) => relative(CLI, file)).sort()).toEqual(OWN_FILES);
});

const EXAMPLES = join(CLI, "../examples/evidence");
const QUOTE = join(EXAMPLES, "simulated-quote.bin");
const RECEIPT = join(EXAMPLES, "simulated-receipt.json");

test.for<readonly [string, string, TargetOptions]>([
  ["what is judged", "/dev/zero", {}],
  ["--policy of evidence", QUOTE, { policy: "/dev/zero" }],
  ["--policy of a receipt", RECEIPT, { policy: "/dev/zero" }],
  ["--endorsements", QUOTE, { endorsements: "/dev/zero" }],
  ["--hosts", QUOTE, { hosts: "/dev/zero" }],
  ["--log-proof", RECEIPT, { logProof: "/dev/zero" }],
])("a file that never ends is refused as %s", async ([, target, options]) => {
  expect(await judgeTarget(target, options)).toMatchObject({
    exitCode: 64,
    report: { error: { code: "INPUT_TOO_LARGE" } },
  });
});
