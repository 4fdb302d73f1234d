/**
 * Compiles `enclave/init` with the locked compiler, which runs with the locked C library: the builder's own compiler, headers and
 * libraries have no part in what is measured (docs/adr/0054).
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { contentOf, type PackedFiles } from "./debian-package.ts";
import { run } from "./run.ts";

const SOURCES = join(import.meta.dirname, "../../enclave/init");

/** Each program and what it is made of, beside `entry.S`. */
const PROGRAMS = {
  init: [
    ...["init.c", "system.c", "operator-file.c", "dhcp.c", "dhcp-message.c"],
    ...["nitro.c", "tunnel.c", "vsock.c"],
  ],
  nsm: ["nsm.c", "system.c"],
} as const;
export type InitProgram = keyof typeof PROGRAMS;

export interface Toolchain {
  readonly compiler: PackedFiles;
  readonly libraries: PackedFiles;
  readonly headers: PackedFiles;
}

const LOADER = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const COMPILER_FILES = "usr/lib/x86_64-linux-gnu/tcc";

/** @param definitions of `image.h`: what the programs know of the image that they are in */
export function compileInit(
  toolchain: Toolchain,
  definitions: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<InitProgram, Uint8Array>> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-init-"));
  try {
    unpack(folder, toolchain);
    for (const name of readdirSync(SOURCES, { recursive: true, encoding: "utf8" }))
      if (/\.[chS]$/.test(name)) write(join(folder, "src", name), readFileSync(join(SOURCES, name)));
    write(join(folder, "src/image.h"), headerOf(definitions));
    const compile = (name: InitProgram): Uint8Array => {
      const out = join(folder, name);
      run(
        join(folder, LOADER),
        [
          ...["--library-path", join(folder, LIBRARIES), join(folder, "usr/bin/tcc")],
          ...["-B", COMPILER_FILES, "-nostdinc", "-nostdlib", "-static", "-Wall", "-Werror"],
          ...["-Isrc", `-I${COMPILER_FILES}/include`, "-Iusr/include", "-Iusr/include/x86_64-linux-gnu"],
          ...["src/entry.S", ...PROGRAMS[name].map((source) => `src/${source}`), "-o", out],
        ],
        { cwd: folder, env: {} },
      );
      return new Uint8Array(readFileSync(out));
    };
    return { init: compile("init"), nsm: compile("nsm") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function headerOf(definitions: Readonly<Record<string, readonly string[]>>): Uint8Array {
  const lines = Object.entries(definitions).map(
    ([name, texts]) => `#define ${name} ${texts.map((text) => JSON.stringify(text)).join(", ")}\n`,
  );
  return Buffer.from(lines.join(""));
}

function write(path: string, content: Uint8Array, mode = 0o644): void {
  createFolder(dirname(path));
  writeFileSync(path, content, { mode });
}

function unpack(folder: string, { compiler, libraries, headers }: Toolchain): void {
  const take = (files: PackedFiles, wanted: (path: string) => boolean): void => {
    for (const path of [...files.keys()].filter(wanted))
      write(join(folder, path), contentOf(files, path), 0o755);
  };
  take(compiler, (path) => path === "usr/bin/tcc" || path.startsWith(COMPILER_FILES));
  take(libraries, (path) => path === LOADER || path === `${LIBRARIES}/libc.so.6`);
  take(headers, (path) => /^usr\/include\/(?:linux|asm-generic|x86_64-linux-gnu\/asm)\//.test(path));
}
