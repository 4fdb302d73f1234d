import express from "express";
import { afterEach, beforeEach, expect, test } from "vitest";
import { liveRoute } from "../../../oracle/http/live-route.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";

let server: Listening;
let mark: string;
let looks: number;

beforeEach(async () => {
  mark = "first";
  looks = 0;
  const app = express();
  const look = (): Promise<string> => {
    looks += 1;
    return mark === "away" ? Promise.reject(new Error("the store is away")) : Promise.resolve(mark);
  };
  app.get("/v1/live", liveRoute({ mark: look, lookMs: 5 }));
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await server.close();
});

/** The events of a listener, one after another. */
async function* events(signal: AbortSignal): AsyncGenerator<string> {
  const { body } = await fetch(`http://127.0.0.1:${server.port}/v1/live`, { signal });
  let text = "";
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}

test("tells where the index stands, and of each change, once", async () => {
  const listening = new AbortController();
  const heard = events(listening.signal);
  expect((await heard.next()).value).toBe("retry: 1000\nevent: changed\ndata: first");
  mark = "second";
  expect((await heard.next()).value).toBe("event: changed\ndata: second");
  mark = "third";
  expect((await heard.next()).value).toBe("event: changed\ndata: third");
  listening.abort();
});

test("a store that cannot be read is no change, and no end", async () => {
  const listening = new AbortController();
  const heard = events(listening.signal);
  await heard.next();
  mark = "away";
  const before = looks;
  await expect.poll(() => looks, { interval: 5 }).toBeGreaterThan(before + 3);
  mark = "back";
  expect((await heard.next()).value).toBe("event: changed\ndata: back");
  listening.abort();
});
