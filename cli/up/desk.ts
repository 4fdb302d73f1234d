/**
 * The page of a local network: the node's, and beside it a place to ask from. Served by `adyton up` and by no node: what asks
 * spends from an account whose key everybody has.
 */

import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { JsonRpcProvider } from "ethers";
import * as z from "zod";
import { localSigner, localWallet } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { sendPrompt } from "../ask/ask-concierge.ts";
import { sendQuestion } from "../ask/ask-contract.ts";
import { servePage, type PageServer } from "../page/page-server.ts";
import { MAX_BODY, readQuestion } from "./desk-question.ts";

export interface DeskOptions {
  readonly folder: string;
  readonly network: NetworkFile;
  readonly provider: JsonRpcProvider;
  readonly freeAccounts: readonly number[];
  readonly port: number;
}

export async function startDesk({
  folder,
  network,
  provider,
  freeAccounts,
  port,
}: DeskOptions): Promise<PageServer> {
  const asker = localSigner(provider, LocalAccount.asker);
  const told = {
    chainId: network.chainId.toString(),
    rpcUrl: network.rpcUrl,
    contracts: network.contracts,
    models: network.models,
    servesFiles: network.files !== null,
    accounts: freeAccounts.map((index) => {
      const { address, privateKey } = localWallet(index);
      return { address, privateKey };
    }),
  };
  return await servePage(
    folder,
    async (request, response, path) => {
      if (path.startsWith("/v1/") && request.method === "GET") {
        relay(request, response, network.oracleUrl);
        return true;
      }
      if (path === "/local/network" && request.method === "GET") {
        send(response, 200, told);
        return true;
      }
      if (path !== "/local/ask" || request.method !== "POST") return false;
      await ask(request, response, { network, provider, asker });
      return true;
    },
    port,
  );
}

interface Asking {
  readonly network: NetworkFile;
  readonly provider: JsonRpcProvider;
  readonly asker: ReturnType<typeof localSigner>;
}

async function ask(request: IncomingMessage, response: ServerResponse, asking: Asking): Promise<void> {
  // Any page on the web can send a form here: questions to a real model cost money. JSON it can send only with our leave.
  if (request.headers["content-type"] !== "application/json" || isForeign(request)) {
    send(response, 403, { error: { message: "only this page may ask here" } });
    return;
  }
  try {
    const { network, provider, asker } = asking;
    const prompt = readQuestion(JSON.parse(await readBody(request)), network);
    const { concierge } = network.contracts;
    const { asked } = await sendQuestion({
      provider,
      signer: asker,
      coordinator: network.contracts.coordinator,
      send: (signer, fee, value) => sendPrompt({ concierge, signer, prompt }, fee, value),
      onStep: () => undefined,
    });
    send(response, 201, { requestId: asked.requestId satisfies Hex });
  } catch (error) {
    const message =
      error instanceof AdytonError
        ? error.message
        : error instanceof z.ZodError
          ? z.prettifyError(error)
          : null;
    if (message === null && !(error instanceof SyntaxError)) throw error;
    send(response, 400, { error: { message: message ?? "no JSON" } });
  }
}

function isForeign({ headers }: IncomingMessage): boolean {
  return headers.origin !== `http://${headers.host ?? ""}`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY) throw new SyntaxError("too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function send(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    .end(JSON.stringify(body));
}

/** To the node, as it stands: also its events, which never end. */
function relay(request: IncomingMessage, response: ServerResponse, oracleUrl: string): void {
  const accept = request.headers.accept ?? "*/*";
  const upstream = httpRequest(new URL(request.url ?? "/", oracleUrl), { headers: { accept } }, (reply) => {
    const type = reply.headers["content-type"] ?? "application/octet-stream";
    response.writeHead(reply.statusCode ?? 502, {
      "content-type": type,
      "x-content-type-options": "nosniff",
    });
    response.flushHeaders();
    // Ends the page's line with the node's, so that the page sees the loss and connects again.
    pipeline(reply, response, () => undefined);
  });
  // Broken off and not answered: a browser asks again for events by itself only where it got no answer.
  upstream.on("error", () => {
    response.destroy();
  });
  response.on("close", () => {
    upstream.destroy();
  });
  upstream.end();
}
