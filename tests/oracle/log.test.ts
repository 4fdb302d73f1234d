import { expect, test } from "vitest";
import { toLoggedError } from "../../oracle/log.ts";
import { ChainError } from "../../protocol/errors.ts";

const withCode = (code: string, fields: object = {}): Error =>
  Object.assign(new Error("no"), { code }, fields);

test.for<[string, Error]>([
  ["a read-only database", withCode("25006")],
  ["a database whose disk is full", withCode("53100")],
  ["a database with too many connections", withCode("53300")],
  ["a database that stops", withCode("57P01")],
  ["a disk that is full", withCode("ENOSPC", { syscall: "write" })],
  ["a server that is not there", withCode("ECONNREFUSED", { syscall: "connect" })],
  ["a connection that broke", new Error("Connection terminated unexpectedly")],
  ["an error thrown on purpose", new ChainError({ code: "CHAIN_REORGED", message: "no" })],
  [
    "what such a one hides",
    new ChainError({ code: "CHAIN_REORGED", message: "no", cause: new Error("why") }),
  ],
])("%s is told in a line, without a stack", ([, error]) => {
  expect(JSON.stringify(toLoggedError(error))).not.toContain("stack");
});

test.for<[string, unknown]>([
  ["a bug", new TypeError("undefined is not a function")],
  ["a statement that is wrong", withCode("42703")],
  ["a code of Node's that is no outage", withCode("ERR_INVALID_ARG_TYPE")],
  ["a bug behind another", new Error("no", { cause: new TypeError("why") })],
])("%s shows where it was", ([, error]) => {
  expect(toLoggedError(error)).toHaveProperty("stack");
});
