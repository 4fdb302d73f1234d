/** Packages from Debian's archive by apt, in a folder of its own: its signatures are checked, and the machine is left as it is. */

import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { BuildError, run } from "./run.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const ARCHIVE = "http://deb.debian.org/debian";
const SECURITY = "http://deb.debian.org/debian-security";

export interface DebianArchive {
  /** The newest version of a package, or null where the suites have none. */
  readonly newest: (name: string) => string | null;
  /** Packages that this one depends on. */
  readonly dependencies: (name: string) => readonly string[];
  /** Downloads into `folder`. @throws {BuildError} when that version is not in the archive any more */
  readonly download: (name: string, version: string, folder: string) => void;
}

/** @param state a folder for apt's lists; made anew where it is not there */
export function openDebianArchive(suites: readonly string[], state: string): DebianArchive {
  if (!existsSync(KEYRING)) {
    throw new BuildError(
      `${KEYRING} is missing: install debian-archive-keyring, or give the packages as a folder (--packages)`,
    );
  }
  const root = resolve(state);
  for (const folder of ["lists/partial", "cache/archives/partial"]) createFolder(join(root, folder));
  const sources = suites.map(
    (suite) =>
      `deb [signed-by=${KEYRING}] ${suite.endsWith("-security") ? SECURITY : ARCHIVE} ${suite} main\n`,
  );
  writeFileSync(join(root, "sources.list"), sources.join(""));
  writeFileSync(join(root, "apt.conf"), aptConfiguration(root));
  const env = { ...baseEnvironment(), APT_CONFIG: join(root, "apt.conf") };
  const apt = (command: string, args: readonly string[], cwd = root): string =>
    run(command, args, { env, cwd }).toString();
  apt("apt-get", ["-qq", "update"]);
  return {
    newest: (name) => {
      const [, version = "(none)"] = /^ {2}Candidate: (.*)$/m.exec(apt("apt-cache", ["policy", name])) ?? [];
      return version === "(none)" ? null : version;
    },
    dependencies: (name) =>
      [...apt("apt-cache", ["depends", "--important", name]).matchAll(/Depends: (\S+)/g)].map(
        ([, dependency = ""]) => dependency,
      ),
    download: (name, version, folder) => {
      apt("apt-get", ["-qq", "download", `${name}=${version}`], resolve(folder));
    },
  };
}

/** Nothing of the machine's own apt is read but its proxy, which its files set. */
function aptConfiguration(root: string): string {
  return [
    `Dir::Etc::sourcelist "${root}/sources.list";`,
    `Dir::Etc::sourceparts "-";`,
    `Dir::State::lists "${root}/lists";`,
    `Dir::State::status "/dev/null";`,
    `Dir::Cache "${root}/cache";`,
    `APT::Architecture "amd64";`,
    `APT::Architectures { "amd64"; };`,
    `APT::Sandbox::User "root";`,
    "",
  ].join("\n");
}

function baseEnvironment(): Record<string, string> {
  return { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
}
