import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { ChainError } from "../../protocol/errors.ts";
import { BlockHeader, Log, toQuantity } from "./rpc/block.ts";
import { bloomMayContain } from "./bloom.ts";
import type { BusyContracts } from "./busy-contracts.ts";
import { meaningOf } from "./rpc/client-errors.ts";
import type { RpcCall, RpcEndpoint, RpcReply } from "./rpc/rpc-endpoint.ts";
import { callEndpoint, readReply } from "./rpc/rpc-pool.ts";

export interface BlockId {
  readonly number: number;
  readonly hash: Hex;
}

/** Blocks after `parent`, in order, that were canonical together, and every log of the watched contracts in them. */
export interface ChainRange {
  /** Every block of a short range; of a long one, those with logs and the last. */
  readonly headers: readonly BlockHeader[];
  readonly logs: readonly Log[];
  readonly last: BlockHeader;
}

/** Ranges up to this length end at the head, where a server may have blocks whose logs it has not. */
export const CHECKED_RANGE = 32;

/** Logs of one reply: no server caps them at less. */
const LEAST_CAP = 500;

const headerCall = (tag: string): RpcCall => ({ method: "eth_getBlockByNumber", params: [tag, false] });

async function header(endpoint: RpcEndpoint, tag: string): Promise<BlockHeader | null> {
  const call = headerCall(tag);
  const [reply] = await endpoint.send([call]);
  return toHeader(endpoint, call, reply);
}

/** Null where the server has no block of that name, whether it says so by null or in words. */
function toHeader(endpoint: RpcEndpoint, call: RpcCall, reply: RpcReply | undefined): BlockHeader | null {
  if (reply?.ok === false && meaningOf(reply.failure, call.method) === "no-such-block") return null;
  return readReply(endpoint, call, reply, BlockHeader.nullable());
}

export async function readHead(endpoint: RpcEndpoint): Promise<BlockHeader> {
  return required(await header(endpoint, "latest"), endpoint, "latest");
}

/** The finalized block; `undefined` on a node that knows no finality, whether it says so by null or by an error. */
export async function readFinalized(endpoint: RpcEndpoint): Promise<BlockHeader | undefined> {
  const call = headerCall("finalized");
  const [reply] = await endpoint.send([call]);
  // Words for a block that is not there are those of a server that is behind, but for these.
  if (reply?.ok === false && meaningOf(reply.failure, call.method) === "no-finality") return undefined;
  try {
    return toHeader(endpoint, call, reply) ?? undefined;
  } catch (error) {
    if (error instanceof ChainError && error.code === "CHAIN_RPC_REFUSED") return undefined;
    throw error;
  }
}

export async function readHeader(endpoint: RpcEndpoint, number: number): Promise<BlockHeader | undefined> {
  return (await header(endpoint, toQuantity(number))) ?? undefined;
}

/**
 * The blocks at these heights. A height without one is left out, since there are chains that have such (Filecoin's null rounds), and so is
 * a block of another height, which servers give in its place: whoever reads on proves by `checkDescent` that none was withheld.
 */
async function readHeaders(endpoint: RpcEndpoint, numbers: readonly number[]): Promise<BlockHeader[]> {
  const calls = numbers.map((number) => headerCall(toQuantity(number)));
  const replies = await endpoint.send(calls);
  return numbers.flatMap((number, index) => {
    const block = toHeader(endpoint, calls[index] ?? headerCall(""), replies[index]);
    return block?.number === number ? block : [];
  });
}

export interface RangeToRead {
  readonly from: number;
  readonly to: number;
  readonly addresses: readonly Hex[];
  /** The endpoint's newest block, just read: not asked for again. */
  readonly latest: BlockHeader;
  readonly busy: BusyContracts;
}

/**
 * Reads the blocks from `parent` (exclusive) to `to`.
 *
 * @throws {ChainError} CHAIN_REORGED when they do not descend from `parent`, or changed while being read;
 *   CHAIN_RPC_UNAVAILABLE when the node has a block but not yet its logs
 */
export async function readRange(
  endpoint: RpcEndpoint,
  parent: BlockId | undefined,
  range: RangeToRead,
): Promise<ChainRange> {
  return range.to - range.from < CHECKED_RANGE
    ? readShortRange(endpoint, parent, range)
    : readLongRange(endpoint, parent, range);
}

