/**
 * TDX quotes and SEV-SNP reports by the kernel's configfs-tsm: plain files, the same for both. A report takes the host's quoting
 * service as long as it likes: files are read off the event loop, so that everybody else is answered meanwhile.
 * Source: Linux, Documentation/ABI/testing/configfs-tsm (6.7 and later).
 */

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { concatBytes, fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import type { Attester, MadeEvidence } from "./attester.ts";

const REPORTS = "/sys/kernel/config/tsm/report";

/** Times that a report is asked for again after somebody else's write came between. */
const MAX_ATTEMPTS = 8;

const KIND_OF_PROVIDER: Readonly<Record<string, "tdx" | "snp">> = { tdx_guest: "tdx", sev_guest: "snp" };

/** The file operations of an entry; attributes are read whole, and reading `outblob` is what makes the report. */
export interface TsmFiles {
  readonly makeEntry: (path: string) => Promise<void>;
  readonly removeEntry: (path: string) => Promise<void>;
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly read: (path: string) => Promise<Uint8Array>;
}

export const kernelFiles: TsmFiles = {
  makeEntry: async (path) => {
    await mkdir(path);
  },
  removeEntry: rmdir,
  write: writeFile,
  read: async (path) => new Uint8Array(await readFile(path)),
};

/** An entry of its own for each report, so that nobody who behaves writes into ours. */
export function createConfigfsTsmAttester(files: TsmFiles = kernelFiles): Attester {
  return {
    attest: async (reportData) => {
      const entry = `${REPORTS}/adyton-${randomBytes(8).toString("hex")}`;
      try {
        await files.makeEntry(entry);
      } catch (cause) {
        throw unavailable("the kernel has no configfs-tsm, or no provider for it", cause);
      }
      try {
        return await readReport(files, entry, reportData);
      } catch (cause) {
        if (cause instanceof EvidenceError) throw cause;
        throw unavailable("the kernel did not make a report", cause);
      } finally {
        await files.removeEntry(entry);
      }
    },
  };
}

/**
 * `generation` counts the writes to an entry's inputs. A report belongs to our report data only if the count after
 * reading it is the one after our own write.
 */
async function readReport(files: TsmFiles, entry: string, reportData: Uint8Array): Promise<MadeEvidence> {
  const generation = async (): Promise<number> =>
    Number(fromUtf8(await files.read(`${entry}/generation`)).trim());
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = await generation();
    await files.write(`${entry}/inblob`, reportData);
    const provider = fromUtf8(await files.read(`${entry}/provider`)).trim();
    const report = await files.read(`${entry}/outblob`);
    const certificates =
      provider === "sev_guest" ? await readOptional(files, `${entry}/auxblob`) : new Uint8Array();
    if ((await generation()) !== before + 1) continue;
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
async function readOptional(files: TsmFiles, path: string): Promise<Uint8Array> {
  try {
    return await files.read(path);
  } catch {
    return new Uint8Array();
  }
}

function unavailable(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message, cause });
}
