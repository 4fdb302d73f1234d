import {
  EndorsementError,
  EvidenceError,
  type AdytonError,
  type ErrorDetails,
} from "../../protocol/errors.ts";
import type { Check, CheckSubject } from "./verified-evidence.ts";

/** A check that was made and did not hold, or could not be made. */
export interface FailedCheck extends CheckSubject {
  readonly ok: false;
  readonly error: AdytonError;
}

/** A check that rests on another, which did not hold. */
export interface UnreachedCheck extends CheckSubject {
  readonly ok: null;
}

export type CheckOutcome = Check | FailedCheck | UnreachedCheck;

/** Outcomes of every check of a verification, by the error that it ended with. */
const outcomesByError = new WeakMap<AdytonError, readonly CheckOutcome[]>();

/** The checks made before `error` was thrown, with those that failed beside it; empty where none was. */
export function checksOf(error: AdytonError): readonly CheckOutcome[] {
  return outcomesByError.get(error) ?? [];
}

/** Says of `error` what else was checked. */
export function keepChecks(error: AdytonError, outcomes: readonly CheckOutcome[]): void {
  outcomesByError.set(error, outcomes);
}

/** A check that is under way. Its promise never rejects for a fault that is ours to report: `finish` does. */
export interface Pending<T> {
  /** Undefined when the check failed, or was not reached. */
  readonly settled: Promise<{ readonly value: T } | undefined>;
}

/**
 * The checks of one verification. Those that are independent of each other are all made, also after one has failed, so that
 * what is wrong can be told apart from what is not; then the verification fails with the first fault in the order in
 * which checks were listed. List what needs no endorsements first: a false signature is false without them.
 */
export class CheckList {
  readonly #outcomes: Promise<readonly CheckOutcome[]>[] = [];
  readonly #errors: Promise<AdytonError | undefined>[] = [];

  /** Starts a check, and lists it here. `describe` says of its value what was found. */
  start<T>(
    subject: CheckSubject,
    work: () => Promise<T> | T,
    describe: (value: T) => Description,
  ): Pending<T> {
    const attempt = settle(work);
    this.#outcomes.push(attempt.then((outcome) => toOutcomes(subject, outcome, describe)));
    this.#errors.push(attempt.then(({ error }) => error));
    const settled = attempt.then(({ error, value }) =>
      error === undefined ? { value: value as T } : undefined,
    );
    return { settled };
  }

  /** Starts checks that rest on others: they are made when all of those held, and else listed as not reached. */
  after<Needs extends readonly unknown[], T>(
    needs: { readonly [Index in keyof Needs]: Pending<Needs[Index]> },
    subject: CheckSubject,
    work: (values: NoInfer<Needs>) => Promise<T> | T,
    describe: (value: T) => Description,
  ): Pending<T> {
    const ready = Promise.all((needs as readonly Pending<unknown>[]).map(({ settled }) => settled));
    const attempt = ready.then(async (values) => {
      if (values.includes(undefined)) return { reached: false } as const;
      const given = values.map((value) => value?.value) as unknown as Needs;
      return { reached: true, outcome: await settle(() => work(given)) } as const;
    });
    this.#outcomes.push(
      attempt.then((made) =>
        made.reached ? toOutcomes(subject, made.outcome, describe) : [{ ...subject, ok: null }],
      ),
    );
    this.#errors.push(attempt.then((made) => (made.reached ? made.outcome.error : undefined)));
    const settled = attempt.then((made) =>
      made.reached && made.outcome.error === undefined ? { value: made.outcome.value as T } : undefined,
    );
    return { settled };
  }

  /** Lists what needed no looking at. */
  note(...checks: readonly Check[]): void {
    this.#outcomes.push(Promise.resolve(checks));
  }

  /**
   * Waits for every check.
   *
   * @returns them, when all held
   * @throws {EvidenceError | EndorsementError} the first fault; `checksOf` knows the rest
   */
  async finish(): Promise<readonly Check[]> {
    const outcomes = (await Promise.all(this.#outcomes)).flat();
    const errors = (await Promise.all(this.#errors)).filter((error) => error !== undefined);
    const [first] = errors;
    if (first === undefined) return outcomes as readonly Check[];
    outcomesByError.set(first, outcomes);
    throw first;
  }
}

/** The value of a check that `finish` has found to hold. */
export async function valueOf<T>(pending: Pending<T>): Promise<T> {
  const held = await pending.settled;
  /* v8 ignore next -- `finish` has thrown when a check did not hold */
  if (held === undefined) throw new TypeError("asked for what a failed check would have found");
  return held.value;
}

/** A check's finding; or the checks that it consists of, as of a hardware report inside of other evidence. */
export type Description =
  string | readonly Check[] | (Pick<Check, "detail"> & Partial<Pick<Check, "expected" | "found">>);

interface Settled<T> {
  readonly value?: T;
  readonly error?: AdytonError;
}

async function settle<T>(work: () => Promise<T> | T): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    // Anything else is a bug, and is thrown on.
    if (error instanceof EvidenceError || error instanceof EndorsementError) return { error };
    throw error;
  }
}

/** A check that ended with checks of its own (a hardware report inside of other evidence) is shown by those. */
function toOutcomes<T>(
  subject: CheckSubject,
  { error, value }: Settled<T>,
  describe: (value: T) => Description,
): readonly CheckOutcome[] {
  if (error === undefined) {
    const described = describe(value as T);
    if (isList(described)) return described;
    return [{ ...subject, ok: true, ...(typeof described === "string" ? { detail: described } : described) }];
  }
  const inner = checksOf(error);
  return inner.length > 0 ? inner : [{ ...subject, ok: false, error }];
}

/** `Array.isArray` does not narrow a readonly array away. */
function isList(description: Description): description is readonly Check[] {
  return Array.isArray(description);
}

/** Values that an error names, for a check that shows what was expected and what was found. */
export function comparedValues({
  expected,
  actual,
}: ErrorDetails): Partial<Pick<Check, "expected" | "found">> {
  return {
    ...(expected === undefined || expected === null ? {} : { expected: String(expected) }),
    ...(actual === undefined || actual === null ? {} : { found: String(actual) }),
  };
}
