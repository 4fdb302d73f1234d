/** `host.chain`: asks a chain's server what it needs, and the host what that proves. Nothing here is a check. */

import type { CallErrorCode, Host, Json } from "../program-api.ts";

// Taken before the program can replace them.
const toBigInt = BigInt;
const { freeze } = Object;

/** What it needs of the prelude. */
export interface ChainHost {
  /** Seconds: when the run began. */
  readonly now: number;
  readonly ask: <Value>(op: string, args: unknown) => Promise<Value>;
  readonly callError: (code: CallErrorCode, message: string, hostCausable: boolean) => Error;
  /** undefined where an answer is no JSON. */
  readonly readJson: (request: object) => Promise<Json | undefined>;
}

interface Proven {
  readonly block: { readonly number: string; readonly hash: string; readonly timestamp: number };
  readonly account: Json;
  readonly storage: readonly string[];
}

interface Viewed {
  readonly data: string;
  readonly values?: readonly Json[];
  readonly missing?: { readonly address: string; readonly slot: string | null; readonly isCode: boolean };
}

/** As the host takes it. */
interface Shown {
  readonly address: string;
  readonly slots: readonly string[];
  readonly proof: { readonly accountProof: Json; readonly storageProof: readonly { readonly proof: Json }[] };
  readonly code: string | null;
}

interface GuessedList {
  readonly accessList: readonly { readonly address: string; readonly storageKeys: readonly string[] }[];
}

interface FoundLogs {
  readonly parentHash: string;
  readonly mayHave: boolean;
  readonly logs: readonly Json[];
}

interface Described {
  transactions?: Json;
  withdrawals?: Json;
}

/** Thousands of transactions are no part of a header. */
function headerOf(block: Described): Described {
  const header = { ...block };
  delete header.transactions;
  delete header.withdrawals;
  return header;
}

interface ShownReceipt {
  readonly type?: string;
  readonly status: string;
  readonly cumulativeGasUsed: string;
  readonly logs: readonly { readonly address: string; readonly topics: Json; readonly data: string }[];
  readonly depositNonce?: string;
  readonly depositReceiptVersion?: string;
}

/** What a receipt's hash is made of. */
function shortened({ type, status, cumulativeGasUsed, logs, ...deposit }: ShownReceipt): ShownReceipt {
  const { depositNonce, depositReceiptVersion } = deposit;
  return {
    ...(type === undefined ? {} : { type }),
    status,
    cumulativeGasUsed,
    logs: logs.map(({ address, topics, data }) => ({ address: address.toLowerCase(), topics, data })),
    ...(depositNonce === undefined ? {} : { depositNonce }),
    ...(depositReceiptVersion === undefined ? {} : { depositReceiptVersion }),
  };
}

const MAX_LOG_BLOCKS = 64n;
const CONFIRMATIONS = 2;
const MAX_AGE_SECONDS = 120;

