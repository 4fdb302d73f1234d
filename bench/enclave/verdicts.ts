/** How long the enclave is busy with the worst of answers, from a model's text to the output or to what is wrong with it. */

import { OutputKind } from "../../protocol/prompt.ts";
import { createOutputContract, type OutputContract } from "../../runtime/output/output-contract.ts";

const typed = (schema: string): OutputContract =>
  createOutputContract({ kind: OutputKind.abi, schema, choices: [] });
const json = (schema: object): OutputContract =>
  createOutputContract({ kind: OutputKind.json, schema: JSON.stringify(schema), choices: [] });
const list = (count: number, item: string): string => `[${Array<string>(count).fill(item).join(",")}]`;

/** Values that an answer of 64 KiB has room for: a word each, beside the list's own two. */
const VALUES = 2_046;
/** Characters that are read of an answer (`output-contract.ts`). */
const CHARACTERS = 262_000;
const CHECKSUMMED = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";

/** By kind, the answers that cost most. */
const ANSWERS: readonly (readonly [contract: OutputContract, text: string])[] = [
  [typed("(uint8[] a)"), `{"a":${list(VALUES, "7")}}`],
  [typed("(uint256[] a)"), `{"a":${list(VALUES, `"${2n ** 256n - 1n}"`)}}`],
  [typed("(address[] a)"), `{"a":${list(VALUES, `"${CHECKSUMMED}"`)}}`],
  [typed("(bytes a)"), `{"a":"0x${"ab".repeat(65_400)}"}`],
  [typed("(string a)"), `{"a":"${"\\u0041".repeat(43_000)}"}`],
  [typed("((uint8 a, bool b)[] t)"), `{"t":${list(VALUES / 2 - 1, '{"a":1,"b":true}')}}`],
  [typed("(uint8 a)"), `{"a":1e${"9".repeat(CHARACTERS)}}`],
  [typed("(bool a)"), `\`\`\`json\n${" ".repeat(CHARACTERS)}x`],
  [json({ type: "array", items: { type: "integer", minimum: 0 } }), list(8_192, "1")],
  [json({ type: "array", items: { type: "string", maxLength: 9 } }), list(8_000, '"abcde"')],
];
const ROUNDS = 5;

/** Milliseconds of processor time that the slowest of them takes, once its code is compiled. */
export function measureVerdicts(): number {
  return Math.max(
    ...ANSWERS.map(([contract, text]) =>
      Math.min(...Array.from({ length: ROUNDS }, () => measureVerdict(contract, text))),
    ),
  );
}

function measureVerdict(contract: OutputContract, text: string): number {
  const before = process.cpuUsage();
  try {
    contract.toOutput(text);
  } catch {
    // What is wrong with it is a verdict, too.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
