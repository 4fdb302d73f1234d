/** Runs an agent's program again, in the reader's browser, from what its receipt holds. */

import { useState } from "preact/hooks";
import { replayIn, type ReplayResult } from "../replay/result.ts";
import { Head } from "../ui/frame.tsx";
import { State } from "../ui/mark.tsx";
import { HostileText } from "../ui/text.tsx";

export interface ReplayPanelProps {
  readonly readFile: () => Promise<Uint8Array<ArrayBuffer> | null>;
}

export function ReplayPanel({ readFile }: ReplayPanelProps) {
  const [result, setResult] = useState<ReplayResult | "running" | null>(null);
  const run = async (): Promise<void> => {
    setResult("running");
    const file = await readFile();
    if (file === null) {
      setResult(null);
      return;
    }
    const worker = new Worker(new URL("../replay/worker.ts", import.meta.url), { type: "module" });
    setResult(await replayIn(worker, file));
  };
  return (
    <section>
      <Head title="Replay">the program again, here, with what came back then</Head>
      {result !== null && result !== "running" && <Result result={result} />}
      <button class="btn" type="button" disabled={result === "running"} onClick={() => void run()}>
        {result === "running" ? "Running it" : result === null ? "Replay in this tab" : "Replay again"}
      </button>
    </section>
  );
}

function Result({ result }: { readonly result: ReplayResult }) {
  switch (result.verdict) {
    case "equal":
      return (
        <div role="status" class="said">
          <State mark="tick" tone="holds">
            The same calls, results, gas and output.
          </State>
          <p class="small muted">
            {`${result.calls} calls, ${Number(result.gas).toLocaleString("en")} gas, ${result.outcome}, status ${result.status}.`}
          </p>
        </div>
      );
    case "diverged":
      return (
        <div role="status" class="said">
          <State mark="cross" tone="fails">
            {`Different: ${result.at}${result.call === null ? "" : ` of call ${result.call}`}.`}
          </State>
          <div class="cmp">
            <div>
              <span>recorded</span>
              <code>
                <HostileText text={result.expected} />
              </code>
            </div>
            <div>
              <span>replayed</span>
              <code>
                <HostileText text={result.actual} />
              </code>
            </div>
          </div>
        </div>
      );
    case "notReplayable":
      return (
        <div role="status" class="said">
          <State mark="question" tone="unknown">
            Cannot be replayed.
          </State>
          <p class="small muted">
            <HostileText text={result.because} />
          </p>
        </div>
      );
  }
}
