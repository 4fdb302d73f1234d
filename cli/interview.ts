/** Questions that a person answers on the terminal, one line each; or a file of such lines. Questions go to stderr: what is printed stays plain. */

import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { AdytonError, InputError } from "../protocol/errors.ts";

export interface Question<T> {
  /** For messages: `the coordinator`. */
  readonly name: string;
  readonly text: string;
  /** Shown above it, once: what has been found out, or a command to paste. */
  readonly hint?: string;
  /** Taken for an empty line, and shown. */
  readonly fallback?: string;
  /** @throws {AdytonError} saying what is wrong with the answer */
  readonly take: (answer: string) => T | Promise<T>;
}

export interface Interview {
  /**
   * Asks until an answer is taken, where a person types; a file's answer that is refused ends it, since its next line answers another question.
   *
   * @throws {InputError} INPUT_INVALID when there are no more lines
   */
  readonly ask: <T>(question: Question<T>) => Promise<T>;
  readonly close: () => void;
}

export interface InterviewOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Whether somebody types, and may try again. */
  readonly isTyped: boolean;
  /** Ends the interview, with the signal's reason. */
  readonly signal: AbortSignal;
  /** Ctrl-C in a terminal that hands it to whoever reads. */
  readonly onInterrupt: () => void;
}

export function openInterview({ input, output, isTyped, signal, onInterrupt }: InterviewOptions): Interview {
  const reader = createInterface({ input, output, terminal: isTyped, signal });
  reader.on("SIGINT", onInterrupt);
  // Not `question`: what is piped comes in one piece, and lines that nobody has asked for yet must be kept.
  const lines = reader[Symbol.asyncIterator]();
  const readLine = async (name: string, prompt: string): Promise<string> => {
    if (isTyped) {
      reader.setPrompt(prompt);
      reader.prompt();
    } else {
      output.write(`${prompt}\n`);
    }
    const { done, value } = await lines.next();
    signal.throwIfAborted();
    if (done !== true) return value.trim();
    if (isTyped) output.write("\n");
    throw new InputError({
      code: "INPUT_INVALID",
      message: `no answer was given for ${name}: nothing was written. Type each answer, or pipe one a line`,
    });
  };
  return {
    ask: async ({ name, text, hint, fallback, take }) => {
      if (hint !== undefined) output.write(`${hint}\n`);
      const prompt = fallback === undefined ? `${text}: ` : `${text} [${fallback}]: `;
      for (;;) {
        const answer = (await readLine(name, prompt)) || (fallback ?? "");
        try {
          return await take(answer);
        } catch (error) {
          if (!(error instanceof AdytonError)) throw error;
          if (!isTyped) throw named(name, error as AdytonError);
          output.write(`  ${error.message}\n`);
        }
      }
    },
    close: () => {
      reader.close();
    },
  };
}

function named(name: string, cause: AdytonError): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `${name}: ${cause.message}`, cause });
}
