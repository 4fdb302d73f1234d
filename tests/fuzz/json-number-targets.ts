/** Pairs of JSON numbers in every spelling, compared by their digits: held against a second reading that uses fractions. */

import { toOutputValues } from "../../runtime/output/abi-schema.ts";
import { parseExactJson, type ExactNumber } from "../../runtime/output/exact-json.ts";
import { OutputProblem } from "../../runtime/output/output-problem.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { parseJson } from "../../protocol/canonical-json.ts";
import { parseFixed } from "../../protocol/fixed-point.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import type { Random } from "./mutation.ts";
import { compareNumbers, isWhole } from "./number-reference.ts";
import type { FuzzTarget } from "./target.ts";

/** Zeros, ones and nines more often than others: there numbers go wrong. */
const digit = (random: Random): string => (random(2) === 0 ? "019"[random(3)]! : String(random(10)));
const digits = (most: number, random: Random): string =>
  Array.from({ length: 1 + random(most) }, () => digit(random)).join("");

function spell(random: Random): string {
  const whole = random(3) === 0 ? "0" : digits(22, random).replace(/^0+(?=.)/, "");
  const fraction = random(2) === 0 ? "" : `.${digits(22, random)}`;
  const exponent =
    random(3) > 0
      ? ""
      : `${"eE"[random(2)]!}${["", "+", "-"][random(3)]!}${digits(random(8) === 0 ? 20 : 3, random)}`;
  return `${random(3) === 0 ? "-" : ""}${whole}${fraction}${exponent}`;
}

/** The same value once more, or one that is close by. */
function respell(literal: string, random: Random): string {
  switch (random(5)) {
    case 0:
      return /[.eE]/.test(literal) ? literal : `${literal}.0`;
    case 1:
      return /[eE]/.test(literal) ? literal : `${literal}e0`;
    case 2:
      return /[.eE]/.test(literal) ? literal : `${literal}.00000000000000000000000001`;
    case 3:
      return /[.eE]|^-?0$/.test(literal) ? literal : `${literal}0e-1`;
    default:
      return spell(random);
  }
}

const BOUNDED = parseOutputType("(int128 whole -1000..9007199254740993, ufixed128x6 price)");

export const JSON_NUMBER_TARGETS: readonly FuzzTarget[] = [
  {
    kind: "json-numbers",
    seeds: () => Promise.resolve([toUtf8("[1,1.0]")]),
    mutate: (_genuine, random) => {
      const first = spell(random);
      return toUtf8(`[${first},${respell(first, random)}]`);
    },
    run: (input) => {
      parseJson(input);
      const [a, b] = parseExactJson(new TextDecoder().decode(input)) as readonly [ExactNumber, ExactNumber];
      const order = Math.sign(a.compare(b));
      const expected = compareNumbers(a.literal, b.literal);
      if (order !== expected || Math.sign(b.compare(a)) + expected !== 0)
        throw new Error(`${a.literal} and ${b.literal} compare as ${order}, and are ${expected}`);
      if ((String(a) === String(b)) !== (expected === 0))
        throw new Error("two values have one text, or one has two");
      for (const number of [a, b]) checkNumber(number);
      return Promise.resolve("the numbers are right");
    },
  },
];

function checkNumber(number: ExactNumber): void {
  if (number.isInteger() !== isWhole(number.literal))
    throw new Error(`${number.literal} is not what it is said to be`);
  if (compareNumbers(String(number), number.literal) !== 0)
    throw new Error(`${String(number)} is another number`);
  try {
    const [whole, price] = toOutputValues(BOUNDED, { whole: number, price: number });
    const [expectedWhole, expectedPrice] = [parseFixed(number.literal, 0), parseFixed(number.literal, 6)];
    if (whole !== expectedWhole || price !== expectedPrice)
      throw new Error(`${number.literal} became another number`);
    if (compareNumbers(number.literal, "9007199254740993") > 0 || compareNumbers(number.literal, "-1000") < 0)
      throw new Error(`${number.literal} is out of its bounds`);
  } catch (error) {
    if (!(error instanceof OutputProblem)) throw error;
  }
}
