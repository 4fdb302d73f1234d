/** An image from pinned files alone: same files, same bytes. */

import { readFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";
import type { CpioEntry } from "../../image/cpio.ts";
import { writeEif } from "../../image/eif.ts";
import { loadedPart } from "../../image/elf.ts";
import { writeUki } from "../../image/uki.ts";
import { contentOf, readDebianPackage, type PackedFiles } from "./debian-package.ts";
import { createInitrd, createNitroRamdisk } from "./initrd.ts";
import { proxyAllowList, type EgressHost } from "./nitro-egress.ts";
import { nodeBinary } from "./node-binary.ts";
import { sha256, type PackageLock } from "./package-lock.ts";
import type { FoundPackage, FoundPackages } from "./packages.ts";
import { BuildError } from "./run.ts";

/**
 * `panic=-1`: an enclave that ends is a reset, and nothing else runs. `lockdown` and `module.sig_enforce`: only code that Debian
 * signed enters the kernel, and its memory cannot be read. `init_on_free`: what a request leaves does not stay in free pages.
 */
const COMMON_CMDLINE =
  "panic=-1 oops=panic quiet loglevel=3 module.sig_enforce=1 lockdown=confidentiality " +
  "random.trust_cpu=1 init_on_free=1 slab_nomerge vsyscall=none";
const CMDLINE = `console=ttyS0 ${COMMON_CMDLINE}`;
/** As nitro-cli's own: no PCI there, and a reset is asked of the keyboard's controller. `adyton.platform`: for enclave/init. */
const NITRO_CMDLINE = `reboot=k pci=off console=ttyS0 adyton.platform=nitro ${COMMON_CMDLINE}`;

/** Measured: with a window of 64 MiB, level 12 takes 7 s of processor time and gives what level 16 gives in 40 s without. */
const LEVEL = 12;
const WINDOW_LOG = 26;

export interface ImageParts {
  readonly bundle: Uint8Array;
  readonly behaviour: Uint8Array;
  /** Where an enclave of Nitro goes, of the behaviour file. */
  readonly egress: readonly EgressHost[];
  /** null: Debian's kernel, whose EIF can be measured and does not find Nitro's devices. */
  readonly nitro: NitroKernel | null;
}

/** AWS's enclave kernel, and the secure module's driver where the kernel has it not built in. */
export interface NitroKernel {
  readonly kernel: Uint8Array;
  readonly driver: Uint8Array | null;
}

export interface Image {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly manifest: ImageManifest;
}

interface ImageFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ImageManifest {
  readonly version: 1;
  /** Whether every package is the locked one; another image otherwise. */
  readonly locked: boolean;
  readonly node: string;
  readonly cmdline: string;
  readonly nitro: {
    readonly cmdline: string;
    readonly kernel: "given" | "debian: does not boot on Nitro";
    readonly driver: "given" | null;
  };
  readonly packages: readonly Omit<FoundPackage, "file">[];
  /** What the build wrote. */
  readonly files: readonly ImageFile[];
  /** What is inside the initrd. */
  readonly initrd: readonly (ImageFile & { readonly mode: string })[];
}

/** @throws {BuildError} where a package lacks something, or Node is not the locked one */
export function buildImage(lock: PackageLock, found: FoundPackages, parts: ImageParts): Image {
  const node = lockedNode(lock);
  const packed = (name: string): PackedFiles => {
    const match = found.packages.find((candidate) => candidate.name.startsWith(name));
    if (match === undefined) throw new BuildError(`${name} is not locked: npm run image:lock`);
    return readDebianPackage(match);
  };
  const kernelPackage = packed("linux-image-");
  const { archive, entries } = createInitrd(
    {
      kernel: kernelPackage,
      libraries: new Map([...packed("libc6"), ...packed("libstdc++6"), ...packed("libgcc-s1")]),
      compiler: packed("tcc"),
      headers: packed("linux-libc-dev"),
    },
    { node: loadedPart(node), bundle: parts.bundle, behaviour: parts.behaviour, egress: parts.egress },
  );
  const kernelPath = [...kernelPackage.keys()].find((path) => path.startsWith("boot/vmlinuz-")) ?? "";
  const kernel = contentOf(kernelPackage, kernelPath);
  const initrd = compress(archive);
  const stub = contentOf(packed("systemd-boot-efi"), "usr/lib/systemd/boot/efi/linuxx64.efi.stub");
  const driver = parts.nitro?.driver ?? null;
  const files = {
    vmlinuz: kernel,
    "initrd.zst": initrd,
    cmdline: Buffer.from(CMDLINE),
    "adyton.efi": writeUki(stub, { kernel, initrd, cmdline: CMDLINE }),
    "adyton.eif": writeEif({
      kernel: parts.nitro?.kernel ?? kernel,
      cmdline: NITRO_CMDLINE,
      ramdisks: driver === null ? [initrd] : [initrd, compress(createNitroRamdisk(driver))],
    }),
    "nitro-proxy.yaml": Buffer.from(proxyAllowList(parts.egress)),
  };
  return {
    files,
    manifest: {
      version: 1,
      locked: found.newer.length === 0,
      node: lock.node.version,
      cmdline: CMDLINE,
      nitro: {
        cmdline: NITRO_CMDLINE,
        kernel: parts.nitro === null ? "debian: does not boot on Nitro" : "given",
        driver: driver === null ? null : "given",
      },
      packages: found.packages.map(({ name, version, architecture, sha256: hash }) => ({
        name,
        version,
        architecture,
        sha256: hash,
      })),
      files: Object.entries(files).map(([path, content]) => describe(path, content)),
      initrd: entries.map(describeEntry).sort((a, b) => (a.path < b.path ? -1 : 1)),
    },
  };
}

const describe = (path: string, content: Uint8Array): ImageFile => ({
  path,
  bytes: content.length,
  sha256: sha256(content),
});

function describeEntry({ path, mode, content }: CpioEntry): ImageFile & { readonly mode: string } {
  return { ...describe(path, content), mode: mode.toString(8) };
}

/**
 * The Node that goes into the image, which must also be the one that runs here: its zstd makes the initrd's bytes.
 */
function lockedNode({ node }: PackageLock): Uint8Array {
  const { file } = nodeBinary();
  const bytes = readFileSync(file);
  if (sha256(bytes) !== node.sha256)
    throw new BuildError(`${file} is not Node ${node.version} of packages.lock.json: run npm ci again`);
  if (process.versions.node !== node.version || process.arch !== "x64") {
    throw new BuildError(
      `Node ${node.version} for x64 has to run the build, and not ${process.versions.node} for ${process.arch}: ` +
        "npm run build:image takes it from node_modules",
    );
  }
  return bytes;
}

function compress(archive: Uint8Array): Uint8Array {
  const params = {
    [constants.ZSTD_c_compressionLevel]: LEVEL,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    [constants.ZSTD_c_checksumFlag]: 0,
    // The bytes do not depend on how many there are, as long as there is one.
    [constants.ZSTD_c_nbWorkers]: 2,
  };
  return new Uint8Array(zstdCompressSync(archive, { params }));
}
