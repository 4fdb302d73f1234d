/**
 * Chainlink's QuickJS (the javy plugin of npm, WebAssembly) in this process: the WASI calls and the host functions of CRE that it
 * imports. QuickJS calls synchronously; what has to be awaited is answered by running again with the answer: a workflow is
 * deterministic, or CRE would not run it.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { webAssembly } from "../../../runtime/agents/web-assembly.ts";
import { CRE_MODULES, decode, encode, sdk } from "./packages.ts";

const PLUGIN = "@chainlink/cre-sdk-javy-plugin/dist/javy-chainlink-sdk.plugin.wasm";
const plugin = new webAssembly.Module(readFileSync(join(CRE_MODULES, PLUGIN)));

/** WASI's errno for a file that there is not. */
const BAD_FILE = 8;
const NANOSECONDS = 1_000_000n;

export interface CapabilityCall {
  readonly id: string;
  readonly method: string;
  readonly callbackId: number;
  readonly payload: { readonly value: Uint8Array };
}
/** As CapabilityResponse's `response`. */
export type CapabilityReply =
  { readonly case: "payload"; readonly value: unknown } | { readonly case: "error"; readonly value: string };

/** A run came to a call whose reply is not known yet. */
export class Pending extends Error {
  readonly call: CapabilityCall;
  constructor(call: CapabilityCall) {
    super("a capability has to be called first");
    this.call = call;
  }
}

class Exited extends Error {}

export interface Run {
  readonly argv: readonly string[];
  readonly nowMs: number;
  readonly replies: ReadonlyMap<number, CapabilityReply>;
}

type HostFunctions = Readonly<Record<string, (...numbers: never[]) => unknown>>;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly cabi_realloc: (old: number, oldSize: number, align: number, size: number) => number;
  readonly "compile-src": (at: number, length: number) => number;
  readonly invoke: (at: number, length: number, hasName: number, name: number, nameLength: number) => void;
}

/** One instance: what a run wrote is in it. */
class Instance {
  readonly logs: string[] = [];
  response: Uint8Array | null = null;
  #stderr = "";
  readonly #calls = new Map<number, CapabilityCall>();
  readonly #run: Run;
  readonly #exports: Exports;

  constructor(run: Run) {
    this.#run = run;
    const imports = { wasi_snapshot_preview1: this.#wasi(), env: this.#creHost() };
    this.#exports = new webAssembly.Instance(plugin, imports).exports as unknown as Exports;
  }

  compile(source: string): Uint8Array {
    const result = this.#exports["compile-src"](...this.#give(Buffer.from(source)));
    const view = this.#view();
    const bytes = this.#bytes(view.getUint32(result + 4, true), view.getUint32(result + 8, true));
    if (view.getUint8(result) !== 0) throw new Error(`QuickJS: ${Buffer.from(bytes).toString()}`);
    return bytes;
  }

  /** @throws {Pending} */
  invoke(bytecode: Uint8Array): Uint8Array {
    try {
      this.#exports.invoke(...this.#give(bytecode), 0, 0, 0);
    } catch (error) {
      if (error instanceof Pending) throw error;
      if (!(error instanceof Exited)) throw new Error(`QuickJS: ${this.#stderr}`, { cause: error });
    }
    if (this.response === null) throw new Error(`the workflow gave no result: ${this.#stderr}`);
    return this.response;
  }

  #view(): DataView {
    return new DataView(this.#exports.memory.buffer);
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer).slice(at, at + length);
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.#bytes(at, length)).toString();
  }

