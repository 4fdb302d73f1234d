/** The other end of a virtual machine's network cable, and a DHCP server (RFC 2131) on it whose answers a test chooses. */

import { createSocket, type Socket } from "node:dgram";

export interface Terms {
  readonly type: "ack" | "nak";
  readonly address: string;
  readonly seconds: number;
  readonly nameServer: string;
}

export interface DhcpServer extends AsyncDisposable {
  /** For QEMU's -netdev, without its id. */
  readonly network: string;
  /** What was asked, in order: discover, request (for an offer) or renew. */
  readonly asked: readonly string[];
  /** Puts bytes on the cable. */
  readonly send: (frame: Uint8Array) => void;
}

const ETHERNET = 14;
const IP = 20;
const UDP = 8;
const OPTIONS = 240;
const SERVER = "10.9.0.1";
const SERVER_MAC = "525500000001";

const ip = (text: string): Buffer => Buffer.from(text.split(".").map(Number));

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => {
    socket.bind(0, "127.0.0.1", resolve);
  });
  return socket;
}

/** @param termsOf what the server says to the n-th request or renewal, from 0 */
export async function startDhcpServer(termsOf: (request: number) => Terms): Promise<DhcpServer> {
  const socket = await bound();
  const { port } = socket.address();
  // QEMU binds its own end: a port that was free a moment ago.
  const other = await bound();
  const peer = other.address().port;
  other.close();
  const asked: string[] = [];
  let requests = 0;
  const send = (frame: Uint8Array): void => {
    socket.send(frame, peer, "127.0.0.1");
  };
  socket.on("message", (frame) => {
    if (!isDhcp(frame)) return;
    const bootp = frame.subarray(ETHERNET + IP + UDP);
    const type = optionOf(bootp, 53)?.[0];
    if (type === 1) {
      asked.push("discover");
      send(reply(frame, 2, termsOf(requests)));
    }
    if (type === 3) {
      asked.push(bootp.readUInt32BE(12) === 0 ? "request" : "renew");
      const terms = termsOf(requests);
      requests += 1;
      send(reply(frame, terms.type === "ack" ? 5 : 6, terms));
    }
  });
  return {
    network: `socket,udp=127.0.0.1:${port},localaddr=127.0.0.1:${peer}`,
    asked,
    send,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        socket.close(resolve);
      }),
  };
}

function isDhcp(frame: Buffer): boolean {
  return (
    frame.length > ETHERNET + IP + UDP + OPTIONS &&
    frame.readUInt16BE(12) === 0x0800 &&
    frame[ETHERNET + 9] === 17 &&
    frame.readUInt16BE(ETHERNET + IP + 2) === 67
  );
}

function optionOf(bootp: Buffer, code: number): Buffer | undefined {
  for (let at = OPTIONS; at < bootp.length && bootp[at] !== 255;) {
    const length = bootp[at + 1] ?? 0;
    if (bootp[at] === code) return bootp.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  return undefined;
}

export function reply(query: Buffer, type: number, { address, seconds, nameServer }: Terms): Uint8Array {
  const asked = query.subarray(ETHERNET + IP + UDP);
  const lease = Buffer.alloc(4);
  lease.writeUInt32BE(seconds);
  const option = (code: number, value: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([code, value.length]), value]);
  const bootp = Buffer.alloc(OPTIONS);
  bootp.set([2, 1, 6], 0);
  asked.copy(bootp, 4, 4, 8);
  bootp.set(ip(address), 16);
  asked.copy(bootp, 28, 28, 34);
  bootp.set([99, 130, 83, 99], 236);
  const body = Buffer.concat([
    bootp,
    option(53, Uint8Array.of(type)),
    option(54, ip(SERVER)),
    option(51, lease),
    option(1, ip("255.255.255.0")),
    option(3, ip(SERVER)),
    option(6, ip(nameServer)),
    Buffer.from([255]),
  ]);
  return frameOf(query.subarray(6, 12), body);
}

/** Ethernet, IPv4 and UDP around a server's message. */
function frameOf(target: Uint8Array, body: Uint8Array): Uint8Array {
  const udp = Buffer.alloc(UDP);
  udp.writeUInt16BE(67, 0);
  udp.writeUInt16BE(68, 2);
  udp.writeUInt16BE(UDP + body.length, 4);
  const header = Buffer.alloc(IP);
  header.set([0x45], 0);
  header.writeUInt16BE(IP + UDP + body.length, 2);
  header.set([64, 17], 8);
  header.set(ip(SERVER), 12);
  header.set([255, 255, 255, 255], 16);
  let sum = 0;
  for (let at = 0; at < IP; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  const ethernet = Buffer.concat([target, Buffer.from(SERVER_MAC, "hex"), Buffer.from([8, 0])]);
  return new Uint8Array(Buffer.concat([ethernet, header, udp, body]));
}
