/** WebAssembly's API as far as the engine needs it: the same in Node and browsers, and in neither's library of types alone. */

/** Opaque: a compiled module. */
export type WasmModule = object & { readonly __brand?: "module" };

export interface WasmGlobal<Value> {
  value: Value;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  readonly grow: (pages: number) => number;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: object };
  readonly RuntimeError: new () => Error;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
