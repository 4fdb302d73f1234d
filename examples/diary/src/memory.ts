/**
 * What the account remembers, read at the block that the run is bound to: the hash by proof, the bytes from any server that still has the
 * event, and a view over proven state that says whether they are the ones.
 */

import type { Chain, Host, Json } from "../../agent/agent.d.ts";

type Hex = `0x${string}`;

export interface MemoryPlace {
  readonly rpc: string;
  readonly memory: Hex;
  readonly account: Hex;
  readonly key: Hex;
}

export interface Recalled {
  /** What a write has to name; zeros before the first. */
  readonly hash: Hex;
  /** null before the first write. */
  readonly value: Json;
}

const NOTHING: Hex = `0x${"0".repeat(64)}`;
/** The event `Remembered(address,bytes32,bytes32,bytes)`. */
const REMEMBERED = "0xe062c3bb90c78b7335205b1e8daf391d2f0a83ac3f76554eef40fda4da7371cb";
/** The function `remember(bytes32,bytes32,bytes)`. */
const REMEMBER = "9f3c38cd";

export async function recall(host: Host, chain: Chain, place: MemoryPlace): Promise<Recalled> {
  const { memory, account, key } = place;
  const view = "hashOf(address account, bytes32 key) returns (bytes32 contentHash)";
  const [hash = NOTHING] = (await chain.call(memory, view, [account, key])) as readonly Hex[];
  if (hash === NOTHING) return { hash, value: null };
  for (const content of await shownContents(host, chain, { ...place, hash })) {
    const holds = "holds(address account, bytes32 key, bytes content) returns (bool held)";
    const [held] = await chain.call(memory, holds, [account, key, content]);
    if (held === true) return { hash, value: JSON.parse(toText(content)) as Json };
  }
  throw new Error(`no server shows what the account remembers, which hashes to ${hash}`);
}

/** What the server shows under that hash: nothing of it is believed. */
async function shownContents(
  host: Host,
  chain: Chain,
  { rpc, memory, account, key, hash }: MemoryPlace & { readonly hash: Hex },
): Promise<readonly Hex[]> {
  const { number } = await chain.block();
  const topics = [REMEMBERED, `0x${account.slice(2).toLowerCase().padStart(64, "0")}`, key, hash];
  const toBlock = `0x${BigInt(number).toString(16)}`;
  const params = [{ address: memory, topics, fromBlock: "0x0", toBlock }];
  const body = { jsonrpc: "2.0", id: 1, method: "eth_getLogs", params };
  const { json } = await host.http({ url: rpc, method: "POST", body });
  const { result } = (json ?? {}) as { readonly result?: readonly { readonly data: Hex }[] };
  return (result ?? []).map(({ data }) => onlyBytes(data));
}

/** The one `bytes` of an event's data: an offset, a length, and what it says. */
function onlyBytes(data: Hex): Hex {
  const length = Number(`0x${data.slice(66, 130)}`);
  return `0x${data.slice(130, 130 + 2 * length)}`;
}

/** The call that has the account remember `value` instead of what was recalled. */
export function remember(
  { memory, key }: MemoryPlace,
  { hash }: Recalled,
  value: Json,
): Record<string, string> {
  const content = toBytes(JSON.stringify(value));
  const words = Math.ceil(content.length / 64);
  const word = (number: number): string => number.toString(16).padStart(64, "0");
  const head = `${key.slice(2)}${hash.slice(2)}${word(96)}${word(content.length / 2)}`;
  return { target: memory, value: "0", data: `0x${REMEMBER}${head}${content.padEnd(64 * words, "0")}` };
}

/** UTF-8, in hex: what is not escaped is ASCII. */
function toBytes(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/%..|./g, (part: string) =>
    (part.length === 3 ? part.slice(1) : part.charCodeAt(0).toString(16)).toLowerCase(),
  );
}

function toText(content: Hex): string {
  return decodeURIComponent(content.slice(2).replaceAll(/../g, "%$&"));
}
