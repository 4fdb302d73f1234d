/** A server of the S3 protocol on this machine, which checks signatures. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import type { Bucket } from "../../../oracle/keeping/bucket-archive.ts";

export interface BucketServer {
  readonly bucket: Bucket;
  close(): Promise<void>;
}

/** The one account that the server knows. */
const ACCOUNT = "S3RVER";

export async function startBucketServer(): Promise<BucketServer> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-bucket-"));
  const bucket = "receipts";
  const server = new S3rver({
    ...{ address: "127.0.0.1", port: 0, silent: true, directory },
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  return {
    bucket: {
      ...{ endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", bucket, prefix: "nodes/one/" },
      ...{ accessKeyId: ACCOUNT, secretAccessKey: ACCOUNT },
    },
    close: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
