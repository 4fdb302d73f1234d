/** TCP between a client and whichever server a test chooses: what a host, or whoever holds the route, can do. */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

const TURNS_TO_SEE_AN_END = 10;

export interface Diverter {
  /** `https://127.0.0.1:…` */
  readonly url: string;
  /** Connections made from now on go there. Those that are open end, and whoever held them knows when this returns. */
  divertTo(url: string): Promise<void>;
  /** Ends each connection after so many more bytes from the server. */
  cutAfter(bytes: number): void;
  /** Made so far. */
  readonly connections: () => number;
  /** Everything that passed, both ways, as it was on the wire. */
  readonly captured: () => Buffer;
  stop(): Promise<void>;
}

export async function startDiverter(target: string): Promise<Diverter> {
  let to = new URL(target);
  let left = Number.POSITIVE_INFINITY;
  const open = new Set<Socket>();
  const captured: Buffer[] = [];
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      captured.push(chunk);
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      captured.push(chunk);
      client.write(chunk.subarray(0, Math.max(0, left)));
      left -= chunk.length;
      if (left <= 0) client.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endOpen = async (): Promise<void> => {
    const ended = [...open].map((socket) => once(socket, "close"));
    for (const socket of open) socket.destroy();
    await Promise.all(ended);
    // The other ends are of this process too: their turns of the event loop see the end, and those above them.
    for (let turn = 0; turn < TURNS_TO_SEE_AN_END; turn += 1) await setImmediate();
  };
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    divertTo: async (url) => {
      to = new URL(url);
      await endOpen();
    },
    cutAfter: (bytes) => {
      left = bytes;
    },
    connections: () => connections,
    captured: () => Buffer.concat(captured),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        void endOpen();
      }),
  };
}
