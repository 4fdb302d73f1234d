import { Transaction } from "ethers";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import * as z from "zod";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { AdytonError, ChainError, ConfigError } from "../../../protocol/errors.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { withDeadline } from "../../engine/deadline.ts";
import { data, toQuantity } from "../rpc/block.ts";
import type { SignedTransaction, TransactionSigner, UnsignedTransaction } from "./transaction-signer.ts";

export interface RemoteSignerConfig {
  /** The account that signs. */
  readonly address: Hex;
  /** `https://…`, `http://…`, or `unix:` and the path of a socket. */
  readonly url: string;
  /** File with a token that is sent as `Authorization: Bearer`. */
  readonly tokenFile?: string | undefined;
  /** File with the authority (PEM) of the server's certificate, where it is not a public one. */
  readonly caFile?: string | undefined;
  readonly timeoutMs: number;
}

/** web3signer and most wallets return the bytes; geth and clef an object around them. */
const SignResult = z.union([data, z.object({ raw: data }).transform(({ raw }) => raw)]);

const Reply = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});

/** A signed transaction with 128 KiB of calldata in hex, and room. */
const MAX_REPLY_BYTES = 1024 * 1024;

/**
 * A key that is kept elsewhere, behind JSON-RPC: `eth_signTransaction` and `eth_accounts`, as web3signer, geth and clef have
 * them (docs/reference/remote-signer.md). A reply is used only if it is exactly the transaction that was asked for, signed by the
 * account: nonces and fees are accounted for by what was asked.
 */
export class RemoteSigner implements TransactionSigner {
  readonly #config: RemoteSignerConfig;
  readonly #ca: string | undefined;
  readonly #authorization: string | undefined;
  #nextId = 1;

  /** @throws {ConfigError} CONFIG_INVALID when a file that is named cannot be read */
  constructor(config: RemoteSignerConfig) {
    this.#config = config;
    this.#ca = readOptional(config.caFile);
    const token = readOptional(config.tokenFile)?.trim();
    this.#authorization = token === undefined ? undefined : `Bearer ${token}`;
  }

  get address(): Hex {
    return this.#config.address;
  }

  /** @throws {ChainError} CHAIN_SIGNER_UNAVAILABLE when it cannot be reached, refuses, or signs something else */
  async sign(transaction: UnsignedTransaction): Promise<SignedTransaction> {
    const raw = await this.#call("eth_signTransaction", [toWire(this.address, transaction)], SignResult);
    this.#checkSigned(raw, transaction);
    return { raw, hash: keccak(fromHex(raw)) };
  }

  /** @throws {ChainError} CHAIN_SIGNER_UNAVAILABLE when the signer cannot be reached or does not hold the account */
  async check(): Promise<void> {
    const accounts = await this.#call("eth_accounts", [], z.array(data));
    if (!accounts.includes(this.address)) throw this.#failure("it does not hold this account");
  }

  #checkSigned(raw: Hex, asked: UnsignedTransaction): void {
    const signed = parseTransaction(raw);
    if (signed?.from?.toLowerCase() !== this.address || !isAsAsked(signed, asked))
      throw this.#failure("it returned something other than the transaction, signed by the account");
  }

  async #call<Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ): Promise<z.output<Schema>> {
    try {
      const id = this.#nextId++;
      const { result, error } = Reply.parse(
        JSON.parse(
          await withDeadline(this.#config.timeoutMs, (signal) =>
            this.#post(JSON.stringify({ jsonrpc: "2.0", id, method, params }), signal),
          ),
        ),
      );
      if (error !== undefined) throw this.#failure(`it refuses ${method}: ${error.message.slice(0, 200)}`);
      return schema.parse(result);
    } catch (cause) {
      throw cause instanceof AdytonError ? cause : this.#failure(`no usable reply to ${method}`, cause);
    }
  }

  #post(body: string, signal: AbortSignal): Promise<string> {
    const options: RequestOptions & { readonly ca?: string } = {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      },
      signal,
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    };
    return new Promise((resolve, reject) => {
      const request = open(this.#config.url, options, (response) => {
        readText(response).then(resolve, reject);
      });
      request.once("error", reject);
      request.end(body);
    });
  }

  #failure(why: string, cause?: unknown): ChainError {
    return new ChainError({
      code: "CHAIN_SIGNER_UNAVAILABLE",
      message: `remote signer: ${why}`,
      details: { address: this.address },
      cause,
    });
  }
}

const UNIX = "unix:";

function open(
  url: string,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
): ReturnType<typeof httpRequest> {
  if (url.startsWith(UNIX))
    return httpRequest({ ...options, socketPath: url.slice(UNIX.length), path: "/" }, onResponse);
  return url.startsWith("https:")
    ? httpsRequest(url, options, onResponse)
    : httpRequest(url, options, onResponse);
}

async function readText(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`HTTP status ${response.statusCode ?? 0}`);
  }
  let text = "";
  for await (const part of response.setEncoding("utf8") as AsyncIterable<string>) {
    text += part;
    if (text.length > MAX_REPLY_BYTES) {
      response.destroy();
      throw new RangeError("the reply is longer than any transaction");
    }
  }
  return text;
}

function toWire(from: Hex, transaction: UnsignedTransaction): Record<string, string> {
  const { chainId, nonce, to, data: calldata, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
  return {
    from,
    to,
    data: calldata,
    value: "0x0",
    nonce: toQuantity(nonce),
    gas: toQuantity(gasLimit),
    maxFeePerGas: toQuantity(maxFeePerGas),
    maxPriorityFeePerGas: toQuantity(maxPriorityFeePerGas),
    chainId: toQuantity(chainId),
  };
}

function parseTransaction(raw: Hex): Transaction | undefined {
  try {
    return Transaction.from(raw);
  } catch {
    return undefined;
  }
}

function isAsAsked(signed: Transaction, asked: UnsignedTransaction): boolean {
  return (
    signed.type === 2 &&
    signed.value === 0n &&
    signed.chainId === BigInt(asked.chainId) &&
    signed.nonce === asked.nonce &&
    signed.to?.toLowerCase() === asked.to &&
    signed.data === asked.data &&
    signed.gasLimit === BigInt(asked.gasLimit) &&
    signed.maxFeePerGas === asked.maxFeePerGas &&
    signed.maxPriorityFeePerGas === asked.maxPriorityFeePerGas
  );
}

function readOptional(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "a file of the remote signer cannot be read",
      details: { file },
      cause,
    });
  }
}
