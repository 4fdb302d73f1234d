/** Stands between the nodes and the gateway, and brings to the nodes what a test says: a node that lies sees its own truth. */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface GatewayReply {
  readonly status: number;
  readonly body: string;
}

export interface LyingNodes {
  readonly url: string;
  /** Replies given since `tell` was called last, as the nodes saw them. */
  readonly replies: GatewayReply[];
  /** From now on the n-th call (from 0) is answered by `change` of the true reply. */
  readonly tell: (change: (reply: GatewayReply, call: number) => GatewayReply) => void;
  readonly stop: () => Promise<void>;
}

export const theTruth = (reply: GatewayReply): GatewayReply => reply;

/** A response whose signature has one bit flipped. */
export function forged({ status, body }: GatewayReply): GatewayReply {
  const { response } = JSON.parse(body) as { response?: string };
  if (response === undefined) return { status, body };
  const at = 2 + 2 * 80;
  const flipped = (parseInt(response[at] ?? "0", 16) ^ 1).toString(16);
  return {
    status,
    body: JSON.stringify({ response: response.slice(0, at) + flipped + response.slice(at + 1) }),
  };
}

export async function startLyingNodes(gatewayUrl: string): Promise<LyingNodes> {
  let change: (reply: GatewayReply, call: number) => GatewayReply = theTruth;
  let calls = 0;
  const replies: GatewayReply[] = [];
  const server = createServer((request, response) => {
    const call = calls++;
    void passOn(gatewayUrl, request).then((truth) => {
      const reply = change(truth, call);
      replies.push(reply);
      response.writeHead(reply.status, { "content-type": "application/json" }).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replies,
    tell: (next) => {
      change = next;
      calls = 0;
      replies.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function passOn(gatewayUrl: string, request: IncomingMessage): Promise<GatewayReply> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const reply = await fetch(new URL(request.url ?? "/", gatewayUrl), {
    method: request.method ?? "GET",
    headers: { "content-type": "application/json", authorization: request.headers.authorization ?? "" },
    ...(parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
  });
  return { status: reply.status, body: await reply.text() };
}
