/** The signs of progress while something takes long: colours and a line that moves, where the terminal takes them. */

import pc from "picocolors";

/** `isColorSupported` takes a machine of continuous integration for a terminal: what is piped or kept stays plain there, too. */
const isTerminal = process.stdout.isTTY as boolean | undefined;
const colors = pc.createColors(pc.isColorSupported && isTerminal === true);

export const paint = {
  good: colors.green,
  bad: colors.red,
  /** Needs attention, and is no failure. */
  wary: colors.yellow,
  dim: colors.dim,
  strong: colors.bold,
} as const;

/** The beginning of a hash or an id: enough to tell two of them apart by eye, and a line keeps its 80 columns. */
export function shorten(hash: string): string {
  return `${hash.slice(0, 10)}…`;
}

/** Controls of a terminal, and characters that turn the direction of what stands around them; lines and tabs stay. */
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** What a model, a server or a file said, with nothing in it that a terminal would obey: it could clear our verdict and print its own. */
export function printable(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (character) => `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
  );
}

/** The same on one line: a line that it begins itself could look like one of ours, such as a verdict. */
export function printableLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return printable(lines.length === 1 ? text : lines.join(" ").trim());
}

/** The same with its own lines, of which all but the first stand `indent` columns to the right of ours. */
export function printableBelow(text: string, indent: number): string {
  return printable(text).replaceAll("\n", `\n${" ".repeat(indent)}`);
}

/** Prose for a terminal: broken between words where the terminal's line ends, with the lines after the first indented. */
export function wrap(
  text: string,
  indent: number,
  columns = process.stdout.columns as number | undefined,
): string {
  if (columns === undefined || columns <= 2 * indent) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<= )/u)) {
    if (line.length + word.trimEnd().length > columns && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(indent);
    }
    line += word;
  }
  return [...lines, line].join("\n");
}

/** Where lines end that are piped, or of a terminal that does not say how wide it is. */
export const DEFAULT_COLUMNS = 80;
/** A line's margin and, in a list, what stands before its second column. */
const LEAD = /^ *(?:\S+(?: \S+)* {2,})?/u;
/** A line to be pasted. */
const COMMAND = /^ +(?:adyton|adyton-node|npm run -s) /u;

/**
 * Text that is laid out already, with the lines that are too long broken: each goes on below its own beginning, or its second column. A
 * command stays one for the shell.
 */
export function fold(text: string, columns: number): string {
  return text
    .split("\n")
    .map((line) => {
      if (line.length <= columns) return line;
      const lead = LEAD.exec(line)?.[0].length ?? 0;
      if (COMMAND.test(line)) return wrap(line, lead + 2, columns - 2).replaceAll("\n", " \\\n");
      return wrap(line, lead, columns);
    })
    .join("\n");
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const FRAME_MS = 100;
const CLEAR_LINE = "\r\u001b[K";

export interface Waiting {
  /** Says what is waited for from now on, also after `end`. */
  readonly on: (what: string) => void;
  /** Takes the line away; what is printed next starts at the margin. */
  readonly end: () => void;
}

/** A line on stderr that shows what is waited for, and since when. Nothing at all where stderr is no terminal. */
export function showWaiting(what: string, stream: NodeJS.WriteStream = process.stderr): Waiting {
  if (!stream.isTTY) return { on: () => undefined, end: () => undefined };
  let current = what;
  let since = performance.now();
  let frame = 0;
  const draw = (): void => {
    const seconds = Math.floor((performance.now() - since) / 1000);
    frame = (frame + 1) % FRAMES.length;
    stream.write(`${CLEAR_LINE}${paint.dim(`${FRAMES[frame] ?? ""} ${current} … ${seconds} s`)}`);
  };
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    draw();
    timer ??= setInterval(draw, FRAME_MS).unref();
  };
  start();
  return {
    on: (next) => {
      current = next;
      since = performance.now();
      start();
    },
    end: () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      stream.write(CLEAR_LINE);
    },
  };
}
