/** One program's world: an engine started from a snapshot, its gas, and the one function through which it reaches the host. */

import {
  allocate,
  EngineOutOfMemory,
  instantiateEngine,
  readRepairedText,
  readText,
  withText,
  type EngineExports,
  type Handle,
} from "./engine.ts";
import { webAssembly, type WasmModule } from "./web-assembly.ts";

/** The engine with its prelude, before any program: made once in a process, the same in all of them. */
export interface SandboxImage {
  readonly module: WasmModule;
  readonly memory: Uint8Array;
  readonly stackPointer: number;
  readonly runtime: number;
  readonly context: number;
  /** The prelude's one function. */
  readonly enter: Handle;
}

export interface SandboxFiles {
  readonly engine: Uint8Array<ArrayBuffer>;
  readonly prelude: Uint8Array;
}

/** WeakRef and FinalizationRegistry show when memory is collected, and `performance` the time. The rest is the language. */
const INTRINSICS = 0xffff_ffff & ~(1 << 9) & ~(1 << 10);
/** Bytes of the engine's own stack: reached before `MAX_DEPTH` by JavaScript that recurses, and then an error that it can catch. */
const STACK_BYTES = 128 * 1024;
/** More than starting takes. */
const BOOT_GAS = 1n << 40n;
const EVAL_MODULE = 1;

/** @throws {RangeError} for files that are no engine and prelude */
export function createSandboxImage(files: SandboxFiles): SandboxImage {
  const module = new webAssembly.Module(files.engine);
  const engine = instantiateEngine(module, { now: 0, call: () => 0 });
  engine.gas.value = BOOT_GAS;
  engine._initialize();
  if (engine.qjs_init2(INTRINSICS) !== 0) throw new RangeError("the engine does not start");
  engine.qjs_set_max_stack_size(STACK_BYTES);
  const text = new TextDecoder().decode(files.prelude);
  const enter = evaluate(engine, { text, name: "prelude.js", flags: 0 });
  if (engine.qjs_is_exception(enter) !== 0) throw new RangeError("the prelude does not run");
  const callHost = withText(engine, "callHost", (at, length) => engine.qjs_new_host_function(at, length, 2));
  const install = withText(engine, "install", (at, length) => engine.qjs_new_string(at, length));
  call(engine, enter, [install, callHost]);
  return {
    module,
    memory: new Uint8Array(engine.memory.buffer).slice(),
    stackPointer: engine.__stack_pointer.value,
    runtime: engine.qjs_get_runtime_ptr(),
    context: engine.qjs_get_context_ptr(),
    enter,
  };
}

interface Script {
  readonly text: string;
  readonly name: string;
  readonly flags: number;
}

function evaluate(engine: EngineExports, { text, name, flags }: Script): Handle {
  return withText(engine, text, (code, length) =>
    withText(engine, name, (nameAt) => engine.qjs_eval(code, length, nameAt, flags)),
  );
}

function call(engine: EngineExports, callee: Handle, args: readonly Handle[]): Handle {
  const at = allocate(engine, 4 * args.length);
  const view = new DataView(engine.memory.buffer);
  for (const [index, arg] of args.entries()) view.setUint32(at + 4 * index, arg, true);
  const result = engine.qjs_call(callee, engine.qjs_get_undefined(), args.length, at);
  engine.wasm_free(at);
  for (const arg of args) engine.qjs_free_value(arg);
  return result;
}

/** Why a program can run no further. */
export type Trap = "outOfGas" | "tooDeep" | "outOfMemory";

/** The program is over, and so is its sandbox. */
export class SandboxTrap extends Error {
  readonly trap: Trap;

  constructor(trap: Trap, cause?: unknown) {
    super(`the program was ended: ${trap}`, { cause });
    this.trap = trap;
  }
}

export interface SandboxOptions {
  readonly gas: bigint;
  readonly memoryBytes: number;
  /** Seconds. */
  readonly now: number;
  /** A text of the program's, for the host: gives what the prelude's `HostFunction` gives. Throws nothing. */
  readonly onCall: (op: string, args: string) => number;
}

/** Every method runs the program until it waits for the host. @throws {SandboxTrap} from any of them */
export class Sandbox {
  readonly #engine: EngineExports;
  readonly #image: SandboxImage;
  readonly #onCall: SandboxOptions["onCall"];

