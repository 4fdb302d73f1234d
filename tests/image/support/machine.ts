/** A virtual machine without a TEE, under QEMU's own translator, so that it runs wherever tests do. */

import { spawn, spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const QEMU = "qemu-system-x86_64";

/** Whether machines can be started here. The test files say so when they cannot; `.ci/run` installs what they need. */
export const HAS_QEMU = spawnSync(QEMU, ["--version"]).status === 0;
export const WITHOUT_QEMU = "SKIPPED: no qemu-system-x86_64 on this machine, so no image was booted";

/** Megabytes: what docs/how-to/reference-values.md promises to be enough. */
export const MEMORY_MB = 384;

export interface MachineOptions {
  /** What it starts from. */
  readonly boot: readonly string[];
  readonly memoryMb?: number;
  /** Further devices. */
  readonly devices?: readonly string[];
  /** The network device's other end, in place of QEMU's own. */
  readonly network?: string;
}

export interface Machine extends AsyncDisposable {
  /** Of this machine, leading to the enclave's 8443. */
  readonly port: number;
  /** Everything on the serial console so far. */
  readonly console: () => string;
  /** Resolves with the first line that has `text`; rejects, with the console, when the machine ends first. */
  readonly line: (text: string) => Promise<string>;
  /** Resolves when the machine is off, with QEMU's exit code. */
  readonly off: Promise<number | null>;
  /** Seconds since it was started. */
  readonly seconds: () => number;
}

/** Kernel, initrd and command line handed over by QEMU, as on a host of one's own. */
export function directBoot(
  image: string,
  cmdline = readFileSync(join(image, "cmdline"), "utf8"),
): readonly string[] {
  return ["-kernel", join(image, "vmlinuz"), "-initrd", join(image, "initrd.zst"), "-append", cmdline];
}

export function fwCfg(operatorFile: string): readonly string[] {
  return ["-fw_cfg", `name=opt/org.adyton.operator,file=${operatorFile}`];
}

export function drive(file: string): readonly string[] {
  return ["-drive", `file=${file},format=raw,if=virtio,readonly=on`];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const port = await freePort();
  const network = options.network ?? `user,hostfwd=tcp:127.0.0.1:${port}-:8443`;
  const child = spawn(
    QEMU,
    [
      ...["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1"],
      ...["-m", String(options.memoryMb ?? MEMORY_MB)],
      ...["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"],
      ...["-device", "virtio-rng-pci"],
      ...["-netdev", `${network},id=n`, "-device", "virtio-net-pci,netdev=n,romfile="],
      ...options.boot,
      ...(options.devices ?? []),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const started = performance.now();
  let text = "";
  const waiting = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const off = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    port,
    console: () => text,
    off,
    seconds: () => Math.round((performance.now() - started) / 100) / 10,
    line: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = text
            .split(/\r?\n/)
            .slice(0, -1)
            .find((line) => line.includes(wanted));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void off.then(() => {
          reject(new Error(`the machine is off, and never said "${wanted}":\n${text}`));
        });
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await off;
    },
  };
}
