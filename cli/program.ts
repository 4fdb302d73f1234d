/** What the whole command (main.ts) and the light one (light.ts) share: its help, its version, and how it ends. */

import { Command, Help } from "commander";
import { npmSettings, npmVariables } from "./config.ts";
import { endWithReader, report } from "./failure.ts";
import { asTyped, commandName } from "./invocation.ts";
import { checkNpmTookNothing } from "./npm-options.ts";
import { DEFAULT_COLUMNS, fold } from "./terminal.ts";

const EXIT_HELP = `
Exit status:
  0   done; for verify: genuine, and accepted by a policy
  1   verify: not genuine; other commands: failed
  2   verify: genuine, refused by the policy
  3   verify: cannot judge (endorsements missing or out of date)
  4   verify: genuine, not appraised (no policy given)
  64  wrong usage, or a file that cannot be read
  69  a program that is needed is not installed
  130 interrupted
  141 what is printed was not taken: no reader, or a full disk`;

/** Where help and messages about wrong usage go. */
export interface ProgramOutput {
  readonly columns: number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Of what is no terminal Node knows no width. */
const width = process.stdout.columns as number | undefined;
const TERMINAL: ProgramOutput = {
  columns: width ?? DEFAULT_COLUMNS,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

export function createProgram(output: ProgramOutput = TERMINAL): Command {
  const laidOut = (text: string): string => fold(asTyped(text), output.columns);
  return (
    new Command(commandName())
      .description("Ask centralized models from contracts, through enclaves, and verify what was answered.")
      .version("0.1.0")
      // Before lines are broken, so that they keep their columns; what is laid out already is written as it is.
      .configureHelp({
        commandDescription: (command) => asTyped(command.description()),
        subcommandDescription: (command) => asTyped(command.description()),
        optionDescription: (option) => asTyped(Help.prototype.optionDescription(option)),
      })
      .configureOutput({
        getOutHelpWidth: () => output.columns,
        getErrHelpWidth: () => output.columns,
        writeOut: (text) => {
          output.out(laidOut(text));
        },
        writeErr: (text) => {
          // Not broken: it has a command to paste.
          output.err(asTyped(withQuotesHint(withDashHint(text))));
        },
      })
      .addHelpText("after", EXIT_HELP)
      .exitOverride()
  );
}

/** A question, a message or a file that begins with a dash is taken for an option, and no option has a space, a digit or a question mark. */
function withDashHint(text: string): string {
  const [, taken] = /^error: unknown option '(-[^']*[\s\d?!.,][^]*)'$/mu.exec(text) ?? [];
  return taken === undefined
    ? text
    : `${text}(what begins with a dash and is no option stands after --, as in: … -- "${taken}")\n`;
}

/** A question or a path that a shell took apart at its spaces, or several files at once. */
function withQuotesHint(text: string): string {
  return /^error: too many arguments for .* Expected 1 argument but/mu.test(text)
    ? `${text}(one at a time; what has a space in it stands in quotes)\n`
    : text;
}

/** Parses the command line and runs what it calls; every failure becomes a message and an exit status. */
export async function run(program: Command): Promise<void> {
  endWithReader();
  sayWhereHelpIs(program, commandName());
  try {
    checkNpmTookNothing(program, process.argv.slice(2), {
      environment: npmVariables(),
      settings: npmSettings,
    });
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** After a mistake, each command names its own help. */
function sayWhereHelpIs(command: Command, typed: string): void {
  const what = command.commands.length > 0 ? "the commands" : "what it takes";
  command.showHelpAfterError(`(${typed} --help lists ${what})`);
  for (const inner of command.commands) sayWhereHelpIs(inner, `${typed} ${inner.name()}`);
}
