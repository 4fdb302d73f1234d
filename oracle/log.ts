import { AdytonError, type ErrorDetails } from "../protocol/errors.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with `fields` on every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Values under these names never reach a log, wherever they come from. */
const SECRET =
  /^(authorization|callertoken|token|password|passphrase|privatekey|secret|apikey|mnemonic|payload|prompt|raw|url)$/i;
const MAX_TEXT = 2_048;

interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: ErrorDetails;
  readonly cause?: LoggedError;
  readonly stack?: string;
}

/**
 * SQLSTATE of a database that is away, full, read-only or stopping: classes 08, 53, 57 and 58, and 25006. Nobody's code is wrong then, and a
 * stack for each statement that fails would bury what is said of it.
 */
const OUTAGE_STATE = /^(?:08|53|57|58)[0-9A-Z]{3}$|^25006$/;
/** Of the system: ECONNREFUSED, ENOSPC and so on, which Node gives with the call that failed. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;
/** The driver's own words where it has no code. */
const DRIVER_GAVE_UP =
  /^Connection terminated|^Client has encountered a connection error|^timeout expired|^timeout exceeded when trying to connect|^Query read timeout/;

/** Whether it tells of a database, a disk or a network that does not do its part now: no bug. */
export function isOutage(error: Error): boolean {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return (
    OUTAGE_STATE.test(code) ||
    (SYSTEM_CODE.test(code) && "syscall" in error) ||
    DRIVER_GAVE_UP.test(error.message)
  );
}

/**
 * An error as a log line carries it: the whole stack for a bug, none for errors thrown on purpose and for outages, nor for what is behind these,
 * which is the reason of something foreseen.
 */
export function toLoggedError(error: unknown, isBehindForeseen = false): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const isForeseen = isBehindForeseen || error instanceof AdytonError || isOutage(error);
  const cause = error.cause === undefined ? {} : { cause: toLoggedError(error.cause, isForeseen) };
  if (error instanceof AdytonError) {
    return {
      name: error.name,
      message: error.message,
      code: error.code as string,
      details: error.details,
      ...cause,
    };
  }
  return {
    name: error.name,
    message: error.message,
    ...(error.stack === undefined || isForeseen ? {} : { stack: error.stack }),
    ...cause,
  };
}

function redact(key: string, value: unknown): unknown {
  if (SECRET.test(key)) return "[redacted]";
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return toLoggedError(value);
  if (typeof value === "string" && value.length > MAX_TEXT) return `${value.slice(0, MAX_TEXT)}…`;
  return value;
}

/** One JSON object a line: `time`, `level`, `event`, then the fields, secrets struck out. */
export function createLogger(options: LoggerOptions, base: LogFields = {}): Logger {
  const emit = (level: LogLevel, event: string, fields: LogFields = {}): void => {
    if (RANK[level] >= RANK[options.level]) {
      const time = new Date(options.now()).toISOString();
      options.write(JSON.stringify({ time, level, event, ...base, ...fields }, redact));
    }
  };
  return {
    debug: (event, fields) => {
      emit("debug", event, fields);
    },
    info: (event, fields) => {
      emit("info", event, fields);
    },
    warn: (event, fields) => {
      emit("warn", event, fields);
    },
    error: (event, fields) => {
      emit("error", event, fields);
    },
    with: (fields) => createLogger(options, { ...base, ...fields }),
  };
}
