/**
 * The engine's C interface, as far as a run needs it: QuickJS in WebAssembly, metered (tools/meter-wasm.ts). Written by hand: the
 * package's own binding converts values both ways, and here nothing but texts and numbers crosses.
 */

import { webAssembly, type WasmGlobal, type WasmMemory, type WasmModule } from "./web-assembly.ts";

/** JSValues are handles: addresses of boxes on the engine's heap. */
export type Handle = number;

export interface EngineExports {
  readonly memory: WasmMemory;
  readonly __stack_pointer: WasmGlobal<number>;
  /** Units that are left; below zero the engine traps. */
  readonly gas: WasmGlobal<bigint>;
  /** Of nested calls; above its fixed limit the engine traps. */
  readonly depth: WasmGlobal<number>;
  readonly _initialize: () => void;
  readonly wasm_malloc: (size: number) => number;
  readonly wasm_free: (pointer: number) => void;
  readonly qjs_init2: (intrinsics: number) => number;
  readonly qjs_set_memory_limit: (bytes: number) => void;
  readonly qjs_set_max_stack_size: (bytes: number) => void;
  readonly qjs_get_runtime_ptr: () => number;
  readonly qjs_get_context_ptr: () => number;
  readonly qjs_set_runtime_and_context: (runtime: number, context: number) => void;
  readonly qjs_eval: (code: number, length: number, name: number, flags: number) => Handle;
  readonly qjs_call: (callee: Handle, self: Handle, count: number, args: number) => Handle;
  readonly qjs_new_string: (text: number, length: number) => Handle;
  readonly qjs_new_number: (value: number) => Handle;
  readonly qjs_new_host_function: (name: number, length: number, arity: number) => Handle;
  readonly qjs_get_undefined: () => Handle;
  readonly qjs_get_float64: (value: Handle) => number;
  readonly qjs_is_string: (value: Handle) => number;
  readonly qjs_is_exception: (value: Handle) => number;
  readonly qjs_get_string_len: (value: Handle, lengthAt: number) => number;
  readonly qjs_free_cstring: (text: number) => void;
  readonly qjs_dup_value: (value: Handle) => Handle;
  readonly qjs_free_value: (value: Handle) => void;
  readonly qjs_get_exception: () => Handle;
  readonly qjs_is_job_pending: () => number;
  readonly qjs_execute_pending_job: () => number;
}

/** The engine's calls to its host; every other import answers that there is nothing. */
export interface EngineHost {
  /** Seconds: the same for a whole run. */
  readonly now: number;
  /** A call of the one host function. */
  readonly call: (self: Handle, count: number, args: number) => Handle;
}

const WASI_OK = 0;
const WASI_BAD_DESCRIPTOR = 8;
const NANOSECONDS = 1_000_000_000n;

export function instantiateEngine(module: WasmModule, host: EngineHost): EngineExports {
  const instance = new webAssembly.Instance(module, {
    env: {
      host_call: (_name: number, _length: number, self: Handle, count: number, args: number) =>
        host.call(self, count, args),
      host_interrupt: () => 0,
      host_promise_rejection: () => undefined,
      // A program is one module: whatever it imports is not there.
      host_module_normalize: () => 0,
      host_module_load: () => 0,
      host_get_timezone_offset: () => 0,
    },
    wasi_snapshot_preview1: {
      clock_time_get: (_clock: number, _precision: bigint, at: number) => {
        new DataView(exports.memory.buffer).setBigUint64(at, BigInt(host.now) * NANOSECONDS, true);
        return WASI_OK;
      },
      // Chance is the prelude's, from the run's seed.
      random_get: (at: number, length: number) => {
        new Uint8Array(exports.memory.buffer, at, length).fill(0);
        return WASI_OK;
      },
      fd_write: () => WASI_BAD_DESCRIPTOR,
      fd_close: () => WASI_BAD_DESCRIPTOR,
      fd_seek: () => WASI_BAD_DESCRIPTOR,
      fd_fdstat_get: () => WASI_BAD_DESCRIPTOR,
    },
  });
  const exports = instance.exports as unknown as EngineExports;
  return exports;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Hands `use` the address of a text's UTF-8 on the engine's heap, with a zero behind it; @throws {EngineOutOfMemory} */
export function withText<T>(engine: EngineExports, text: string, use: (at: number, length: number) => T): T {
  const bytes = encoder.encode(text);
  const at = allocate(engine, bytes.length + 1);
  const memory = new Uint8Array(engine.memory.buffer);
  memory.set(bytes, at);
  memory[at + bytes.length] = 0;
  const result = use(at, bytes.length);
  engine.wasm_free(at);
  return result;
}

/** The engine has no memory left for what the host brings. */
export class EngineOutOfMemory extends Error {}

export function allocate(engine: EngineExports, bytes: number): number {
  const at = engine.wasm_malloc(bytes);
  if (at === 0) throw new EngineOutOfMemory("the engine has no memory left");
  return at;
}

const repairing = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The text of a string; null for any other value, which is not converted, since that would run the program; and for one with half of
 * a surrogate pair, which has no UTF-8 and could be neither hashed nor recorded.
 */
export function readText(engine: EngineExports, value: Handle): string | null {
  return readString(engine, value, decoder);
}

/** As `readText`, with a replacement character for whatever has no UTF-8. */
export function readRepairedText(engine: EngineExports, value: Handle): string | null {
  return readString(engine, value, repairing);
}

function readString(engine: EngineExports, value: Handle, utf8: typeof decoder): string | null {
  if (engine.qjs_is_string(value) === 0) return null;
  const lengthAt = allocate(engine, 4);
  const at = engine.qjs_get_string_len(value, lengthAt);
  if (at === 0) throw new EngineOutOfMemory("the engine has no memory left");
  const length = new DataView(engine.memory.buffer).getUint32(lengthAt, true);
  try {
    return utf8.decode(new Uint8Array(engine.memory.buffer, at, length));
  } catch {
    return null;
  } finally {
    engine.qjs_free_cstring(at);
    engine.wasm_free(lengthAt);
  }
}
