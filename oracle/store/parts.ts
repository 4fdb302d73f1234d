/** In one statement that inserts or names each: PostgreSQL takes 65,535 parameters in a statement. */
const ROWS = 500;

/**
 * Values in parts of at most `size`. Also where a statement takes all of them as one array: a store without statistics of
 * its tables (PGlite never makes them by itself) plans for one row, and compares each value with each other one.
 */
export function inParts<T>(values: readonly T[], size = ROWS): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
