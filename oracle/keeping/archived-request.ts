/** A request as the archive keeps it: what the index would say of it, and its receipt's text, compressed. */

import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { findAnswer, findRequest, type PullAnswer, type RequestView } from "../store/index-queries.ts";
import { readDisclosure } from "../store/disclosure.ts";
import { findReceipt } from "../store/receipts.ts";
import type { Store } from "../store/store.ts";
import type { Archive } from "./archive.ts";

export interface ArchivedRequest {
  readonly request: RequestView;
  readonly answer: PullAnswer | null;
  /** The receipt file, byte for byte. */
  readonly receipt: string | null;
  /** Whether output, answer and receipt are told: of what ended in another way than by its answer they never are. */
  readonly isDisclosed: boolean;
}

const VERSION = 1;
const Archived = z.object({
  version: z.literal(VERSION),
  // Written by this node, and handed on as it was: its form is of the version that wrote it.
  request: z.custom<RequestView>((value) => typeof value === "object" && value !== null),
  answer: z.custom<PullAnswer>((value) => typeof value === "object" && value !== null).nullable(),
  receipt: z.string().nullable(),
  isDisclosed: z.boolean(),
});

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** In 256 folders: one of millions of files is slow to list and to copy. */
function nameOf(requestId: Hex): string {
  return `requests/${requestId.slice(2, 4)}/${requestId}.json.gz`;
}

/** @throws {UpstreamError} ARCHIVE_UNAVAILABLE */
export async function archiveRequest(store: Store, archive: Archive, requestId: Hex): Promise<void> {
  const request = await findRequest(store, requestId);
  if (request === undefined) return;
  const [answer = null, receipt = null, isDisclosed = false] = await Promise.all([
    findAnswer(store, requestId),
    findReceipt(store, requestId),
    readDisclosure(store, requestId),
  ]);
  const archived = { version: VERSION, request, answer, receipt, isDisclosed };
  await archive.put(nameOf(requestId), await compress(JSON.stringify(archived)));
}

/** @throws {UpstreamError} ARCHIVE_UNAVAILABLE, also for what cannot be read */
export async function findArchived(archive: Archive, requestId: Hex): Promise<ArchivedRequest | undefined> {
  const name = nameOf(requestId);
  const bytes = await archive.get(name);
  if (bytes === undefined) return undefined;
  try {
    return Archived.parse(JSON.parse((await expand(bytes)).toString("utf8")));
  } catch (cause) {
    throw new UpstreamError({
      code: "ARCHIVE_UNAVAILABLE",
      message: `${name} in the archive (${archive.place}) cannot be read: restore it from a copy`,
      details: { name },
      cause,
    });
  }
}
