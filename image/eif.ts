/**
 * Nitro enclave image files, without docker and nitro-cli.
 * Source: github.com/aws/aws-nitro-enclaves-image-format, README, version 4. All integers are big-endian.
 */

import { crc32 } from "node:zlib";
import { InputError } from "../protocol/errors.ts";

const HEADER_SIZE = 548;
const HEADER = {
  version: 4,
  memory: 8,
  processors: 16,
  sections: 26,
  offsets: 28,
  sizes: 284,
  checksum: 544,
} as const;
const SECTION_HEADER_SIZE = 12;
const MAGIC = ".eif";
const VERSION = 4;
const MAX_SECTIONS = 32;
const KERNEL = 1;
const CMDLINE = 2;
const RAMDISK = 3;
const METADATA = 5;

/** Hints, which nitro-cli's options replace: bytes, and processors. */
const DEFAULT_MEMORY = 1024n * 1024n * 1024n;
const DEFAULT_PROCESSORS = 2n;

export interface Eif {
  readonly kernel: Uint8Array;
  readonly cmdline: string;
  readonly ramdisks: readonly Uint8Array[];
}

/** What nitro-cli wants to find and no register has. The times are zero: the same parts give the same bytes. */
const NOTHING_BUILT_IT = {
  ImageName: "adyton-enclave",
  ImageVersion: "1",
  BuildMetadata: {
    BuildTime: "1970-01-01T00:00:00Z",
    BuildTool: "adyton",
    BuildToolVersion: "1",
    OperatingSystem: "Linux",
    KernelVersion: "",
  },
  DockerInfo: {},
  CustomMetadata: null,
};

export function writeEif({ kernel, cmdline, ramdisks }: Eif): Uint8Array {
  const sections: readonly (readonly [number, Uint8Array])[] = [
    [KERNEL, kernel],
    [CMDLINE, Buffer.from(cmdline)],
    [METADATA, Buffer.from(JSON.stringify(NOTHING_BUILT_IT))],
    ...ramdisks.map((ramdisk): readonly [number, Uint8Array] => [RAMDISK, ramdisk]),
  ];
  const header = Buffer.alloc(HEADER_SIZE);
  header.write(MAGIC, "latin1");
  header.writeUInt16BE(VERSION, HEADER.version);
  header.writeBigUInt64BE(DEFAULT_MEMORY, HEADER.memory);
  header.writeBigUInt64BE(DEFAULT_PROCESSORS, HEADER.processors);
  header.writeUInt16BE(sections.length, HEADER.sections);
  const parts: Buffer[] = [];
  let offset = HEADER_SIZE;
  sections.forEach(([type, content], index) => {
    header.writeBigUInt64BE(BigInt(offset), HEADER.offsets + index * 8);
    header.writeBigUInt64BE(BigInt(content.length), HEADER.sizes + index * 8);
    const head = Buffer.alloc(SECTION_HEADER_SIZE);
    head.writeUInt16BE(type, 0);
    head.writeBigUInt64BE(BigInt(content.length), 4);
    parts.push(head, Buffer.from(content));
    offset += SECTION_HEADER_SIZE + content.length;
  });
  let checksum = crc32(header.subarray(0, HEADER.checksum));
  for (const part of parts) checksum = crc32(part, checksum);
  header.writeUInt32BE(checksum, HEADER.checksum);
  return new Uint8Array(Buffer.concat([header, ...parts]));
}

/** @throws {InputError} INPUT_INVALID for a file that is no EIF, or whose checksum does not fit */
export function readEif(file: Uint8Array): Eif {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < HEADER_SIZE || bytes.toString("latin1", 0, 4) !== MAGIC)
    throw malformed("it has no EIF header");
  const checksum = crc32(bytes.subarray(HEADER_SIZE), crc32(bytes.subarray(0, HEADER.checksum)));
  if (checksum !== bytes.readUInt32BE(HEADER.checksum)) throw malformed("its checksum does not fit");
  const count = bytes.readUInt16BE(HEADER.sections);
  if (count > MAX_SECTIONS) throw malformed("it has too many sections");
  const found = Array.from({ length: count }, (_, index): readonly [number, Uint8Array] => {
    const at = Number(bytes.readBigUInt64BE(HEADER.offsets + index * 8));
    if (at + SECTION_HEADER_SIZE > bytes.length) throw malformed("a section is not in it");
    const size = Number(bytes.readBigUInt64BE(at + 4));
    const start = at + SECTION_HEADER_SIZE;
    if (start + size > bytes.length) throw malformed("a section is cut short");
    return [bytes.readUInt16BE(at), bytes.subarray(start, start + size)];
  });
  const of = (type: number): readonly Uint8Array[] =>
    found.filter(([kind]) => kind === type).map(([, content]) => content);
  const [kernel, ...moreKernels] = of(KERNEL);
  const [cmdline, ...moreLines] = of(CMDLINE);
  if (kernel === undefined || cmdline === undefined || moreKernels.length + moreLines.length > 0)
    throw malformed("it does not have one kernel and one command line");
  return { kernel, cmdline: Buffer.from(cmdline).toString("utf8"), ramdisks: of(RAMDISK) };
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `not a Nitro enclave image: ${message}` });
}