async function readShortRange(
  endpoint: RpcEndpoint,
  parent: BlockId | undefined,
  { from, to, addresses, latest, busy }: RangeToRead,
): Promise<ChainRange> {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const older = await readHeaders(
    endpoint,
    numbers.filter((number) => number !== latest.number),
  );
  const headers = to === latest.number ? [...older, latest] : older;
  const last = headers.at(-1);
  // All of its heights are without a block: they are told from blocks that the server lacks by the next one that there is.
  if (last === undefined) return readRange(endpoint, parent, { from, to: to + 1, addresses, latest, busy });
  checkDescent(endpoint, headers, { parent, from });
  const suspects = headers.filter((block) => isTelling(block) && mayContain(block, addresses));
  const witness = suspects.length === 0 ? undefined : busy.find(suspects);
  const found = await readLogs(
    endpoint,
    from === last.number
      ? { blockHash: last.hash }
      : { fromBlock: toQuantity(from), toBlock: toQuantity(last.number) },
    witness === undefined ? addresses : [...addresses, witness],
  );
  checkLogs(headers, found);
  const indexed = new Set(found.map(({ blockHash }) => blockHash));
  await checkIndexed(
    endpoint,
    suspects.filter(({ hash }) => !indexed.has(hash)),
    { addresses, busy },
  );
  // Of a block without a filter that tells, a server that has it not yet would have said nothing either.
  const mute = headers.filter((block) => !isTelling(block) && !indexed.has(block.hash));
  const unproven = [...mute, ...perhapsCutOff(headers, found)];
  const omitted = from === last.number ? [] : await readOmitted(endpoint, unproven, addresses);
  return { headers, logs: ofAddresses([...found, ...omitted], addresses), last };
}

async function readLongRange(
  endpoint: RpcEndpoint,
  parent: BlockId | undefined,
  { from, to, addresses }: RangeToRead,
): Promise<ChainRange> {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const headers = await readHeaders(endpoint, numbers);
  const last = required(headers.at(-1) ?? null, endpoint, toQuantity(to));
  checkDescent(endpoint, headers, { parent, from });
  const filter = { fromBlock: toQuantity(from), toBlock: toQuantity(last.number) };
  const found = await readLogs(endpoint, filter, addresses);
  checkLogs(headers, found);
  const logged = new Set(found.map(({ blockHash }) => blockHash));
  const silent = headers.filter((block) => !logged.has(block.hash) && mayContain(block, addresses));
  const unproven = [...silent, ...perhapsCutOff(headers, found)];
  const logs = ofAddresses([...found, ...(await readOmitted(endpoint, unproven, addresses))], addresses);
  const withLogs = new Set(logs.map(({ blockHash }) => blockHash));
  return { headers: headers.filter((block) => block === last || withLogs.has(block.hash)), logs, last };
}

/**
 * Servers behind a balancer are not all at the same height, and some answer a range with what they have of it. So blocks
 * whose bloom filter names a watched contract, and of which nothing came, are asked for by their hash: a server that has
 * not got the block says so (EIP-234), and one that has it gives its logs.
 */
async function readOmitted(
  endpoint: RpcEndpoint,
  blocks: readonly BlockHeader[],
  addresses: readonly Hex[],
): Promise<Log[]> {
  const calls = blocks.map(({ hash }) => ({
    method: "eth_getLogs",
    params: [{ blockHash: hash, address: addresses }],
  }));
  const replies = calls.length === 0 ? [] : await endpoint.send(calls);
  const logs = calls.flatMap((call, index) => readReply(endpoint, call, replies[index], z.array(Log)));
  checkLogs(blocks, logs);
  return logs;
}

function readLogs(endpoint: RpcEndpoint, filter: object, address: readonly Hex[]): Promise<Log[]> {
  return callEndpoint(endpoint, { method: "eth_getLogs", params: [{ ...filter, address }] }, z.array(Log));
}

/**
 * Each block names the one before it: what was left out between two that do is no block.
 *
 * @throws {ChainError} CHAIN_REORGED; CHAIN_RPC_UNAVAILABLE where a block is missing that the next one names
 */
