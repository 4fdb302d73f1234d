/** Finds the locked packages: in a folder of .deb files, in what was fetched before, or in Debian's archive. Known by hash alone. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { openDebianArchive, type DebianArchive } from "./debian-archive.ts";
import { sha256, WANTED, type LockedPackage, type PackageLock } from "./package-lock.ts";
import { BuildError } from "./run.ts";

export interface FoundPackage extends LockedPackage {
  readonly file: string;
}

export interface PackageSources {
  /** Folder of .deb files, whatever their names; null: none was given. */
  readonly folder: string | null;
  /** Folder for what is fetched. */
  readonly cache: string;
  /** Take the archive's newest version of a package that is gone: another image, for a test that one boots. */
  readonly allowNewer: boolean;
  readonly say: (message: string) => void;
}

export interface FoundPackages {
  readonly packages: readonly FoundPackage[];
  /** Names of the packages that are not the locked ones. */
  readonly newer: readonly string[];
}

/** @throws {BuildError} naming the first package that is nowhere */
export function findPackages(lock: PackageLock, sources: PackageSources): FoundPackages {
  createFolder(sources.cache);
  const known = new Map<string, string>();
  const index = (folder: string): void => {
    for (const name of filesOf(folder).filter((file) => file.endsWith(".deb")))
      known.set(sha256(readFileSync(join(folder, name))), join(folder, name));
  };
  if (sources.folder !== null) index(sources.folder);
  index(sources.cache);

  let opened: DebianArchive | null = null;
  const archive = (): DebianArchive =>
    (opened ??= openDebianArchive(lock.suites, join(sources.cache, "apt")));
  const newer: string[] = [];
  const packages = lock.packages.map((locked): FoundPackage => {
    const there = known.get(locked.sha256);
    if (there !== undefined) return { ...locked, file: there };
    const problem = fetchLocked(archive(), locked, sources);
    index(sources.cache);
    const fetched = known.get(locked.sha256);
    if (fetched !== undefined) return { ...locked, file: fetched };
    if (!sources.allowNewer) throw gone(locked, problem);
    const current = fetchNewest(archive(), locked.name, sources.cache);
    newer.push(current.name);
    sources.say(
      `NOT THE LOCKED IMAGE: ${locked.name} ${locked.version} is gone, taking ${current.name} ${current.version}`,
    );
    return current;
  });
  return { packages, newer };
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    throw new BuildError(`--packages: ${folder} is no folder that can be read`);
  }
}

function fetchLocked(
  archive: DebianArchive,
  { name, version }: LockedPackage,
  { cache, say }: PackageSources,
): string {
  say(`fetching ${name} ${version}`);
  try {
    archive.download(name, version, cache);
    return "another file has its name and version";
  } catch (error) {
    if (error instanceof BuildError) return error.message;
    throw error;
  }
}

/** The archive's newest version of what the locked package stands for. */
export function fetchNewest(archive: DebianArchive, lockedName: string, cache: string): FoundPackage {
  const wanted = WANTED.find(({ name }) => lockedName.startsWith(name));
  const name =
    wanted?.follow == null
      ? lockedName
      : archive.dependencies(wanted.follow).find((dependency) => dependency.startsWith(wanted.name));
  const version = name === undefined ? null : archive.newest(name);
  if (name === undefined || version === null) throw new BuildError(`${lockedName} is not in the archive`);
  archive.download(name, version, cache);
  // apt writes a colon of the version as %3a.
  const start = `${name}_${version.replaceAll(":", "%3a")}_`;
  const file = readdirSync(cache).find(
    (candidate) => candidate.startsWith(start) && candidate.endsWith(".deb"),
  );
  if (file === undefined) throw new BuildError(`${name} ${version} was not written to ${cache}`);
  const architecture = file.endsWith("_all.deb") ? "all" : "amd64";
  const path = join(cache, file);
  return { name, version, architecture, sha256: sha256(readFileSync(path)), file: path };
}

function gone({ name, version, sha256: hash }: LockedPackage, problem: string): BuildError {
  return new BuildError(
    `${name} ${version} (SHA-256 ${hash}) is not to be had: ${problem}\n` +
      "Debian's archive drops superseded versions within days. Take the packages of a release as a folder (--packages FOLDER), " +
      "or try the archive's newest ones (--newer-packages), which give another image.",
  );
}
