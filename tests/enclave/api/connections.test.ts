import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { guardConnections, networkOf } from "../../../enclave/api/connections.ts";

const credentials = await (await createThrowawayAuthority(new Date())).issue(["localhost"]);
const open: Socket[] = [];
let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer(credentials, (_request, response) => {
    response.end("ok");
  });
  guardConnections(server, { total: 6, idlePerAddress: 4 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
  await once(server, "close");
});

/** Connects and says nothing. @param from an address of the loopback network */
async function silent(from: string): Promise<Socket> {
  const accepted = once(server, "connection");
  const socket = connectTcp({ host: "127.0.0.1", port, localAddress: from });
  socket.on("error", () => undefined);
  open.push(socket);
  await accepted;
  return socket;
}

async function handshake(from: string): Promise<Socket> {
  const socket = connectTls({
    socket: await silent(from),
    rejectUnauthorized: false,
    servername: "localhost",
  });
  await once(socket, "secureConnect");
  return socket;
}

async function ended(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, "close");
}

describe("connections that say nothing", () => {
  test("make room for the one that comes: the oldest of an address with too many goes", async () => {
    const sockets = [];
    for (let count = 0; count < 5; count++) sockets.push(await silent("127.0.0.1"));
    await ended(sockets[0]!);
    expect(sockets.slice(1).map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
  });

  test("shut nobody out, of their own address or of another", async () => {
    for (let count = 0; count < 20; count++) await silent("127.0.0.1");
    for (const from of ["127.0.0.1", "127.0.0.2"]) {
      const socket = await handshake(from);
      socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
      const [reply] = (await once(socket, "data")) as [Buffer];
      expect(reply.toString()).toMatch(/^HTTP\/1.1 200/);
    }
  });

  test("of many addresses make room at the expense of the address that holds the most", async () => {
    const mine = await silent("127.0.0.3");
    const many = [];
    for (let count = 0; count < 4; count++) many.push(await silent("127.0.0.4"));
    await silent("127.0.0.5");
    await silent("127.0.0.6");
    await ended(many[0]!);
    expect(mine.destroyed).toBe(false);
  });
});

test.for([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.0.0.9", "10.0.0.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
] as const)("the network of %s is %s", ([address, network]) => {
  expect(networkOf(address)).toBe(network);
});
