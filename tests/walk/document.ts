/** A page, and which of its commands were typed: the walk types what stands in a page, and nothing that does not. */

import { commandsOf, promisedStatus } from "./commands.ts";
import { NOT_TYPED } from "./not-typed.ts";
import type { Background, Terminal, Typed } from "./terminal.ts";

export interface Document {
  readonly text: string;
  /**
   * Types a command of the page. It must end with the status that the page promises, or with `status`.
   *
   * @param as what is typed instead, where the page has a place to fill in
   */
  readonly type: (
    command: string,
    options?: { readonly as?: string; readonly status?: number },
  ) => Promise<Typed>;
  /** What an earlier part of the walk typed, or what each later command brings along: `cd`, a variable. */
  readonly typedBefore: (command: string) => void;
  readonly start: (command: string, ready: RegExp) => Promise<Background>;
  /** @throws {Error} when a command of the page was neither typed nor is listed with a reason */
  readonly finish: () => void;
}

export function openDocument(page: string, text: string, terminal: Terminal): Document {
  const commands = commandsOf(text);
  const excused = NOT_TYPED.filter((row) => row.page === page).map(({ command }) => command);
  const typed = new Set<string>();
  const take = (command: string): void => {
    if (!commands.includes(command)) throw new Error(`${page} has no command ${command}`);
    typed.add(command);
  };
  return {
    text,
    typedBefore: take,
    type: async (command, { as = command, status = promisedStatus(text, command) } = {}) => {
      take(command);
      return await terminal.type(as, status);
    },
    start: async (command, ready) => {
      take(command);
      return await terminal.start(command, ready);
    },
    finish: () => {
      const left = commands.filter((command) => !typed.has(command) && !excused.includes(command));
      if (left.length > 0) throw new Error(`${page}: not typed: ${left.join("; ")}`);
    },
  };
}
