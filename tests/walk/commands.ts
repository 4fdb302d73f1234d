/** The commands that a page of the documentation has its reader type: the lines of its `sh` blocks. */

/** First words of what is typed; a block without a language may hold a protocol's lines instead. */
const PROGRAMS =
  /^(?:[A-Z]+=\S+ ?)?(?:adyton|adyton-node|cd|cp|createdb|forge|node|npm|npx|pg_dump|pg_restore|printf|rm|sh|tar)\b|^[A-Z]+=\S+$/;
const FENCE = /^ *```(\w*)\n(.*?)^ *```$/gms;

/** In their order, without their comments; what a `\` continues is one command. */
export function commandsOf(page: string): readonly string[] {
  return [...page.matchAll(FENCE)]
    .filter(([, language]) => language === "sh" || language === "")
    .flatMap(([, , block = ""]) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => withoutComment(line.trim()))
    .filter((line) => PROGRAMS.test(line));
}

/** What stands behind a command for its reader: a shell's comment, or words that two or more spaces part from it. */
const withoutComment = (line: string): string => line.replace(/\s+# .*$|\s{2,}\S.*$/s, "").trim();

/** The exit status that a page promises behind a command, as `# exit 4`; 0 where it promises none. */
export function promisedStatus(page: string, command: string): number {
  const line = page
    .split("\n")
    .find((text) => text.trim().startsWith(`${command} `) && / # exit \d/.test(text));
  return Number(/ # exit (\d+)/.exec(line ?? "")?.[1] ?? 0);
}
