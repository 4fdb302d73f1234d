/**
 * Remembers the highest price that it has seen, over restarts of everything: what it knew is on the account's chain, and a run that was
 * shown an older page of it could change nothing.
 */

import type { Json, Main } from "../../agent/agent.d.ts";
import { recall, remember, type MemoryPlace } from "./memory.ts";
import { settings } from "./settings.ts";

type Page = { readonly highest: number; readonly seen: number };

const place: MemoryPlace = {
  rpc: settings.rpc,
  memory: settings.memory,
  account: settings.account,
  /** keccak256 of "diary". */
  key: "0x6d1adbf96e5d6949b10559a05c3fb6f26a8095ff6283a9a3dee02165777591df",
};

const main: Main<Json, { readonly calls: readonly Json[] }> = async (_input, host) => {
  const chain = host.chain({ rpc: settings.rpc, at: host.run.block });
  const recalled = await recall(host, chain, place);
  const page = (recalled.value ?? { highest: 0, seen: 0 }) as Page;
  const { json } = await host.http({ url: settings.price });
  const { price } = json as { readonly price: number };
  host.log("remembered", page.highest, "now", price);
  // What changes nothing is no transaction.
  if (price <= page.highest) return { calls: [] };
  return { calls: [remember(place, recalled, { highest: price, seen: host.run.now })] };
};

export default main;
