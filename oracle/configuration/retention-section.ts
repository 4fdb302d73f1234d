/** How long the store keeps requests that ended, and where they go then. */

import * as z from "zod";
import { httpUrl } from "./fields.ts";

/** A request lives for seven days (docs/reference/protocol.md); a day more, and nothing can happen to it. */
const LEAST_DAYS = 8;

const ArchiveSection = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("folder"),
    path: z.string().describe("a folder, the same for all nodes of one store"),
  }),
  z.strictObject({
    kind: z.literal("s3"),
    endpoint: httpUrl.describe("of the service, such as https://s3.eu-central-1.amazonaws.com"),
    region: z.string().min(1).default("us-east-1"),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: "expected the name of a bucket" }),
    prefix: z
      .string()
      .regex(/^(?:[A-Za-z0-9._-]+\/)*$/, { error: 'expected path/ with a slash at its end, or ""' })
      .default("")
      .describe("before each name in the bucket"),
    accessKeyId: z.string().min(1),
    secretKeyFile: z.string().describe("holds the secret access key on one line"),
  }),
]);
export type ArchiveSection = z.output<typeof ArchiveSection>;

export const RetentionSection = z
  .strictObject({
    days: z.int().min(LEAST_DAYS).max(36_500).describe("since a request was asked"),
    archive: ArchiveSection.describe("where requests, answers and receipts are found afterwards"),
  })
  .describe(
    "requests that ended leave the store for an archive, from which the node still serves each by its id; absent: they stay",
  );
