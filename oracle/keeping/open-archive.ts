import { readFileSync } from "node:fs";
import { ConfigError } from "../../protocol/errors.ts";
import type { ArchiveSection } from "../configuration/retention-section.ts";
import type { Archive } from "./archive.ts";
import { createBucketArchive } from "./bucket-archive.ts";
import { createFolderArchive } from "./folder-archive.ts";

/**
 * The archive of the configuration; nothing of it is looked at before its first use.
 *
 * @throws {ConfigError} CONFIG_INVALID when the file of its secret key cannot be read, or is empty
 */
export function openArchive(section: ArchiveSection): Archive {
  if (section.kind === "folder") return createFolderArchive(section.path);
  const { endpoint, region, bucket, prefix, accessKeyId } = section;
  const secretAccessKey = readSecretKey(section.secretKeyFile);
  return createBucketArchive({ endpoint, region, bucket, prefix, accessKeyId, secretAccessKey });
}

function readSecretKey(file: string): string {
  const invalid = (what: string, cause?: unknown): ConfigError =>
    new ConfigError({
      code: "CONFIG_INVALID",
      message: `retention.archive.secretKeyFile: ${what}`,
      details: { file },
      cause,
    });
  let key: string;
  try {
    key = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw invalid("the file cannot be read", cause);
  }
  if (key === "") throw invalid("the file is empty: it is to hold the secret access key");
  return key;
}

/**
 * Writes a thing of no meaning and reads it again.
 *
 * @throws {UpstreamError} ARCHIVE_UNAVAILABLE
 */
export async function checkArchive(archive: Archive): Promise<void> {
  const bytes = Buffer.from("adyton oracle check\n");
  await archive.put("check", bytes);
  const found = await archive.get("check");
  if (found === undefined || !bytes.equals(found)) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message:
        "the archive does not give back what was written to it: look for a rule that moves or rewrites things there",
    });
  }
}
