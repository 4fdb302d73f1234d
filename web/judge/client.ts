/** Talks to the worker. Each question has a number, and its answer the same one. */

import type { Ask, Replies } from "./judgement.ts";

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export interface Judge {
  readonly ask: <A extends Ask>(ask: A) => Promise<Replies[A["ask"]]>;
}

export function createJudge(worker: Worker): Judge {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    const asker = waiting.get(data.number);
    waiting.delete(data.number);
    if ("fault" in data) asker?.reject(new Error(data.fault));
    else asker?.resolve(data.value);
  });
  worker.addEventListener("error", ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message));
    waiting.clear();
  });
  return {
    ask: (ask) => {
      const number = (last += 1);
      return new Promise((resolve, reject) => {
        waiting.set(number, { resolve, reject });
        worker.postMessage({ number, ask });
      });
    },
  };
}

type Reply =
  { readonly number: number; readonly value: never } | { readonly number: number; readonly fault: string };