export function createChain(
  options: Parameters<Host["chain"]>[0],
  { now, ask, callError, readJson }: ChainHost,
): ReturnType<Host["chain"]> {
  const {
    rpc,
    at = null,
    chainId = null,
    confirmations = CONFIRMATIONS,
    maxAgeSeconds = MAX_AGE_SECONDS,
  } = options;
  const send = async (method: string, params: readonly Json[]): Promise<Json> => {
    const body = { jsonrpc: "2.0", id: 1, method, params };
    const json = await readJson({ url: rpc, method: "POST", body });
    const { result } = (json ?? {}) as { readonly result?: Json };
    if (result === undefined || result === null)
      throw callError("UNREACHABLE", `the chain's server has no result of ${method}`, true);
    return result;
  };
  const hex = (number: bigint): string => `0x${number.toString(16)}`;
  const prove = (block: Described, hash: string | null, state: Json): Promise<Proven> => {
    return ask<Proven>("prove", { block: headerOf(block), hash, state });
  };
  const pin = async (): Promise<{ readonly described: Described; readonly block: Proven["block"] }> => {
    const number =
      at === null
        ? toBigInt((await send("eth_blockNumber", [])) as string) - toBigInt(confirmations)
        : toBigInt(at.number);
    const described = (await send("eth_getBlockByNumber", [
      hex(number < 0n ? 0n : number),
      false,
    ])) as Described;
    const { block } = await prove(described, at?.hash ?? null, null);
    if (at === null && (now - block.timestamp > maxAgeSeconds || block.timestamp > now + maxAgeSeconds)) {
      throw callError(
        "UNREACHABLE",
        `the chain's server shows a block of ${block.timestamp}, and it is ${now}`,
        true,
      );
    }
    return { described, block };
  };
  let pinned: ReturnType<typeof pin> | undefined;
  const read = async (address: string, slots: readonly string[]): Promise<Proven> => {
    const { described, block } = await (pinned ??= pin());
    const proof = await send("eth_getProof", [address, slots, hex(toBigInt(block.number))]);
    return await prove(described, block.hash, {
      address: address.toLowerCase(),
      slots,
      proof,
    });
  };
  const show = async (shown: Map<string, Shown>, found: NonNullable<Viewed["missing"]>, number: string) => {
    const { address, slot, isCode } = found;
    const known = shown.get(address);
    if (isCode && known !== undefined) {
      shown.set(address, { ...known, code: (await send("eth_getCode", [address, number])) as string });
      return;
    }
    const slots = [...(known?.slots ?? []), ...(slot === null ? [] : [slot])];
    const proof = (await send("eth_getProof", [address, slots, number])) as unknown as Shown["proof"];
    const storageProof = proof.storageProof.map((one) => ({ proof: one.proof }));
    const code = known?.code ?? null;
    shown.set(address, { address, slots, proof: { accountProof: proof.accountProof, storageProof }, code });
  };
  const call = async (
    to: string,
    signature: string,
    args: readonly Json[] = [],
  ): Promise<readonly Json[]> => {
    const { described, block } = await (pinned ??= pin());
    const number = hex(toBigInt(block.number));
    const shown = new Map<string, Shown>();
    const run = (): Promise<Viewed> =>
      ask<Viewed>("view", {
        block: headerOf(described),
        hash: block.hash,
        chainId,
        to: to.toLowerCase(),
        signature,
        args,
        shown: [...shown.values()],
      });
    let viewed = await run();
    // What a server thinks that is needed saves asking for each, and decides nothing.
    const from = `0x${"00".repeat(20)}`;
    const guess = (await send("eth_createAccessList", [{ from, to, data: viewed.data }, number]).catch(
      () => ({ accessList: [] }),
    )) as unknown as GuessedList;
    const accounts = new Map(
      guess.accessList.map((entry) => [entry.address.toLowerCase(), entry.storageKeys]),
    );
    accounts.set(to.toLowerCase(), accounts.get(to.toLowerCase()) ?? []);
    for (const [address, slots] of accounts) {
      shown.set(address, { address, slots, proof: { accountProof: [], storageProof: [] }, code: null });
      await show(shown, { address, slot: null, isCode: false }, number);
      await show(shown, { address, slot: null, isCode: true }, number);
    }
    for (viewed = await run(); viewed.missing !== undefined; viewed = await run())
      await show(shown, viewed.missing, number);
    return viewed.values ?? [];
  };
  const logs = async (filter: Parameters<ReturnType<Host["chain"]>["logs"]>[0]): Promise<readonly Json[]> => {
    const { described, block } = await (pinned ??= pin());
    const last = toBigInt(block.number);
    const to = filter.toBlock === undefined ? last : toBigInt(filter.toBlock);
    const from = toBigInt(filter.fromBlock);
    if (from > to || to > last || last - from >= MAX_LOG_BLOCKS)
      throw callError("REFUSED", `logs are of the ${MAX_LOG_BLOCKS} blocks that end with ${last}`, false);
    const wanted = { address: filter.address.toLowerCase(), topics: filter.topics ?? [] };
    const found: Json[] = [];
    let hash = block.hash;
    for (let number = last; number >= from; number -= 1n) {
      const shown =
        number === last
          ? described
          : ((await send("eth_getBlockByNumber", [hex(number), false])) as Described);
      const asked = { block: headerOf(shown), hash, filter: wanted };
      let told = await ask<FoundLogs>("logs", { ...asked, receipts: null });
      if (number <= to && told.mayHave) {
        const receipts = (await send("eth_getBlockReceipts", [
          hex(number),
        ])) as unknown as readonly ShownReceipt[];
        told = await ask<FoundLogs>("logs", { ...asked, receipts: receipts.map(shortened) });
      }
      found.unshift(...told.logs);
      hash = told.parentHash;
    }
    return found;
  };
  return freeze({
    call,
    logs,
    block: async () => (await (pinned ??= pin())).block,
    account: async (address: string) => (await read(address, [])).account,
    storage: async (address: string, slot: string) => (await read(address, [slot])).storage[0],
  }) as unknown as ReturnType<Host["chain"]>;
}
