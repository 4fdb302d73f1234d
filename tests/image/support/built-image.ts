import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCpio } from "../../../image/cpio.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../../enclave/configuration/operator.ts";
import type { StandInModel } from "../../../devnet/stand-in-model.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { behaviourFile, operatorFile } from "../../enclave/support/configuration.ts";

export const ROOT = join(import.meta.dirname, "../../..");

/** What the local network's enclave does, with the stand-in model where a virtual machine sees it. */
export function imageBehaviour(model: StandInModel): BehaviourFile {
  const url = model.url.replace("127.0.0.1", "10.0.2.2");
  return behaviourFile(
    { url, certificateAuthority: model.certificateAuthority },
    {
      time: { source: "host-clock-for-testing" },
      // A machine under QEMU's translator is some twenty times slower than this one.
      limits: {
        connectMs: 30_000,
        firstByteMs: 60_000,
        stallMs: 60_000,
        wholeExchangeMs: 120_000,
        responseBytes: 65_536,
        retries: 0,
      },
    },
  );
}

/** For images that no model is asked through. */
export async function behaviourWithoutModel(): Promise<BehaviourFile> {
  const { certificate } = await createThrowawayAuthority(new Date());
  return imageBehaviour({
    url: "https://127.0.0.1:8444/v1",
    certificateAuthority: certificate,
    stop: () => Promise.resolve(),
  });
}

export function imageOperator(attester: OperatorFile["attester"]): OperatorFile {
  return operatorFile({ attester, listen: { host: "0.0.0.0", port: 8443 } });
}

export interface BuildOptions {
  readonly out: string;
  readonly behaviour: BehaviourFile;
  readonly root?: string;
  readonly bundle?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before the build in a shell: for a umask. */
  readonly before?: string;
}

/** `npm run build:image`. A locked package that is gone from Debian's archive is replaced by the newest one, and that is said. */
export async function buildImage(options: BuildOptions): Promise<string> {
  const root = options.root ?? ROOT;
  mkdirSync(options.out, { recursive: true });
  const behaviour = join(options.out, "behaviour.json");
  writeFileSync(behaviour, JSON.stringify(options.behaviour));
  const args = [
    ...[join(root, "tools/build-image.ts"), "--behaviour", behaviour, "--out", options.out],
    ...["--packages", packageFolder(), "--newer-packages"],
    ...(options.bundle === undefined ? [] : ["--bundle", options.bundle]),
  ];
  const child = spawn(
    "sh",
    ["-c", `${options.before ?? "true"}; exec "$0" "$@"`, process.execPath, ...args],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...options.env },
    },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`the image was not built: ${stderr}`);
  for (const line of stderr.split("\n").filter((text) => text.startsWith("NOT THE LOCKED")))
    process.stderr.write(`${line}\n`);
  return options.out;
}

/** Of the checkout's own builds, so that packages are fetched once. */
function packageFolder(): string {
  const folder = join(ROOT, "dist/packages");
  mkdirSync(folder, { recursive: true });
  return folder;
}

export interface Manifest {
  readonly locked: boolean;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  readonly initrd: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

export function readManifest(image: string): Manifest {
  return JSON.parse(readFileSync(join(image, "manifest.json"), "utf8")) as Manifest;
}

/**
 * The image with `look.mjs` in the enclave's place: another archive after the first one, whose files win. That another archive can
 * be put there is why the initrd is measured whole.
 */
export function withOtherProgram(image: string, out: string): string {
  cpSync(image, out, { recursive: true });
  const initrd = readFileSync(join(image, "initrd.zst"));
  const look = readFileSync(join(import.meta.dirname, "look.mjs"));
  const added = writeCpio([{ path: "adyton/enclave.mjs", mode: 0o100444, content: look }]);
  // The kernel looks for the next archive at a multiple of four.
  const padding = new Uint8Array((4 - (initrd.length % 4)) % 4);
  writeFileSync(join(out, "initrd.zst"), Buffer.concat([initrd, padding, added]));
  return out;
}
