import { getAddress } from "ethers";
import type { Hex } from "../../../protocol/bytes.ts";
import type { TestChain } from "./test-chain.ts";

export interface Ledger {
  /** Requests of the canonical chain under the policy that is served. */
  readonly requested: number;
  readonly fulfilled: number;
  /** Settled more than once: must be none. */
  readonly twice: number;
  readonly refunded: number;
  readonly open: readonly Hex[];
  /** Accounts whose credit differs from what the events add up to: must be none. */
  readonly wrongBalances: readonly string[];
}

/**
 * Recomputes every balance of the coordinator from events alone: money in with each request (the transaction's value), and
 * out to payees and refund addresses with each settlement.
 */
export async function recomputeLedger(chain: TestChain): Promise<Ledger> {
  const { coordinator, registry } = chain;
  const [requested, fulfilled, refunded, admitted] = await Promise.all([
    coordinator.queryFilter(coordinator.filters.Requested(), 0),
    coordinator.queryFilter(coordinator.filters.Fulfilled(), 0),
    coordinator.queryFilter(coordinator.filters.Refunded(), 0),
    registry.queryFilter(registry.filters.EnclaveAdmitted(), 0),
  ]);
  const payees = new Map(admitted.map(({ args }) => [args.keysetId, args.keyset.payee]));
  const requests = new Map(requested.map((event) => [event.args.requestId, event]));
  const credits = new Map<string, bigint>();
  const credit = (account: string, amount: bigint): void => {
    credits.set(account, (credits.get(account) ?? 0n) + amount);
  };
  const settled = new Map<string, number>();
  let held = 0n;
  for (const event of requested) held += (await event.getTransaction()).value;
  for (const { args } of fulfilled) {
    settled.set(args.requestId, (settled.get(args.requestId) ?? 0) + 1);
    const request = requests.get(args.requestId);
    const escrow = request === undefined ? 0n : (await request.getTransaction()).value;
    credit(payees.get(args.keysetId) ?? "nobody", args.paid);
    credit(refundeeOf(request), escrow - args.paid);
  }
  for (const { args } of refunded) {
    settled.set(args.requestId, (settled.get(args.requestId) ?? 0) + 1);
    credit(refundeeOf(requests.get(args.requestId)), args.amount);
  }
  const isServed = ({ args }: { readonly args: { readonly policyId: string } }): boolean =>
    args.policyId === chain.deployment.policyId;
  const wrongBalances: string[] = [];
  for (const [account, amount] of credits)
    if (account === "nobody" || (await coordinator.creditOf(account)) !== amount) wrongBalances.push(account);
  if ((await chain.provider.getBalance(await coordinator.getAddress())) !== held)
    wrongBalances.push("coordinator");
  return {
    requested: requested.filter(isServed).length,
    fulfilled: fulfilled.length,
    refunded: refunded.length,
    twice: [...settled.values()].filter((count) => count > 1).length,
    open: requested.flatMap((event) =>
      isServed(event) && !settled.has(event.args.requestId) ? [event.args.requestId as Hex] : [],
    ),
    wrongBalances,
  };
}

/** `refundAndGas` of the event: the address in its upper 160 bits. */
function refundeeOf(request: { readonly args: { readonly refundAndGas: bigint } } | undefined): string {
  return request === undefined
    ? "nobody"
    : getAddress(`0x${(request.args.refundAndGas >> 96n).toString(16).padStart(40, "0")}`);
}