  constructor(image: SandboxImage, options: SandboxOptions) {
    this.#image = image;
    this.#onCall = options.onCall;
    const engine = instantiateEngine(image.module, {
      now: options.now,
      call: (_self, count, args) => this.#callHost(count, args),
    });
    this.#engine = engine;
    const missing = Math.ceil((image.memory.length - engine.memory.buffer.byteLength) / 65_536);
    if (missing > 0) engine.memory.grow(missing);
    new Uint8Array(engine.memory.buffer).set(image.memory);
    engine.gas.value = BOOT_GAS;
    engine.qjs_set_runtime_and_context(image.runtime, image.context);
    engine.__stack_pointer.value = image.stackPointer;
    engine.qjs_set_memory_limit(options.memoryBytes);
    // Last, so that what the host did until here costs the program nothing.
    engine.gas.value = options.gas;
  }

  get gasLeft(): bigint {
    return this.#engine.gas.value;
  }

  /** Evaluates the program's module and calls its default export. */
  start(source: string, input: string, terms: string): void {
    this.#run((engine) => {
      const loaded = evaluate(engine, { text: source, name: "program.js", flags: EVAL_MODULE });
      if (engine.qjs_is_exception(loaded) !== 0) {
        engine.qjs_free_value(engine.qjs_get_exception());
        throw new ProgramNotLoaded("the program does not compile");
      }
      this.#enter(["start", loaded, input, terms]);
    });
  }

  /** Gives call `number` its result. */
  settle(number: number, result: string): void {
    this.#run(() => {
      this.#enter(["settle", number, result]);
    });
  }

  #enter([what, ...args]: readonly [string, ...(string | number)[]]): void {
    const engine = this.#engine;
    const text = (value: string): Handle =>
      withText(engine, value, (at, length) => this.#made(engine.qjs_new_string(at, length)));
    // The promise of `start` is a handle already; the number of `settle` becomes one.
    const handles = args.map((arg) =>
      typeof arg === "string" ? text(arg) : what === "settle" ? engine.qjs_new_number(arg) : arg,
    );
    const result = call(engine, this.#image.enter, [text(what), ...handles]);
    if (engine.qjs_is_exception(result) !== 0) this.#drop();
    engine.qjs_free_value(result);
  }

  /** @throws {SandboxTrap} for an exception in place of a value: there was no memory for it */
  #made(handle: Handle): Handle {
    if (this.#engine.qjs_is_exception(handle) !== 0) throw new SandboxTrap("outOfMemory");
    return handle;
  }

  #drop(): void {
    this.#engine.qjs_free_value(this.#engine.qjs_get_exception());
  }

  #run(step: (engine: EngineExports) => void): void {
    const engine = this.#engine;
    try {
      step(engine);
      while (engine.qjs_is_job_pending() !== 0) {
        // What a program throws rejects a promise: a job that fails itself found no memory, which no program can catch.
        if (engine.qjs_execute_pending_job() < 0) throw new SandboxTrap("outOfMemory");
      }
    } catch (error) {
      throw this.#trapOf(error);
    }
  }

  /** The limit that ended the program, by the engine's counts; an error of the host's own passes through. */
  #trapOf(error: unknown): unknown {
    if (error instanceof EngineOutOfMemory) return new SandboxTrap("outOfMemory", error);
    if (!(error instanceof webAssembly.RuntimeError)) return error;
    if (this.#engine.gas.value < 0n) return new SandboxTrap("outOfGas", error);
    return new SandboxTrap("tooDeep", error);
  }

  /** Never throws an Error into the engine: its stack, with the host's paths, would be the program's to read. */
  #callHost(count: number, args: number): Handle {
    const engine = this.#engine;
    const view = new DataView(engine.memory.buffer);
    // The host's own work, and the way there and back; what is below zero ends the program at its next step.
    engine.gas.value -= CROSSING_GAS;
    if (count < 2) return engine.qjs_new_number(MALFORMED);
    const op = readText(engine, view.getUint32(args, true));
    const textAt = view.getUint32(args + 4, true);
    // The words of an error are a program's own, and no JSON: they end it whatever they are.
    const text = op === "throw" ? readRepairedText(engine, textAt) : readText(engine, textAt);
    const result = op === null || text === null ? MALFORMED : this.#onCall(op, text);
    return engine.qjs_new_number(result);
  }
}

/** Measured: some microseconds, where a unit is half a nanosecond. */
const CROSSING_GAS = 5_000n;
/** The prelude passes texts alone; whoever passes something else has got hold of the function, and gets nothing. */
const MALFORMED = -2;

/** Not JavaScript, or no module without imports. */
export class ProgramNotLoaded extends Error {}
