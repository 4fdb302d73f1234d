import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** `hang` takes the call and says nothing until the fault is over; then the connection breaks, as of a server restarted. */
export type Fault = "none" | "http-503" | "cut" | "garbage" | "slow" | "hang";

const SLOW_MS = 400;

/** An HTTP proxy in front of an RPC server that fails as told. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #hung = new Set<ServerResponse>();
  #fault: Fault = "none";
  #failed = 0;

  private constructor(target: string) {
    this.#upstream = new URL(target);
    this.#server = createServer((request, response) => {
      this.#serve(request, response);
    });
  }

  static async start(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get fault(): Fault {
    return this.#fault;
  }

  set fault(fault: Fault) {
    this.#fault = fault;
    this.#failed = 0;
    for (const response of this.#hung) {
      response.destroy();
    }
    this.#hung.clear();
  }

  /** Calls that met the present fault. */
  get failed(): number {
    return this.#failed;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#fault !== "none") {
      this.#failed += 1;
    }
    switch (this.#fault) {
      case "none":
        this.#forward(request, response);
        return;
      case "slow":
        setTimeout(() => {
          this.#forward(request, response);
        }, SLOW_MS);
        return;
      case "http-503":
        request.resume();
        response.writeHead(503).end();
        return;
      case "cut":
        request.socket.destroy();
        return;
      case "garbage":
        request.resume();
        response.end("<html>gateway</html>");
        return;
      case "hang":
        request.resume();
        this.#hung.add(response);
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { hostname, port } = this.#upstream;
    const forwarded = httpRequest(
      { host: hostname, port, method: "POST", headers: request.headers },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
      },
    );
    forwarded.on("error", () => response.destroy());
    request.pipe(forwarded);
  }
}
