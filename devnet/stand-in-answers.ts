/**
 * The stand-in model's replies: fixed rules over the text of the last message, in the shape that was asked for. It knows
 * nothing and pretends nothing; equal questions get equal answers.
 */

type Schema = { readonly [key: string]: unknown };

interface Judgement {
  readonly severity: number;
  readonly reason: string;
  /** To a question of which it has the answer. */
  readonly isSo?: boolean;
}

/** The questions of which it has the answer: those that this project's own pages tell a newcomer to ask. */
const ANSWERS: readonly (readonly [RegExp, boolean, string])[] = [
  [/\bis water wet\b/iu, true, "water makes wet whatever it touches"],
];

/** Words and how bad they are, from 1 to 10. */
const WORDS: readonly (readonly [RegExp, number, string])[] = [
  [/\b(?:kill|murder|bomb|shoot)\w*\b/iu, 9, "threatens violence"],
  [/\b(?:hate|vermin|subhuman)\w*\b/iu, 7, "is hateful"],
  [/\b(?:scam|phish|steal|seed phrase|private key)\w*\b/iu, 6, "looks like fraud"],
  [/\b(?:idiot|stupid|moron|trash)\w*\b/iu, 4, "insults"],
  [/\b(?:damn|crap)\w*\b/iu, 1, "is mildly rude"],
];

/** From this severity on, a text is flagged. */
const FLAGGED_FROM = 3;

function judge(text: string): Judgement {
  const known = ANSWERS.find(([pattern]) => pattern.test(text));
  if (known !== undefined)
    return { severity: 0, reason: `${known[2]} (rule of the stand-in)`, isSo: known[1] };
  const hit = WORDS.find(([pattern]) => pattern.test(text));
  return hit === undefined
    ? { severity: 0, reason: "no rule of the stand-in matches" }
    : { severity: hit[1], reason: `the text ${hit[2]} (rule of the stand-in)` };
}

/** Bytes that "in exactly N bytes" may ask for. */
const MAX_EXACT = 60_000;

/** Free text: sums and products are worked out, lengths are kept to, anything else is given back. */
export function answerText(question: string): string {
  const exactly = Number(/\bin exactly (\d{1,6}) bytes\b/u.exec(question)?.[1] ?? 0);
  if (exactly > 0) {
    return "So it is. "
      .repeat(Math.ceil(Math.min(exactly, MAX_EXACT) / 10))
      .slice(0, Math.min(exactly, MAX_EXACT));
  }
  const { isSo, reason } = judge(question);
  if (isSo !== undefined) return `${isSo ? "Yes" : "No"}: ${reason}.`;
  const sum = /(-?\d{1,9})\s*([-+*×])\s*(-?\d{1,9})/u.exec(question);
  if (sum !== null) {
    const [a, b] = [Number(sum[1]), Number(sum[3])];
    const result = sum[2] === "+" ? a + b : sum[2] === "-" ? a - b : a * b;
    return `${a} ${sum[2] ?? ""} ${b} = ${result}`;
  }
  const shown = Array.from(question.trim()).slice(0, 200).join("");
  return `This is the stand-in model: it has no knowledge of its own. You asked: ${shown}`;
}

/** What the stand-in is told to say, it says: of several orders the last, whoever gave it. So can a model be talked into anything. */
const ORDER = /say exactly: (\{[^{}]*\})/gu;

/** JSON text that fits `schema`; or what the question orders. */
export function answerStructured(question: string, schema: unknown): string {
  const ordered = [...question.matchAll(ORDER)].at(-1)?.[1];
  if (ordered !== undefined) return ordered;
  return JSON.stringify(fill(isSchema(schema) ? schema : {}, "", { question, ...judge(question) }));
}

interface Context extends Judgement {
  readonly question: string;
}

function fill(schema: Schema, name: string, context: Context): unknown {
  const { type } = schema;
  const choices = schema["enum"];
  if (Array.isArray(choices)) return pick(choices as readonly unknown[], context);
  if (schema["const"] !== undefined) return schema["const"];
  switch (Array.isArray(type) ? (type as readonly unknown[])[0] : type) {
    case "object": {
      const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
      return Object.fromEntries(
        Object.entries(properties).map(([key, child]) => [
          key,
          fill(isSchema(child) ? child : {}, key, context),
        ]),
      );
    }
    case "array":
      return Array.from({ length: listLength(schema) }, () =>
        fill(isSchema(schema["items"]) ? schema["items"] : {}, name, context),
      );
    case "boolean":
      return context.isSo ?? context.severity >= FLAGGED_FROM;
    case "integer":
    case "number":
      return clamp(
        context.severity,
        Number(schema["minimum"] ?? -Infinity),
        Number(schema["maximum"] ?? Infinity),
      );
    case "null":
      return null;
    default:
      return fillString(textOf(schema["description"]), name, context);
  }
}

/** The enclave's schemas tell in words what a string must hold: an integer in bounds, bytes, an address. */
function fillString(description: string, name: string, context: Context): string {
  const bounds = /an integer from (-?\d+) to (-?\d+), as a decimal string/u.exec(description);
  if (bounds !== null) return String(clampBig(context, BigInt(bounds[1] ?? 0), BigInt(bounds[2] ?? 0)));
  const digits = /0x and (\d+) hex digits/u.exec(description)?.[1];
  if (digits !== undefined) return `0x${"00".repeat(Number(digits) / 2)}`;
  if (description.includes("0x and an even number")) return "0x";
  return /reason|why|explan|rationale|comment/iu.test(name) ? context.reason : answerText(context.question);
}

function pick(choices: readonly unknown[], { question, isSo }: Context): unknown {
  const said = isSo === undefined ? question.toLowerCase() : isSo ? "yes" : "no";
  const named = choices.find((choice) => typeof choice === "string" && said.includes(choice.toLowerCase()));
  return named ?? choices[0] ?? null;
}

function listLength(schema: Schema): number {
  const exact = /exactly (\d+) items/u.exec(textOf(schema["description"]))?.[1];
  return Number(exact ?? schema["minItems"] ?? 0);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function clampBig({ severity }: Context, min: bigint, max: bigint): bigint {
  const value = BigInt(severity);
  return value < min ? min : value > max ? max : value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
