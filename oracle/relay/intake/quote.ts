import * as z from "zod";
import { bytesHex, uint24, uint32, uint8 } from "../../../protocol/fields.ts";
import { InputError, UpstreamError } from "../../../protocol/errors.ts";
import type { ModelsReply } from "../../../protocol/enclave-api.ts";
import { Aggregation, Delivery } from "../../../protocol/request.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { listedFee, type PriceList } from "./price-list.ts";

/** The question, as far as it decides the price. Numbers may come as text: from a URL. */
export const QuoteTerms = z
  .strictObject({
    chainId: z.coerce.number().int().min(1),
    payload: bytesHex,
    threshold: z.coerce.number().pipe(uint8.min(1).max(8)).default(1),
    aggregation: z.coerce.number().pipe(uint8.max(Aggregation.medianUnsigned)).default(Aggregation.first),
    delivery: z.coerce.number().pipe(uint8.max(Delivery.pull)).default(Delivery.callback),
    callbackGasLimit: z.coerce.number().pipe(uint32).optional(),
    maxOutputBytes: z.coerce.number().pipe(uint24).default(1_024),
  })
  .transform((terms) => ({
    ...terms,
    callbackGasLimit: terms.callbackGasLimit ?? (terms.delivery === Delivery.callback ? 200_000 : 0),
  }));
export type QuoteTerms = z.output<typeof QuoteTerms>;

/** The least offer. Decimal strings of wei, but for the gas. */
export interface Quote {
  readonly chainId: number;
  readonly fee: string;
  readonly gasPriceCap: string;
  /** Value to send with the request, or balance of the subscription: `requiredEscrow` of the coordinator. */
  readonly escrow: string;
}

export interface QuotedChain {
  readonly chainId: number;
  readonly prices: PriceList;
  /** Wei per gas that leaves room for the base fee to double. */
  readGasPriceCap(): Promise<bigint>;
  readRequiredEscrow(
    terms: QuoteTerms & { readonly fee: bigint; readonly gasPriceCap: bigint },
  ): Promise<bigint>;
}

export interface QuoterOptions {
  readonly chains: readonly QuotedChain[];
  readonly sessions: () => readonly EnclaveSession[];
}

/** The node's prices: its own price list, and what its enclaves' behaviour files ask for. */
export interface Quoter {
  prices(): Promise<PricesReply>;
  /** @throws {InputError} for a payload that cannot be served; {UpstreamError} ENCLAVE_UNAVAILABLE; {ChainError} */
  quote(terms: QuoteTerms): Promise<Quote>;
}

export interface PricesReply {
  readonly models: ModelsReply["models"];
  readonly chains: readonly {
    readonly chainId: number;
    readonly gasPriceCap: string;
    readonly gasPricePercent: number;
    readonly models: Readonly<Record<string, Readonly<Record<string, string>>>>;
  }[];
}

export function createQuoter({ chains, sessions }: QuoterOptions): Quoter {
  return {
    async prices() {
      const replies = await Promise.all(sessions().map(({ client }) => client.models()));
      const models = new Map(replies.flatMap((reply) => reply.models).map((model) => [model.id, model]));
      return {
        models: [...models.values()],
        chains: await Promise.all(chains.map(listChain)),
      };
    },
    async quote(terms) {
      const chain = chains.find(({ chainId }) => chainId === terms.chainId);
      if (chain === undefined) {
        throw new InputError({
          code: "INPUT_NOT_FOUND",
          message: "this node does not serve the chain",
          details: { chainId: terms.chainId },
        });
      }
      const fee = larger(
        listedFee(chain.prices, terms, terms.payload),
        BigInt(terms.threshold) * (await dearest(sessions(), terms)),
      );
      const gasPriceCap = await chain.readGasPriceCap();
      const escrow = await chain.readRequiredEscrow({ ...terms, fee, gasPriceCap });
      return {
        chainId: chain.chainId,
        fee: fee.toString(),
        gasPriceCap: gasPriceCap.toString(),
        escrow: escrow.toString(),
      };
    },
  };
}

/** Any of the enclaves may be asked: the request must offer enough for each. */
async function dearest(sessions: readonly EnclaveSession[], { payload }: QuoteTerms): Promise<bigint> {
  if (sessions.length === 0) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "no enclave is connected that could name a price: try again",
    });
  }
  const replies = await Promise.all(sessions.map(({ client }) => client.quote(payload)));
  return replies.map(({ price }) => BigInt(price)).reduce(larger, 0n);
}

async function listChain(chain: QuotedChain): Promise<PricesReply["chains"][number]> {
  const { models, gasPricePercent } = chain.prices;
  const listed = Object.entries(models).map(([name, price]) => [
    name,
    Object.fromEntries(Object.entries(price).map(([part, wei]: [string, bigint]) => [part, wei.toString()])),
  ]);
  return {
    chainId: chain.chainId,
    gasPriceCap: (await chain.readGasPriceCap()).toString(),
    gasPricePercent,
    models: Object.fromEntries(listed) as PricesReply["chains"][number]["models"],
  };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
