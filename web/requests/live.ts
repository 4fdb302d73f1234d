/** Server-sent events of a node, as a state: live, paused, or lost and trying again. */

import { useEffect, useRef, useState } from "preact/hooks";

export type LiveState = "live" | "paused" | "lost";

/** Milliseconds before a node is asked again for its events that answered with an error. */
const AGAIN_MS = 3_000;

/** @param onChange called when the node's index has moved, and after each loss of the line */
export function useLive(url: string, isPaused: boolean, onChange: () => void): LiveState {
  const [state, setState] = useState<LiveState>("lost");
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (isPaused) {
      setState("paused");
      return;
    }
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listen = (): void => {
      source = new EventSource(`${url}/v1/live`);
      source.addEventListener("open", () => {
        setState("live");
      });
      source.addEventListener("changed", () => {
        latest.current();
      });
      // The browser tries again by itself, after what the server asked for; not after an error of a proxy before the node.
      source.addEventListener("error", () => {
        setState("lost");
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(listen, AGAIN_MS);
      });
    };
    listen();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [url, isPaused]);
  return state;
}
