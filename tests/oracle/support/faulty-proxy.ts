import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { keccak256 } from "ethers";

/**
 * `hang` takes the call and says nothing until the fault is over; then the connection breaks, as of a server restarted. `swallow` takes
 * transactions, names their hashes, and hands them on to nobody. `lag` answers ranges of logs with what one of its backends has got.
 */
export type Fault = "none" | "http-503" | "cut" | "garbage" | "slow" | "hang" | "swallow" | "lag";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
}

const SLOW_MS = 400;

/** An HTTP proxy in front of an RPC server that fails as told. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #hung = new Set<ServerResponse>();
  #fault: Fault = "none";
  #failed = 0;
  #laggedTo: Promise<number> | undefined;

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
    this.#laggedTo = undefined;
    for (const response of this.#hung) response.destroy();
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
    if (this.#fault !== "none") this.#failed += 1;
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
        return;
      case "swallow":
      case "lag":
        this.#lie(this.#fault, request, response).catch(() => response.destroy());
    }
  }

  /** What the server behind would say, but for what this fault makes of it. */
  async #lie(fault: "swallow" | "lag", request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as Call | Call[];
    const replies = await Promise.all(
      [body].flat().map(async (call) => {
        const { id, method, params } = call;
        if (fault === "swallow" && method === "eth_sendRawTransaction")
          return { jsonrpc: "2.0", id, result: keccak256(String(params[0])) };
        const reply = await this.#ask(call);
        return fault === "lag" && method === "eth_getLogs" ? this.#withoutNewest(reply) : reply;
      }),
    );
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(Array.isArray(body) ? replies : replies[0]));
  }

  async #ask(call: Call): Promise<Reply> {
    const reply = await fetch(this.#upstream, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...call, jsonrpc: "2.0" }),
    });
    return (await reply.json()) as Reply;
  }

  /** The backend stands where the chain was when the fault began. */
  async #withoutNewest(reply: Reply): Promise<Reply> {
    this.#laggedTo ??= this.#ask({ id: 1, method: "eth_blockNumber", params: [] }).then(({ result }) =>
      Number(result),
    );
    const newest = await this.#laggedTo;
    const logs = reply.result as readonly { readonly blockNumber: string }[] | undefined;
    return logs === undefined
      ? reply
      : { ...reply, result: logs.filter(({ blockNumber }) => Number(blockNumber) <= newest) };
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
