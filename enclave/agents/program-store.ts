import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseProgram, type Program } from "../../protocol/agent-program.ts";

/** Bytes of programs that are kept; the oldest go first. Whoever asks for one that is gone brings it again. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

export interface StoredProgram {
  readonly program: Program;
  readonly file: Uint8Array;
}

/** Programs by their hash, in memory: a payload then names one without carrying it. */
export class ProgramStore {
  readonly #programs = new Map<Hex, StoredProgram>();
  #bytes = 0;

  /** @throws {InputError} as `parseProgram` */
  add(file: Uint8Array): Program {
    const program = parseProgram(file);
    if (this.#programs.has(program.hash)) return program;
    this.#programs.set(program.hash, { program, file });
    this.#bytes += file.length;
    for (const [hash, { file: old }] of this.#programs) {
      if (this.#bytes <= MAX_KEPT_BYTES) break;
      this.#programs.delete(hash);
      this.#bytes -= old.length;
    }
    return program;
  }

  /** @throws {InputError} INPUT_NOT_FOUND */
  get(hash: Hex): StoredProgram {
    const stored = this.#programs.get(hash);
    if (stored !== undefined) return stored;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "this enclave does not have that program" });
  }
}
