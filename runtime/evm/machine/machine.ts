/**
 * The Ethereum virtual machine, for calls that look: it runs code over proven state and keeps nothing. Rules of Osaka. What views have
 * no use for (creating contracts, most precompiles) is refused by its name: a wrong value would be worse than none.
 */

import { Frame, type FrameEnd, type Message, type Surroundings } from "./frame.ts";
import { Halt } from "./halt.ts";
import { OPERATIONS } from "./operations.ts";
import type { State } from "./state.ts";

const STOP = 0;

/** @throws {StateMissing} {NotSupported} */
export function runMessage(message: Message, state: State, surroundings: Surroundings): FrameEnd {
  const run = (inner: Message): FrameEnd =>
    runFrame(new Frame(inner, { state, surroundings, runMessage: run }));
  return run(message);
}

function runFrame(frame: Frame): FrameEnd {
  const { code } = frame.message;
  try {
    for (;;) {
      const operation = OPERATIONS[code[frame.pc] ?? STOP];
      if (operation === undefined) throw new Halt("no such operation");
      frame.pc += 1;
      if (operation.gas > 0) frame.charge(operation.gas);
      operation.run(frame);
      if (frame.end !== null) return { ...frame.end, gasLeft: frame.gas };
    }
  } catch (error) {
    if (error instanceof Halt) return { isOk: false, data: new Uint8Array(), gasLeft: 0 };
    throw error;
  }
}
