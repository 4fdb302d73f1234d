import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";

export interface HostileServer {
  readonly port: number;
  /** What arrived, as text: shows whether a secret left the enclave. */
  readonly received: string[];
  readonly stop: () => Promise<void>;
}

export interface HostileOptions {
  readonly credentials: { readonly key: string; readonly cert: string };
  readonly tls?: ServerOptions;
  readonly respond: (
    response: ServerResponse,
    request: IncomingMessage,
    socket: Socket,
    body: string,
  ) => void;
}

/** A TLS server on loopback that answers as it is told to. */
export async function startHostileServer({
  credentials,
  tls,
  respond,
}: HostileOptions): Promise<HostileServer> {
  const received: string[] = [];
  const server: Server = createServer({ ...credentials, ...tls }, (request, response) => {
    received.push(`${request.method ?? ""} ${request.url ?? ""} ${JSON.stringify(request.headers)}`);
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      received.push(text);
      body += text;
    });
    request.on("end", () => {
      respond(response, request, request.socket, body);
    });
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