  #write(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.#exports.memory.buffer).set(bytes, at);
  }

  #give(bytes: Uint8Array): [number, number] {
    const at = this.#exports.cabi_realloc(0, 0, 1, bytes.length);
    this.#write(at, bytes);
    return [at, bytes.length];
  }

  /** @returns the length, or -1 where there is too little room */
  #put(at: number, room: number, bytes: Uint8Array): bigint {
    if (bytes.length > room) return -1n;
    this.#write(at, bytes);
    return BigInt(bytes.length);
  }

  #wasi(): HostFunctions {
    const argv = this.#run.argv.map((argument) => Buffer.from(`${argument}\0`));
    const clock = (at: number): number => {
      this.#view().setBigUint64(at, BigInt(this.#run.nowMs) * NANOSECONDS, true);
      return 0;
    };
    return {
      args_sizes_get: (count: number, size: number) => {
        const view = this.#view();
        view.setUint32(count, argv.length, true);
        view.setUint32(
          size,
          argv.reduce((sum, { length }) => sum + length, 0),
          true,
        );
        return 0;
      },
      args_get: (pointers: number, buffer: number) => {
        let at = buffer;
        argv.forEach((argument, index) => {
          this.#view().setUint32(pointers + 4 * index, at, true);
          this.#write(at, argument);
          at += argument.length;
        });
        return 0;
      },
      environ_sizes_get: (count: number, size: number) => {
        this.#view().setUint32(count, 0, true);
        this.#view().setUint32(size, 0, true);
        return 0;
      },
      environ_get: () => 0,
      clock_time_get: (_id: number, _precision: bigint, at: number) => clock(at),
      // The same for each run, as a workflow's replay needs it.
      random_get: (at: number, length: number) => {
        this.#write(at, new Uint8Array(length).fill(7));
        return 0;
      },
      fd_write: (_fd: number, vectors: number, count: number, written: number) => {
        let total = 0;
        for (let index = 0; index < count; index += 1) {
          const at = this.#view().getUint32(vectors + 8 * index, true);
          const length = this.#view().getUint32(vectors + 8 * index + 4, true);
          this.#stderr += this.#text(at, length);
          total += length;
        }
        this.#view().setUint32(written, total, true);
        return 0;
      },
      fd_read: () => BAD_FILE,
      fd_close: () => 0,
      fd_seek: () => BAD_FILE,
      fd_fdstat_get: () => 0,
      fd_prestat_get: () => BAD_FILE,
      fd_prestat_dir_name: () => BAD_FILE,
      poll_oneoff: () => 0,
      proc_exit: (code: number) => {
        throw new Exited(`exit ${code}`);
      },
    };
  }

  #creHost(): HostFunctions {
    return {
      version_v2_typescript: () => undefined,
      switch_modes: () => undefined,
      random_seed: () => 42n,
      now: (at: number) => {
        this.#view().setBigUint64(at, BigInt(this.#run.nowMs) * NANOSECONDS, true);
        return 0;
      },
      log: (at: number, length: number) => void this.logs.push(this.#text(at, length)),
      send_response: (at: number, length: number) => {
        this.response = this.#bytes(at, length);
        return 0;
      },
      call_capability: (at: number, length: number) => {
        const call = decode<CapabilityCall>(sdk.CapabilityRequestSchema, this.#bytes(at, length));
        this.#calls.set(call.callbackId, call);
        return 0n;
      },
      await_capabilities: (at: number, length: number, out: number, room: number) => {
        const bytes = this.#bytes(at, length);
        const { ids } = decode<{ readonly ids: readonly number[] }>(
          sdk.AwaitCapabilitiesRequestSchema,
          bytes,
        );
        const responses = Object.fromEntries(ids.map((id) => [id, { response: this.#replyTo(id) }]));
        return this.#put(out, room, encode(sdk.AwaitCapabilitiesResponseSchema, { responses }));
      },
      // The template's secret goes to Confidential HTTP by its name: it asks for none itself.
      get_secrets: () => -1n,
      await_secrets: () => -1n,
    };
  }

  #replyTo(id: number): CapabilityReply {
    const reply = this.#run.replies.get(id);
    if (reply !== undefined) return reply;
    const call = this.#calls.get(id);
    if (call === undefined) throw new Error(`no call ${id} was made`);
    throw new Pending(call);
  }
}

/** Bytecode of a workflow's bundle. */
export function compileBundle(source: string): Uint8Array {
  return new Instance({ argv: ["compile"], nowMs: 0, replies: new Map() }).compile(source);
}

/** @throws {Pending} at the first call whose reply `run` has not got */
export function invoke(
  bytecode: Uint8Array,
  run: Run,
): { readonly response: Uint8Array; readonly logs: readonly string[] } {
  const instance = new Instance(run);
  return { response: instance.invoke(bytecode), logs: instance.logs };
}
