import type * as z from "zod";
import { Coalesced } from "../../engine/coalesced.ts";
import type { RpcCall, RpcEndpoint, RpcReply } from "./rpc-endpoint.ts";
import { readReply, type RpcPool } from "./rpc-pool.ts";

interface EndpointReply {
  readonly endpoint: RpcEndpoint;
  readonly reply: RpcReply | undefined;
}

/** Reads of many requests at once, in one exchange. */
export class BatchedReads {
  readonly #reads: Coalesced<RpcCall, EndpointReply>;

  constructor(rpc: RpcPool) {
    this.#reads = new Coalesced((calls) =>
      rpc.use(async (endpoint) => {
        const replies = await endpoint.send(calls);
        return calls.map((_, index) => ({ endpoint, reply: replies[index] }));
      }),
    );
  }

  /** @throws {ChainError} as `RpcPool.call` */
  async call<Schema extends z.ZodType>(call: RpcCall, schema: Schema): Promise<z.output<Schema>> {
    const { endpoint, reply } = await this.#reads.read(call);
    return readReply(endpoint, call, reply, schema);
  }
}
