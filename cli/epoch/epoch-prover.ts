/**
 * One epoch after another, each on top of the one before it, which need not be settled yet. A reorg, or an epoch of somebody else, takes
 * away what they rest on: then they are proven again, over what the chain has now.
 */

import {
  buildEpoch,
  circuitInput,
  type BuiltEpoch,
  type Step,
} from "../../coprocessor/epochs/build-epoch.ts";
import {
  provenEpochFile,
  type ProvenEpochFile,
  type TransitionRecord,
} from "../../coprocessor/epochs/epoch-file.ts";
import type { EpochStatement } from "../../coprocessor/epochs/epoch-statement.ts";
import { toTransition } from "../../coprocessor/epochs/judge-proven-epoch.ts";
import { afterProvenEpoch, type ProvenState } from "../../coprocessor/epochs/proven-state.ts";
import { findRule } from "../../coprocessor/epochs/rule.ts";
import { RowKind } from "../../coprocessor/ledger/row.ts";
import type { CircuitShape } from "../../coprocessor/prover/circuit.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { LedgerReading } from "./read-ledger.ts";

export interface EpochProverOptions {
  readonly ledger: Hex;
  readonly payee: Hex;
  /** Keys to say the value of, once. */
  readonly reads: readonly Hex[];
  readonly read: () => Promise<LedgerReading>;
  readonly prove: (built: BuiltEpoch, shape: CircuitShape) => Promise<Hex>;
  readonly say: (line: string) => void;
}

export interface NextEpoch {
  readonly epoch: bigint;
  readonly file: ProvenEpochFile;
}

/** Epochs remembered: a reorg may take back what was settled, and its proof holds again. */
const MAX_REMEMBERED = 64;

export class EpochProver {
  readonly #options: EpochProverOptions;
  /** In their order; those that the chain has are kept for a while. */
  #proven: readonly EpochStatement[] = [];

  constructor(options: EpochProverOptions) {
    this.#options = options;
  }

  /**
   * Proves the next epoch; null where there is nothing to settle.
   *
   * @throws as `read` and `prove` do; the next call tries again
   */
  async next(): Promise<NextEpoch | null> {
    const { prove, read, say } = this.#options;
    const reading = await read();
    const state = this.#rebase(reading.state);
    const steps = this.#stepsOver(state, reading);
    if (steps.length === 0) return null;
    const built = this.#build(state, reading, steps);
    if (built === null) return null;
    const { statement } = built;
    const { rule, signatures } = findRule(reading.ruleId);
    say(`epoch ${statement.epoch}: ${statement.rows.length} rows in a circuit of ${statement.capacity}`);
    const proof = await prove(built, { rule, rows: statement.capacity, signatures });
    this.#proven = [...this.#proven, statement].slice(-MAX_REMEMBERED);
    return { epoch: statement.epoch, file: provenEpochFile(statement, reading.given, proof) };
  }

  /** The chain's state with what was proven on top of it; what rests on a state that is gone is forgotten. */
  #rebase(state: ProvenState): ProvenState {
    let next = state;
    for (const epoch of this.#proven.filter((proven) => proven.epoch >= state.epochs)) {
      if (!isOnTopOf(next, epoch)) {
        this.#options.say(
          `epoch ${epoch.epoch} was proven over a state that the chain has no more: it is proven again`,
        );
        this.#proven = this.#proven.filter((proven) => proven.epoch < epoch.epoch);
        return next;
      }
      next = afterProvenEpoch(next, epoch);
    }
    return next;
  }

  #stepsOver({ inbox, tree }: ProvenState, { given, largeRows }: LedgerReading): readonly Step[] {
    const isOpen = ({ key, seq }: TransitionRecord): boolean => seq > (tree.get(key)?.seq ?? 0n);
    const read = new Set(
      this.#proven.flatMap(({ rows }) =>
        rows.filter(({ kind }) => kind === RowKind.read).map(({ key }) => key),
      ),
    );
    const steps = [
      ...inbox.map((queued): Step => ({ kind: "inbox", ...queued })),
      ...given.transitions
        .filter(isOpen)
        .map((record): Step => ({ kind: "signed", transition: toTransition(record) })),
      ...this.#options.reads.filter((key) => !read.has(key)).map((key): Step => ({ kind: "read", key })),
    ];
    return steps.slice(0, largeRows);
  }

  /** null where no proof can be made of any row. */
  #build(state: ProvenState, reading: LedgerReading, steps: readonly Step[]): BuiltEpoch | null {
    const { ledger, payee, say } = this.#options;
    const { chainId, ruleId, smallRows, largeRows, signers } = reading;
    const { rule, signatures } = findRule(ruleId);
    let refused = 0;
    const onRefused = (step: Step, error: Error): void => {
      refused += 1;
      say(`left out ${step.kind === "signed" ? step.transition.key : step.kind}: ${error.message}`);
    };
    const plan = { rule, signatures, capacity: largeRows, epoch: state.epochs, payee, signers, steps };
    try {
      const name = { chainId, ledger, ruleId };
      const { statement, witnesses } = buildEpoch(state.tree, { ...plan, name, onRefused });
      // The contract takes the small verifier wherever its rows are enough.
      const capacity = statement.rows.length <= smallRows ? smallRows : largeRows;
      const sized = { ...statement, capacity };
      return { statement: sized, witnesses, input: circuitInput(sized, witnesses, signatures) };
    } catch (error) {
      if (refused === steps.length) return null;
      throw error;
    }
  }
}

/** Whether the proof holds there: its number, its root, and what it takes from the inbox. */
function isOnTopOf({ epochs, tree, inbox }: ProvenState, { epoch, oldRoot, rows }: EpochStatement): boolean {
  if (epoch !== epochs || oldRoot !== tree.root) return false;
  return rows
    .filter(({ kind }) => kind === RowKind.inbox)
    .every(({ key, value }, index) => inbox[index]?.key === key && inbox[index].value === value);
}
