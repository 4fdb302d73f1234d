import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** RFC 6455 §1.3. */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x81;

export interface WebSocketClient {
  /** What it sent as `Authorization`. */
  readonly authorization: string | undefined;
  send(text: string): void;
  /** Sends the head of a message of so many bytes, and none of them. */
  sendHead(bytes: number): void;
  /** Cuts the line without a word. */
  cut(): void;
}

export interface WebSocketServer {
  readonly url: string;
  /** Connections so far, oldest first. */
  readonly clients: WebSocketClient[];
  stop(): Promise<void>;
}

/** As much of RFC 6455 as a test of its client needs: text messages of one frame, up to 64 KiB. */
export async function startWebSocketServer(
  onMessage: (text: string, client: WebSocketClient) => void,
): Promise<WebSocketServer> {
  const clients: WebSocketClient[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on("upgrade", (request, socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"] ?? ""}${HANDSHAKE_GUID}`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const client = {
      authorization: request.headers.authorization,
      send: (text: string) => socket.write(toFrame(text)),
      sendHead: (bytes: number) => {
        const head = Buffer.alloc(10);
        head.set([TEXT, 127]);
        head.writeBigUInt64BE(BigInt(bytes), 2);
        socket.write(head);
      },
      cut: () => socket.destroy(),
    };
    clients.push(client);
    let buffered = Buffer.alloc(0);
    socket.on("data", (part: Buffer) => {
      buffered = Buffer.concat([buffered, part]);
      for (let frame = takeFrame(buffered); frame !== undefined; frame = takeFrame(buffered)) {
        buffered = buffered.subarray(frame.length);
        if (frame.text !== undefined) onMessage(frame.text, client);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? Buffer.from([TEXT, body.length])
      : Buffer.from([TEXT, 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([head, body]);
}

/** RFC 6455 §5.2; what a client sends is masked. `text` is left out of control frames. */
function takeFrame(bytes: Buffer): { readonly length: number; readonly text?: string } | undefined {
  if (bytes.length < 6) return undefined;
  const short = bytes[1]! & 0x7f;
  const maskAt = short === 126 ? 4 : 2;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  const bodyAt = maskAt + 4;
  if (bytes.length < bodyAt + size) return undefined;
  const body = Buffer.from(bytes.subarray(bodyAt, bodyAt + size));
  body.forEach((byte, index) => {
    body[index] = byte ^ bytes[maskAt + (index % 4)]!;
  });
  const isText = (bytes[0]! & 0x0f) === 1;
  return { length: bodyAt + size, ...(isText ? { text: body.toString() } : {}) };
}
