/** Connections to the holder of one key: whom they reach, and how long they are kept. */

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { PinnedAgent } from "../../client/pinned-agent.ts";
import { createThrowawayAuthority } from "../../devnet/throwaway-authority.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function start(): Promise<{
  readonly port: number;
  readonly keyHash: Hex;
  readonly sockets: readonly Socket[];
}> {
  const credentials = await (await createThrowawayAuthority(new Date())).issue(["127.0.0.1"]);
  const server = createServer(credentials, (_call, response) => response.end("ok"));
  const sockets: Socket[] = [];
  server.on("secureConnection", (socket) => sockets.push(socket));
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const spki = new X509Certificate(credentials.cert).publicKey.export({ type: "spki", format: "der" });
  const keyHash = toHex(createHash("sha256").update(spki).digest());
  return { port: (server.address() as AddressInfo).port, keyHash, sockets };
}

async function call(port: number, agent: PinnedAgent): Promise<void> {
  const sent = request({ host: "127.0.0.1", port, method: "POST", agent });
  sent.end();
  const [reply] = (await once(sent, "response")) as [IncomingMessage];
  reply.resume();
  await once(reply, "end");
}

test("a connection serves one call after another", async () => {
  const { port, keyHash, sockets } = await start();
  const agent = new PinnedAgent(keyHash, 1);
  await call(port, agent);
  await call(port, agent);
  expect(sockets).toHaveLength(1);
  agent.retire();
});

test("a connection without a call is closed from this side, before the server does", async () => {
  const { port, keyHash, sockets } = await start();
  const agent = new PinnedAgent(keyHash, 1, 1);
  await call(port, agent);
  const [first] = sockets;
  if (first === undefined) throw new Error("no connection");
  if (!first.destroyed) await once(first, "close");
  await call(port, agent);
  expect(sockets).toHaveLength(2);
  agent.retire();
});
