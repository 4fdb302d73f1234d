/**
 * Rebuilds a ledger from its logs and prints what an account's key holds, with the proof that a contract takes. No enclave and no
 * operator is asked: `node examples/read-ledger.ts RPC LEDGER ACCOUNT LOCAL_KEY`
 */

import { JsonRpcProvider } from "ethers";
// In a project of your own: from "adyton/coprocessor" and "adyton/protocol".
import { Ledger, ledgerKey } from "../coprocessor/index.ts";
import { toHex, type Hex } from "../protocol/index.ts";

const [rpc = "", address = "", account = "", localKey = ""] = process.argv.slice(2) as Hex[];
const provider = new JsonRpcProvider(rpc);
const logs = await provider.getLogs({ address, fromBlock: 0 });
const ledger = Ledger.fromLogs(
  logs.map(({ topics, data }) => ({ topics: topics as readonly Hex[], data: data as Hex })),
);
const row = ledger.read(ledgerKey(account as Hex, localKey as Hex));
process.stdout.write(
  `${JSON.stringify(
    row === null
      ? { root: ledger.root, row: null, waiting: ledger.waiting().length }
      : {
          root: ledger.root,
          seq: row.seq.toString(),
          value: row.value,
          row: toHex(row.bytes),
          proof: { epoch: row.epoch, ...row.proof },
        },
    null,
    2,
  )}\n`,
);
provider.destroy();
