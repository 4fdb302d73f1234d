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
 * An error as a log line carries it: the whole stack for a bug, none for errors thrown on purpose, nor for what is behind these, which is the
 * reason of something foreseen.
 */
export function toLoggedError(error: unknown, isForeseen = error instanceof AdytonError): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
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
