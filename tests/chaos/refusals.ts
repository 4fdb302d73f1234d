import type { Node } from "./node.ts";

/** Spells in which the database can be read, and takes no rows. */
export interface Refusal {
  readonly name: string;
  readonly set: (isRefusing: boolean) => Promise<void>;
}

/** The node looks every five seconds, and waits as long for a row. */
const NOTICED_WITHIN_MS = 20_000;
/** Enclaves that were killed, and chains that are slow, are troubles of their own: here it is the store's part of health that must be well. */
const WELL_WITHIN_MS = 60_000;
const LOOK_MS = 250;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A store refuses rows until every node has said so, and `ms` longer; then they must take the store up by themselves.
 *
 * @returns what a node did wrong: said that it is well meanwhile, or did not come back
 */
export async function refuseFor(
  nodes: readonly Node[],
  { name, set }: Refusal,
  ms: number,
): Promise<string[]> {
  await set(true);
  const noticed = await every(nodes, NOTICED_WITHIN_MS, async (node) => {
    const health = await node.health();
    return health !== undefined && health.status !== "ok" && !health.store.writable;
  });
  await sleep(ms);
  await set(false);
  const well = await every(
    nodes,
    WELL_WITHIN_MS,
    async (node) => (await node.health())?.store.writable === true,
  );
  return [
    ...(noticed ? [] : [`${name}: a node's health said nothing of it`]),
    ...(well ? [] : [`${name}: a node did not take its store up again`]),
  ];
}

async function every(
  nodes: readonly Node[],
  withinMs: number,
  is: (node: Node) => Promise<boolean>,
): Promise<boolean> {
  let left = [...nodes];
  for (let waited = 0; waited <= withinMs; waited += LOOK_MS) {
    const found = await Promise.all(left.map(is));
    left = left.filter((_, index) => found[index] !== true);
    if (left.length === 0) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
