/**
 * The console's listener: the page, which is nobody's secret, and what it shows, for whoever has the token. It changes nothing: there is
 * no route here that could.
 */

import express, { type Express } from "express";
import { InputError } from "../../protocol/errors.ts";
import { errorHandler } from "../http/error-reply.ts";
import { limitConcurrency } from "../http/limit-concurrency.ts";
import { pageRoute } from "../http/page-route.ts";
import { requireToken } from "../http/require-token.ts";
import type { Logger } from "../log.ts";
import { CONSOLE_OPENAPI } from "./console-openapi.ts";
import type { ConsoleState } from "./console-state.ts";

export interface ConsoleOptions {
  readonly token: string;
  readonly read: () => Promise<ConsoleState>;
  readonly log: Logger;
  /** Where the built page is; asked each time. */
  readonly findFolder?: () => string | null;
}

/** Each reads the store: some readers, and never before what the relay writes. */
const MAX_READS = 4;
const CONSOLE_PAGE = "console.html";

export function createConsoleApp({ token, read, log, findFolder }: ConsoleOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.get(
    "/v1/console",
    limitConcurrency(MAX_READS),
    requireToken(token, "console's"),
    async (_request, response) => {
      response.set("cache-control", "no-store").json(await read());
    },
  );
  app.get("/v1/openapi.json", (_request, response) => {
    response.json(CONSOLE_OPENAPI);
  });
  app.use(pageRoute({ listing: CONSOLE_PAGE, ...(findFolder === undefined ? {} : { findFolder }) }));
  app.use((_request, _response, next) => {
    next(new InputError({ code: "INPUT_NOT_FOUND", message: "no such route: this is a node's console" }));
  });
  app.use(errorHandler(log));
  return app;
}
