import { AwsClient } from "aws4fetch";
import { UpstreamError } from "../../protocol/errors.ts";
import type { Archive } from "./archive.ts";

export interface Bucket {
  /** Of the service: the bucket is the first part of the path, which every S3-compatible server takes. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before each name. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const TIMEOUT_MS = 30_000;
/** A service that is busy says so: it is asked again, a little later each time. */
const RETRIES = 3;
const SHOWN_REPLY = 300;

/** An archive in a bucket of an S3-compatible service. */
export function createBucketArchive({ endpoint, bucket, prefix, region, ...keys }: Bucket): Archive {
  const client = new AwsClient({ ...keys, region, service: "s3", retries: RETRIES });
  const place = `${bucket} at ${new URL(endpoint).host}`;
  const urlOf = (name: string): string =>
    new URL(`${bucket}/${prefix}${name}`, endpoint.endsWith("/") ? endpoint : `${endpoint}/`).href;
  const unavailable = (why: string, cause?: unknown): UpstreamError =>
    new UpstreamError({
      code: "ARCHIVE_UNAVAILABLE",
      message: `the archive bucket ${place}: ${why}`,
      details: { bucket },
      cause,
    });
  const call = async (name: string, init: RequestInit): Promise<Response> => {
    try {
      return await client.fetch(urlOf(name), { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (cause) {
      throw unavailable("it cannot be reached", cause);
    }
  };
  const refused = async (response: Response): Promise<UpstreamError> => {
    const text = (await response.text().catch(() => "")).replaceAll(/\s+/g, " ").slice(0, SHOWN_REPLY);
    return unavailable(`it answered ${response.status} ${text}`);
  };
  return {
    place,
    async put(name, bytes) {
      const response = await call(name, { method: "PUT", body: new Uint8Array(bytes) });
      if (!response.ok) throw await refused(response);
      await response.body?.cancel();
    },
    async get(name) {
      const response = await call(name, { method: "GET" });
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      // A missing bucket is 404 too, and is no missing thing.
      const text = response.status === 404 ? await response.clone().text() : "";
      if (response.status === 404 && !text.includes("NoSuchBucket")) return undefined;
      throw await refused(response);
    },
  };
}
