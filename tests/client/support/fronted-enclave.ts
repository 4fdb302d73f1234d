/** A real enclave, the stand-in model, and a front with a certificate of an authority that nobody else knows. */

import express from "express";
import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { createFront } from "../../../oracle/front/front.ts";
import { listen } from "../../../oracle/http/server.ts";
import type { EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { startCountedEnclave } from "./counted-enclave.ts";

export interface FrontedEnclave {
  /** Of the front. */
  readonly url: string;
  /** PEM. */
  readonly certificate: string;
  readonly enclave: EnclaveProcess;
  /** As a browser's that knows the front's authority. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Connections that were made to the provider for a model's answer: one for each call. */
  readonly modelCalls: () => number;
  /** What reached the front and what it answered, as it reads it: decrypted of TLS. */
  readonly seenByFront: () => string;
  /** Bodies of the sealed calls that it passed on. */
  readonly sealedCalls: () => readonly Buffer[];
  readonly stop: () => Promise<void>;
}

export async function startFrontedEnclave(): Promise<FrontedEnclave> {
  const { enclave, connect, modelCalls, stop } = await startCountedEnclave();
  const errors: unknown[] = [];
  const app = createFront({
    connect,
    readBlock: () => Promise.resolve(undefined),
    onError: (error) => errors.push(error),
  });
  const seen: Buffer[] = [];
  const sealed: Buffer[] = [];
  const watched = express();
  watched.use((request, response, next) => {
    seen.push(Buffer.from(`${request.method} ${request.url} ${request.rawHeaders.join(" ")}`));
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.once("end", () => {
      seen.push(...parts);
      if (request.url === "/v1/sealed" && parts.length > 0) sealed.push(Buffer.concat(parts));
    });
    const write = response.write.bind(response) as (part: Uint8Array) => boolean;
    response.write = ((part: Uint8Array) => {
      seen.push(Buffer.from(part));
      return write(part);
    }) as typeof response.write;
    next();
  });
  watched.use(app);
  const authority = await createThrowawayAuthority(new Date());
  const tls = await authority.issue(["127.0.0.1", "localhost"]);
  const front = await listen(watched, { host: "127.0.0.1", port: 0, tls });
  const agent = new Agent({ ca: authority.certificate, keepAlive: true });
  return {
    url: `https://127.0.0.1:${front.port}`,
    enclave,
    fetch: (request) => fetchOver(agent, request),
    modelCalls,
    seenByFront: () => Buffer.concat(seen).toString("latin1"),
    sealedCalls: () => sealed,
    certificate: tls.cert,
    stop: async () => {
      agent.destroy();
      await front.close();
      await stop();
    },
  };
}

async function fetchOver(agent: Agent, request: Request): Promise<Response> {
  const body = Buffer.from(await request.arrayBuffer());
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { agent, method: request.method, headers: Object.fromEntries(request.headers) };
    const call = httpsRequest(request.url, options, resolve);
    call.once("error", reject);
    call.end(body.length === 0 ? undefined : body);
  });
  const headers = new Headers();
  for (const [name, values] of Object.entries(reply.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return new Response(Readable.toWeb(reply) as ReadableStream, { status: reply.statusCode ?? 0, headers });
}
