import type { z } from "zod";
import type { RpcCall, RpcEndpoint, RpcReply } from "./rpc-endpoint.ts";
import type { RpcPool } from "./rpc-pool.ts";
import { readReply } from "./rpc-pool.ts";

interface Waiting {
  readonly call: RpcCall;
  readonly resolve: (reply: { readonly endpoint: RpcEndpoint; readonly reply: RpcReply | undefined }) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads of many requests at once, in one exchange: what is asked while an exchange is under way goes with the next. */
export class BatchedReads {
  readonly #rpc: RpcPool;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(rpc: RpcPool) {
    this.#rpc = rpc;
  }

  /** @throws {ChainError} as `RpcPool.call` */
  async call<Schema extends z.ZodType>(call: RpcCall, schema: Schema): Promise<z.output<Schema>> {
    const { endpoint, reply } = await new Promise<Parameters<Waiting["resolve"]>[0]>((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      if (!this.#busy) {
        void this.#exchange();
      }
    });
    return readReply(endpoint, call, reply, schema);
  }

  async #exchange(): Promise<void> {
    this.#busy = true;
    // A turn later: whoever asks in the same turn comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const { endpoint, replies } = await this.#rpc.use(async (used) => ({
          endpoint: used,
          replies: await used.send(batch.map(({ call }) => call)),
        }));
        batch.forEach(({ resolve }, index) => {
          resolve({ endpoint, reply: replies[index] });
        });
      } catch (error) {
        for (const { reject } of batch) {
          reject(error);
        }
      }
    }
    this.#busy = false;
  }
}
