import { EndorsementError } from "../protocol/errors.ts";

export interface HttpOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds for one document, its body included. */
  readonly timeoutMs: number;
}

/** Bytes. Intel's and AMD's documents are under 64 KiB; the limit only keeps a broken server from filling memory. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

export interface HttpDocument {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

/** What to ask by, where a service takes a question and no address alone. */
export interface PostedQuestion {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/**
 * GETs one document, or POSTs `question` for it. Its transport proves nothing about it and need not: every endorsement is signed.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE for whatever goes wrong; `details.status` where a server answered
 */
export async function fetchDocument(
  url: string,
  http: HttpOptions,
  question?: PostedQuestion,
): Promise<HttpDocument> {
  try {
    const response = await http.fetch(url, {
      redirect: "error",
      signal: AbortSignal.timeout(http.timeoutMs),
      ...(question !== undefined && {
        method: "POST",
        body: question.body,
        headers: { "content-type": question.contentType },
      }),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw unavailable(url, `it answered ${response.status}`, { status: response.status });
    }
    return { bytes: await readBody(url, response), headers: response.headers };
  } catch (error) {
    throw error instanceof EndorsementError ? error : unavailable(url, String(error), {}, error);
  }
}

async function readBody(url: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array();
  const body: AsyncIterable<Uint8Array<ArrayBuffer>> = response.body;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) throw unavailable(url, "its document is too long");
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function unavailable(
  url: string,
  why: string,
  details: Readonly<Record<string, number>> = {},
  cause?: unknown,
): EndorsementError {
  return new EndorsementError({
    code: "ENDORSEMENT_UNAVAILABLE",
    message: `cannot fetch ${url}: ${why}`,
    details: { url, ...details },
    cause,
  });
}