function checkDescent(
  endpoint: RpcEndpoint,
  headers: readonly BlockHeader[],
  { parent, from }: { readonly parent: BlockId | undefined; readonly from: number },
): void {
  let previous = parent?.hash;
  let expected = from;
  for (const block of headers) {
    if (previous !== undefined && block.parentHash !== previous) {
      if (block.number === expected) throw reorged(block.number);
      required(null, endpoint, toQuantity(expected));
    }
    previous = block.hash;
    expected = block.number + 1;
  }
}

/** In order, each once: servers repeat logs, and some give those of other contracts too. */
function ofAddresses(logs: readonly Log[], addresses: readonly Hex[]): Log[] {
  const ours = logs.filter(({ address }) => addresses.includes(address));
  const each = new Map(ours.map((log) => [`${log.blockHash} ${log.logIndex}`, log]));
  return [...each.values()].sort(byPosition);
}

/** The blocks that the findings lie in. */
function checkLogs(headers: readonly BlockHeader[], logs: readonly Log[]): void {
  const byNumber = new Map(headers.map((block) => [block.number, block]));
  for (const log of logs) {
    if (log.removed === true || byNumber.get(log.blockNumber)?.hash !== log.blockHash)
      throw reorged(log.blockNumber);
  }
}

/** A header without a filter tells nothing: then it may. */
function mayContain({ logsBloom }: BlockHeader, addresses: readonly Hex[]): boolean {
  return logsBloom === undefined || addresses.some((address) => bloomMayContain(logsBloom, address));
}

/** Servers cap a reply's logs in silence, at 1,000 or more: the block that a reply ends in is then asked for by itself. */
function perhapsCutOff(headers: readonly BlockHeader[], found: readonly Log[]): BlockHeader[] {
  if (found.length < LEAST_CAP) return [];
  const end = Math.max(...found.map(({ blockNumber }) => blockNumber));
  return headers.filter(({ number }) => number === end);
}

/** Whether a filter was made from the block's logs. Chains without such filters leave them out, or set every bit of them. */
function isTelling({ logsBloom }: BlockHeader): boolean {
  return logsBloom !== undefined && !/^0x(?:ff)*$/.test(logsBloom);
}

/**
 * Nodes serve a block before its logs are indexed, and then say "no logs". The header's bloom filter tells, but on a busy
 * chain it contains nearly everything by chance. A filter that is not empty was made from at least one log: a node that
 * has the block's logs finds one, whosever it is. To ask for all of them is dear, and teaches whom to ask for next time.
 *
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the node finds none, or finds one of ours after all
 */
async function checkIndexed(
  endpoint: RpcEndpoint,
  blocks: readonly BlockHeader[],
  { addresses, busy }: Pick<RangeToRead, "addresses" | "busy">,
): Promise<void> {
  const calls = blocks.map(({ hash }) => ({ method: "eth_getLogs", params: [{ blockHash: hash }] }));
  const replies = calls.length === 0 ? [] : await endpoint.send(calls);
  calls.forEach((call, index) => {
    const reply = replies[index];
    // More than a reply may hold: the server has looked, and ours were asked for by themselves.
    if (reply?.ok === false && meaningOf(reply.failure, call.method) === "reply-too-large") return;
    const logs = readReply(endpoint, call, reply, z.array(Log));
    if (logs.length === 0 || logs.some(({ address }) => addresses.includes(address))) {
      throw new ChainError({
        code: "CHAIN_RPC_UNAVAILABLE",
        message: "the node has the block but not yet its logs",
        details: { endpoint: endpoint.name, block: blocks[index]?.number ?? null },
      });
    }
    busy.learn(logs);
  });
}

function byPosition(a: Log, b: Log): number {
  return a.blockNumber - b.blockNumber || a.logIndex - b.logIndex;
}

function reorged(block: number): ChainError {
  return new ChainError({
    code: "CHAIN_REORGED",
    message: "the chain was reorganised while it was read",
    details: { block },
  });
}

function required(block: BlockHeader | null, endpoint: RpcEndpoint, tag: string): BlockHeader {
  if (block === null) {
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "the node does not have the block",
      details: { endpoint: endpoint.name, block: tag },
    });
  }
  return block;
}
