/** The Debian packages that an image is made of, each by SHA-256: `packages.lock.json`, which `npm run image:lock` writes. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const LockedPackage = z.strictObject({
  name: z.string(),
  version: z.string(),
  architecture: z.enum(["amd64", "all"]),
  sha256: sha256Hex,
});
export type LockedPackage = z.infer<typeof LockedPackage>;

const PackageLock = z.strictObject({
  /** Of Debian, in the order in which apt gets to know them. */
  suites: z.array(z.string()).min(1),
  /** The npm package that is both the builder and, as it is, in the image. */
  node: z.strictObject({ package: z.string(), version: z.string(), sha256: sha256Hex }),
  packages: z.array(LockedPackage),
});
export type PackageLock = z.infer<typeof PackageLock>;

export const LOCK_FILE = join(import.meta.dirname, "packages.lock.json");

export function readPackageLock(): PackageLock {
  return PackageLock.parse(JSON.parse(readFileSync(LOCK_FILE, "utf8")));
}

/**
 * The packages that the image takes from Debian. The kernel's own package is named by its version; the one that `follow` names depends on
 * the newest.
 */
export const WANTED = [
  { name: "linux-image-", follow: "linux-image-cloud-amd64" },
  { name: "libc6", follow: null },
  { name: "libstdc++6", follow: null },
  { name: "libgcc-s1", follow: null },
  // The stub of 257 and later takes no command line from outside inside a confidential VM.
  { name: "systemd-boot-efi", follow: null },
  // The compiler of init: it runs with the C library of this list, so that the builder's own is not asked.
  { name: "tcc", follow: null },
  { name: "linux-libc-dev", follow: null },
] as const;

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");
