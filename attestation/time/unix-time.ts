import { InputError } from "../../protocol/errors.ts";

/** Whole seconds since 1970-01-01T00:00:00Z. Every time in this folder is one of these; nothing here reads a clock. */
export type UnixSeconds = number;

/** 9999-12-31T23:59:59Z in seconds: the last moment that a certificate can name. `Date.now()` in milliseconds is beyond it. */
export const LAST_MOMENT: UnixSeconds = 253_402_300_799;

/**
 * Refuses a time that cannot be one: milliseconds given for seconds would make everything look expired or,
 * in a comparison the other way round, valid for ever.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function checkUnixSeconds(now: UnixSeconds): void {
  if (!Number.isFinite(now) || now < 0 || now > LAST_MOMENT) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the verification time must be in seconds since 1970 (is it in milliseconds?)",
      details: { now: String(now) },
    });
  }
}

/** "2026-03-05T10:50:03Z": the form in which vendors write times, for messages and checks. */
export function toIsoTime(time: UnixSeconds): string {
  return new Date(time * 1000).toISOString().replace(".000Z", "Z");
}

/** The stretch of time in which a set of statements holds, both ends included. */
export interface TimeWindow {
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
}

/** The window in which all of `windows` hold: latest start, earliest end. */
export function intersectWindows(windows: readonly TimeWindow[]): TimeWindow {
  return {
    from: Math.max(...windows.map((window) => window.from)),
    until: Math.min(...windows.map((window) => window.until)),
  };
}
