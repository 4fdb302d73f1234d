import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

export type Fault = "none" | "http-503" | "cut" | "garbage" | "slow";

export interface FaultyProxy {
  readonly url: string;
  fault: Fault;
  readonly faults: Record<Fault, number>;
  close(): Promise<void>;
}

const SLOW_MS = 400;

/** An HTTP proxy in front of an RPC server that fails as told. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const upstream = new URL(target);
  const state = { fault: "none" as Fault, faults: { none: 0, "http-503": 0, cut: 0, garbage: 0, slow: 0 } };
  const server = createServer((request, response) => {
    const { fault } = state;
    state.faults[fault] += 1;
    if (fault === "http-503") {
      request.resume();
      response.writeHead(503).end();
      return;
    }
    if (fault === "cut") {
      request.socket.destroy();
      return;
    }
    if (fault === "garbage") {
      request.resume();
      response.end("<html>gateway</html>");
      return;
    }
    const forward = (): void => {
      const forwarded = httpRequest(
        { host: upstream.hostname, port: upstream.port, method: "POST", headers: request.headers },
        (reply) => {
          response.writeHead(reply.statusCode ?? 502, reply.headers);
          reply.pipe(response);
        },
      );
      forwarded.on("error", () => response.destroy());
      request.pipe(forwarded);
    };
    if (fault === "slow") {
      setTimeout(forward, SLOW_MS);
    } else {
      forward();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}
