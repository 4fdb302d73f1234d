/**
 * What a ledger's accounts and payees must hold, computed from transactions and logs alone, by nothing of `coprocessor/`: a second
 * pair of eyes on who was paid.
 */

import { Interface, type Provider } from "ethers";
import { EnclaveRegistry__factory, SnapshotLedger__factory } from "../../contracts/bindings/index.ts";

const LEDGER = new Interface(SnapshotLedger__factory.abi);
const REGISTRY = new Interface(EnclaveRegistry__factory.abi);
const ROW_BYTES = 73;
const SIGNED = 2;

export interface Balances {
  readonly accounts: ReadonlyMap<string, bigint>;
  readonly payees: ReadonlyMap<string, bigint>;
  readonly feesPaid: number;
  /** Of entries that wait or were not answered: neither an account's nor a payee's yet. */
  readonly held: bigint;
}

export async function recomputeBalances(
  provider: Provider,
  { ledger, registry, price }: { readonly ledger: string; readonly registry: string; readonly price: bigint },
): Promise<Balances> {
  const payeeOf = new Map<string, string>();
  for (const log of await provider.getLogs({ address: registry, fromBlock: 0 })) {
    const event = REGISTRY.parseLog(log);
    if (event?.name !== "EnclaveAdmitted") continue;
    const keyset = event.args.getValue("keyset") as { readonly payee: string };
    payeeOf.set(String(event.args.getValue("keysetId")), keyset.payee);
  }
  const accounts = new Map<string, bigint>();
  const payees = new Map<string, bigint>();
  let feesPaid = 0;
  let held = 0n;
  const add = (to: Map<string, bigint>, name: string, amount: bigint): void => {
    to.set(name, (to.get(name) ?? 0n) + amount);
  };
  for (const log of await provider.getLogs({ address: ledger, fromBlock: 0 })) {
    const event = LEDGER.parseLog(log);
    const value = (name: string): string => String(event?.args.getValue(name));
    switch (event?.name) {
      case "AccountFunded":
        add(accounts, value("account"), BigInt(value("amount")));
        break;
      case "AccountWithdrawn":
        add(accounts, value("account"), -BigInt(value("amount")));
        break;
      case "PayeeWithdrawn":
        add(payees, value("payee"), -BigInt(value("amount")));
        break;
      case "Asked":
        add(accounts, value("account"), -price);
        held += price;
        break;
      case "PriceReclaimed":
        add(accounts, value("account"), price);
        held -= price;
        break;
      case "EpochSettled": {
        const rows = Buffer.from(value("rows").slice(2), "hex");
        let answered = 0;
        for (let at = 0; at < rows.length; at += ROW_BYTES) if (rows[at] === SIGNED) answered += 1;
        const signers = await signersOf(provider, log.transactionHash);
        const earned = BigInt(answered) * price;
        const share = earned / BigInt(signers.length);
        for (const [index, keysetId] of signers.entries()) {
          const rest = index === 0 ? earned - share * BigInt(signers.length) : 0n;
          add(payees, payeeOf.get(keysetId) ?? "unknown", share + rest);
        }
        feesPaid += answered;
        held -= earned;
        break;
      }
      default:
    }
  }
  return { accounts, payees, feesPaid, held };
}

/** Keysets of the members that signed, as the settling transaction names them. */
async function signersOf(provider: Provider, hash: string): Promise<readonly string[]> {
  const transaction = await provider.getTransaction(hash);
  const call = LEDGER.parseTransaction({ data: transaction?.data ?? "0x" });
  const members = call?.args.getValue("members") as readonly {
    readonly keysetId: string;
    readonly signature: string;
  }[];
  return members.filter(({ signature }) => signature !== "0x").map(({ keysetId }) => keysetId);
}
