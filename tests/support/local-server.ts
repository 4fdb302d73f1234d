/** A server on loopback whose answers a test sets, and which counts what it was asked. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface AskedQuestion {
  readonly method: string;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

export interface LocalAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  /** Paths with their queries, in the order in which they were asked for. */
  readonly asked: readonly string[];
  /** The same requests with what came in them. */
  readonly questions: readonly AskedQuestion[];
}

/** `answers` by path and query; `hang` never answers; anything else is 404. */
export async function startLocalServer(
  answers: Readonly<Record<string, LocalAnswer | "hang">>,
): Promise<LocalServer> {
  const asked: string[] = [];
  const questions: AskedQuestion[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const { method = "", headers } = request;
    void buffer(request).then((body) => {
      questions.push({ method, contentType: headers["content-type"], body });
      const answer = answers[path] ?? { status: 404, body: "no such document" };
      if (answer === "hang") return;
      response.writeHead(answer.status ?? 200, answer.headers);
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    questions,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
