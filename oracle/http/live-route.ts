/**
 * `GET /v1/live`: server-sent events that say that the index has changed, and where it stands. They carry no rows: a reader asks
 * for what it shows, by the filters that it shows it by, and a reader that lost the line has missed nothing that it cannot ask for.
 */

import type { RequestHandler, Response } from "express";
import { InputError } from "../../protocol/errors.ts";

export interface LiveOptions {
  /** Changes with each request and each phase of one. */
  readonly mark: () => Promise<string>;
  /** Milliseconds between looks at the store, while somebody listens. */
  readonly lookMs?: number;
}

/** A new request is told of well within 2 s. */
const LOOK_MS = 500;
/** Listeners; each keeps a connection open. */
const MAX_LISTENERS = 256;
/** Looks after which a line is sent though nothing changed: servers in between close what is silent. */
const LOOKS_OF_SILENCE = 30;

export function liveRoute({ mark, lookMs = LOOK_MS }: LiveOptions): RequestHandler {
  const listeners = new Set<Response>();
  let timer: NodeJS.Timeout | undefined;
  let last: string | undefined;
  let silent = 0;

  const tell = (text: string): void => {
    for (const listener of listeners) listener.write(text);
  };
  const look = async (): Promise<void> => {
    const now = await mark().catch(() => last);
    silent += 1;
    if (now !== undefined && now !== last) {
      last = now;
      tell(event(now));
    } else if (silent >= LOOKS_OF_SILENCE) {
      tell(": still here\n\n");
    } else {
      return;
    }
    silent = 0;
  };
  const start = (): void => {
    timer ??= setInterval(() => void look(), lookMs);
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  return async (_request, response) => {
    if (listeners.size >= MAX_LISTENERS)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many listen already: ask again" });
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    listeners.add(response);
    response.once("close", () => {
      listeners.delete(response);
      if (listeners.size === 0) stop();
    });
    last = await mark().catch(() => last);
    response.write(`retry: 1000\n${event(last ?? "")}`);
    if (listeners.size > 0) start();
  };
}

function event(mark: string): string {
  return `event: changed\ndata: ${mark}\n\n`;
}
