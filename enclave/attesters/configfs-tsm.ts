/**
 * TDX quotes and SEV-SNP reports by the kernel's configfs-tsm: plain files, the same for both.
 * Source: Linux, Documentation/ABI/testing/configfs-tsm (6.7 and later).
 */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { concatBytes, fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import type { Attester } from "./attester.ts";

const REPORTS = "/sys/kernel/config/tsm/report";

/** Times that a report is asked for again after somebody else's write came between. */
const MAX_ATTEMPTS = 8;

const KIND_OF_PROVIDER: Readonly<Record<string, "tdx" | "snp">> = { tdx_guest: "tdx", sev_guest: "snp" };

/** The file operations of an entry; attributes are read whole, and reading `outblob` is what makes the report. */
export interface TsmFiles {
  readonly makeEntry: (path: string) => void;
  readonly removeEntry: (path: string) => void;
  readonly write: (path: string, bytes: Uint8Array) => void;
  readonly read: (path: string) => Uint8Array;
}

const kernelFiles: TsmFiles = {
  makeEntry: (path) => {
    mkdirSync(path);
  },
  removeEntry: rmdirSync,
  write: writeFileSync,
  read: (path) => new Uint8Array(readFileSync(path)),
};

/** An entry of its own for each report, so that nobody who behaves writes into ours. */
export function createConfigfsTsmAttester(files: TsmFiles = kernelFiles): Attester {
  return {
    attest: async (reportData) => {
      const entry = `${REPORTS}/adyton-${randomBytes(8).toString("hex")}`;
      try {
        files.makeEntry(entry);
      } catch (cause) {
        throw unavailable("the kernel has no configfs-tsm, or no provider for it", cause);
      }
      try {
        return await Promise.resolve(readReport(files, entry, reportData));
      } catch (cause) {
        if (cause instanceof EvidenceError) throw cause;
        throw unavailable("the kernel did not make a report", cause);
      } finally {
        files.removeEntry(entry);
      }
    },
  };
}

/**
 * `generation` counts the writes to an entry's inputs. A report belongs to our report data only if the count after
 * reading it is the one after our own write.
 */
function readReport(
  files: TsmFiles,
  entry: string,
  reportData: Uint8Array,
): Awaited<ReturnType<Attester["attest"]>> {
  const generation = (): string => fromUtf8(files.read(`${entry}/generation`)).trim();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = Number(generation());
    files.write(`${entry}/inblob`, reportData);
    const provider = fromUtf8(files.read(`${entry}/provider`)).trim();
    const report = files.read(`${entry}/outblob`);
    const certificates =
      provider === "sev_guest" ? readOptional(files, `${entry}/auxblob`) : new Uint8Array();
    if (Number(generation()) !== before + 1) continue;
    const kind = KIND_OF_PROVIDER[provider];
    if (kind === undefined) {
      throw new EvidenceError({
        code: "EVIDENCE_UNSUPPORTED",
        message: `the kernel's provider ${provider} makes no evidence that is understood here`,
      });
    }
    return { kind, bytes: concatBytes(report, certificates), endorsements: null };
  }
  throw unavailable("another writer kept changing the report's inputs");
}

/** The host's certificate table: hosts that provide none leave the file out, or empty. */
function readOptional(files: TsmFiles, path: string): Uint8Array {
  try {
    return files.read(path);
  } catch {
    return new Uint8Array();
  }
}

function unavailable(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message, cause });
}
