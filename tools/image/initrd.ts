/** The initrd's content: Node and its libraries, the enclave, the behaviour file, init, and the kernel's modules. */

import { posix } from "node:path";
import { directory, writeCpio, type CpioEntry } from "../../image/cpio.ts";
import { contentOf, type PackedFiles } from "./debian-package.ts";
import { compileInit } from "./init-program.ts";
import type { EgressHost } from "./nitro-egress.ts";
import { BuildError, run } from "./run.ts";

/** In the order of their dependencies: network and drives of QEMU, GCP and AWS; evidence of TDX and SEV-SNP. */
const MODULES = [
  ...["failover", "net_failover", "virtio_net", "virtio_blk", "virtio-rng", "qemu_fw_cfg", "gve", "ena"],
  ...["configfs", "tsm", "tdx-guest", "sev-guest"],
] as const;

/** What Node is linked with. */
const LIBRARIES = [
  ...["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libstdc++.so.6", "libgcc_s.so.1"],
] as const;
const LOADER = "ld-linux-x86-64.so.2";

export const OPERATOR_FILE = "/run/operator.json";

/** How the enclave is started on every platform; only where the operator's file is found differs. */
export function enclaveCommand(node: string, operatorFile: string): readonly string[] {
  return [
    ...[node, "--disable-sigusr1", "--max-semi-space-size=8", "/adyton/enclave.mjs"],
    ...["--behaviour", "/adyton/behaviour.json", "--operator", operatorFile],
  ];
}

export interface EnclaveFiles {
  readonly node: Uint8Array;
  readonly bundle: Uint8Array;
  readonly behaviour: Uint8Array;
  /** Where an enclave of Nitro goes. */
  readonly egress: readonly EgressHost[];
}

export interface ImagePackages {
  readonly kernel: PackedFiles;
  /** Of libc6, libstdc++6 and libgcc-s1. */
  readonly libraries: PackedFiles;
  readonly compiler: PackedFiles;
  readonly headers: PackedFiles;
}

export interface Initrd {
  /** The archive, not compressed. */
  readonly archive: Uint8Array;
  readonly entries: readonly CpioEntry[];
}

const file = (path: string, content: Uint8Array | string, mode = 0o444): CpioEntry => ({
  path,
  mode: 0o100000 | mode,
  content: typeof content === "string" ? Buffer.from(content) : content,
});

/** @throws {BuildError} where a package lacks what is wanted of it */
export function createInitrd(packages: ImagePackages, enclave: EnclaveFiles): Initrd {
  const { init, nsm } = compileInit(
    { compiler: packages.compiler, libraries: packages.libraries, headers: packages.headers },
    {
      MODULE_NAMES: MODULES,
      NODE_ARGUMENTS: enclaveCommand("/usr/bin/node", OPERATOR_FILE),
      EGRESS_HOSTS: [...enclave.egress.map(({ host, port }) => `${host} ${port}`), ""],
    },
  );
  const entries = [
    ...["dev", "proc", "sys", "run", "etc"].map(directory),
    ...libraryFiles(packages.libraries),
    ...MODULES.map((name) => file(`modules/${name}.ko`, moduleOf(packages.kernel, name))),
    file("init", init, 0o555),
    file("usr/bin/node", enclave.node, 0o555),
    file("usr/local/bin/adyton-nsm", nsm, 0o555),
    file("etc/hosts", "127.0.0.1 localhost\n"),
    file("etc/passwd", "root:x:0:0::/:/nonexistent\n"),
    file("etc/nsswitch.conf", "hosts: files dns\n"),
    file("adyton/enclave.mjs", enclave.bundle),
    file("adyton/behaviour.json", enclave.behaviour),
    // The archive's last file: init sees by it that the memory was enough for all others.
    file("zz-complete", "1"),
  ];
  return { archive: writeCpio(entries), entries };
}

/** Where the loader looks without being told. */
function libraryFiles(packages: PackedFiles): readonly CpioEntry[] {
  return [LOADER, ...LIBRARIES].map((name) => {
    const path = [...packages.keys()].find(
      (candidate) => posix.basename(candidate) === name && candidate.includes("/x86_64-linux-gnu/"),
    );
    if (path === undefined) throw new BuildError(`the library ${name} is in none of the packages`);
    return file(
      name === LOADER ? `lib64/${name}` : `lib/x86_64-linux-gnu/${name}`,
      contentOf(packages, path),
      0o555,
    );
  });
}

function moduleOf(kernel: PackedFiles, name: string): Uint8Array {
  const path = [...kernel.keys()].find((candidate) => candidate.endsWith(`/${name}.ko.xz`));
  if (path === undefined) throw new BuildError(`the kernel's package has no module ${name}`);
  return run("xz", ["--decompress", "--stdout"], { input: contentOf(kernel, path) });
}

/** What an enclave of Nitro has beside it: the driver that belongs to its kernel. */
export function createNitroRamdisk(driver: Uint8Array): Uint8Array {
  return writeCpio([file("nsm.ko", driver)]);
}
