/**
 * `adyton/coprocessor`: ledgers as their logs have them, read and checked by anybody. Logs and bytes in, a typed result or error out; nothing
 * here opens a socket, asks an enclave or makes a proof. The names are a promise, compared with docs/reference/api-baseline.json.
 */

// A ledger of snapshots: what was asked, what each key holds and held, and the proofs to read it by.
export { Ledger, type LedgerEntry } from "./ledger/ledger.ts";
export { ledgerKey, LedgerTerms, type Checkpoint, type LedgerName } from "./ledger/entry.ts";
export type { LedgerLog } from "./ledger/ledger-events.ts";

// A proven one.
export { provenStateFrom, type ProvenState, type QueuedRow } from "./epochs/proven-state.ts";
export { ledgerIdOf, ruleIdOf, transitionContext, ProvenLedgerName } from "./epochs/transition.ts";
export type { SignedTransition, Transition } from "./epochs/transition.ts";
export { RULES, type RuleName } from "./epochs/rule.ts";

// From a receipt to the row that it became.
export { TransitionsFile } from "./epochs/epoch-file.ts";
export { verifyTransition, type LedgerProof } from "./epochs/verify-transition.ts";

// Rows, and where they stand.
export { epochRootFrom, type RowPosition } from "./ledger/epoch-tree.ts";
export { parseRow, parseRows, RowKind, type Cell, type Row } from "./ledger/row.ts";
export type { SettledRow, SettledRows } from "./ledger/settled-rows.ts";
