import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TappedCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

export type TappedReply = { readonly result: unknown } | { readonly error: object };

export interface RpcTapOptions {
  /** The server behind it; without one, `answer` must answer everything. */
  readonly behind?: string;
  /** What is said instead; `undefined`: what the server behind it says. */
  readonly answer?: (
    call: TappedCall,
    ask: (call: TappedCall) => Promise<{ readonly result?: unknown }>,
  ) => TappedReply | undefined | Promise<TappedReply | undefined>;
  /** What is said of a whole exchange instead; a body of text goes as it is. */
  readonly exchange?: (calls: readonly TappedCall[]) =>
    | {
        readonly status: number;
        readonly body: unknown;
        readonly headers?: Readonly<Record<string, string>>;
      }
    | undefined;
}

export interface RpcTap {
  readonly url: string;
  /** Of each call that came, its method. */
  readonly methods: string[];
  close(): Promise<void>;
}

/** A JSON-RPC server that says what a test wants, and passes the rest on: servers as their users report them. */
export async function tapRpc({ behind, answer, exchange }: RpcTapOptions): Promise<RpcTap> {
  const methods: string[] = [];
  const ask = async (call: TappedCall): Promise<{ readonly result?: unknown }> => {
    const response = await fetch(behind!, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", ...call }),
    });
    return (await response.json()) as { readonly result?: unknown };
  };
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      void (async () => {
        const body = JSON.parse(text) as TappedCall | TappedCall[];
        const calls = [body].flat();
        methods.push(...calls.map(({ method }) => method));
        response.setHeader("content-type", "application/json");
        const whole = exchange?.(calls);
        if (whole !== undefined) {
          const { status, body: said, headers = {} } = whole;
          response.writeHead(status, headers).end(typeof said === "string" ? said : JSON.stringify(said));
          return;
        }
        const replies = await Promise.all(
          calls.map(async (call) => ({
            jsonrpc: "2.0",
            id: call.id,
            ...((await answer?.(call, ask)) ?? (await ask(call))),
          })),
        );
        response.end(JSON.stringify(Array.isArray(body) ? replies : replies[0]));
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    methods,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}
