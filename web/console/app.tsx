/** The console: a node's state for its operator. The token lives in this page's memory, and ends with it. */

import { useEffect, useState } from "preact/hooks";
import { Frame } from "../ui/frame.tsx";
import { utcTime } from "../requests/words.ts";
import { readConsole, RefusedError, type ConsoleState } from "./api.ts";
import { Board } from "./board.tsx";
import { TokenForm } from "./token-form.tsx";

/** Milliseconds between two looks at the node. */
const AGAIN_MS = 3_000;

export function App() {
  const [token, setToken] = useState<string | null>(null);
  const [state, setState] = useState<ConsoleState | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    if (token === null) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const read = await readConsole(token);
        if (isOver) return;
        setState(read);
        setFault(null);
      } catch (error) {
        if (isOver) return;
        setFault(error instanceof Error ? error.message : String(error));
        if (error instanceof RefusedError) {
          setToken(null);
          setState(null);
          return;
        }
      }
      timer = setTimeout(() => void look(), AGAIN_MS);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [token]);
  const isStale = state !== null && fault !== null;
  return (
    <Frame
      page="Console"
      end={
        <>
          <span class="opt">{location.host}</span>
          {state !== null && (
            <span class={`live ${isStale ? "lost" : ""}`}>
              {isStale ? `As of ${utcTime(state.now)}, trying again` : "Live"}
            </span>
          )}
        </>
      }
    >
      {state === null ? (
        <TokenForm
          fault={fault}
          isAsking={token !== null && fault === null}
          onToken={(typed) => {
            setFault(null);
            setToken(typed);
          }}
        />
      ) : (
        <>
          {isStale && (
            <p class="caution bad lead-in" role="alert">
              {fault} What is shown is as of {utcTime(state.now)} UTC.
            </p>
          )}
          <Board state={state} isStale={isStale} />
        </>
      )}
    </Frame>
  );
}
