import { type RawBuilder, sql } from "kysely";

/** Seconds that a refused settlement rests at most. */
export const MAX_RETRY_SECONDS = 300;
/** Seconds, of `requests.retry_at`: no time of a chain comes up to it, so that what settles the request is left to others. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * Whether a request may be tried again. What is to rest for longer than anything rests was put off by a clock that had jumped, or by a
 * header of another time: it would never be tried again.
 */
export const isRetryDue = (column: "retry_at" | "r.retry_at", time: number): RawBuilder<boolean> =>
  sql<boolean>`(${sql.ref(column)} <= ${time}::bigint
    or ${sql.ref(column)} > ${time + MAX_RETRY_SECONDS}::bigint and ${sql.ref(column)} <> ${NEVER}::bigint)`;
