/** One request. Its receipt is fetched from the node and judged here: the node's word is not taken for it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { createJudge, type Judge } from "../judge/client.ts";
import type { Judgement } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { Hex } from "../ui/hex.tsx";
import { Mark } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { AskedAnswered } from "../verify/asked-answered.tsx";
import { MARKS } from "../verify/chain-view.ts";
import { NodeError, type Node, type RequestDetail } from "./api.ts";
import { Halves } from "./halves.tsx";
import { useLive, type LiveState } from "./live.ts";
import { ether, stateOf } from "./words.ts";

export interface RequestPageProps {
  readonly node: Node;
  readonly id: string;
  readonly onState: (state: LiveState) => void;
}

export function RequestPage({ node, id, onState }: RequestPageProps) {
  const judge = useRef<Judge | null>(null);
  judge.current ??= createJudge(
    new Worker(new URL("../judge/worker.ts", import.meta.url), { type: "module" }),
  );
  const [request, setRequest] = useState<RequestDetail | null>(null);
  const [receipt, setReceipt] = useState<Uint8Array<ArrayBuffer> | null>(null);
  const [judgement, setJudgement] = useState<Judgement | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const ask = judge.current.ask;
  const read = async (): Promise<void> => {
    try {
      setRequest(await node.request(id));
      setFault(null);
      if (receipt !== null) return;
      const bytes = await node.receipt(id);
      if (bytes === null) return;
      setReceipt(bytes);
      const clock = Math.floor(new Date().getTime() / 1_000);
      const files = [{ name: `receipt-${id.slice(2, 10)}.json`, bytes, origin: "link" as const }];
      setJudgement(await ask({ ask: "judge", task: { files, clock, time: null, nonce: null } }));
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      setFault(error.message);
    }
  };
  const live = useLive(node.url, false, () => void read());
  useEffect(() => {
    onState(live);
  }, [live]);
  useEffect(() => {
    void read();
  }, [id]);
  const checks = judgement?.verdict?.pieces.flatMap((piece) => piece.checks) ?? [];
  const holds = new Set(checks.filter(({ state }) => state === "holds").map(({ name }) => name));
  return (
    <>
      {fault !== null && (
        <p class="caution bad lead-in" role="alert">
          {fault}
        </p>
      )}
      {request !== null && (
        <>
          <div class="cols a">
            <RequestHead request={request} />
            {judgement?.receipt != null && <AskedAnswered receipt={judgement.receipt} />}
          </div>
          <section>
            <Head title="Both halves">
              Left: what the chain knows. Right: what the receipt holds. = where your browser compared them.
            </Head>
            <Halves request={request} receipt={judgement?.receipt ?? null} holds={holds} />
          </section>
          <div class="cols b below">
            <VerifyIt judgement={judgement} receipt={receipt} holds={holds.size} />
            <Terms request={request} />
          </div>
        </>
      )}
    </>
  );
}

function RequestHead({ request }: { readonly request: RequestDetail }) {
  const { requestId, chainId, blockNumber, phase, settlement, answer, refusal, lastError } = request;
  const status =
    settlement === null ? null : settlement.kind === "fulfilled" ? (answer?.reason ?? "ok") : null;
  const { mark, tone, says } = stateOf({ phase, settlement: settlement?.kind ?? null, status });
  const why = refusal ?? lastError;
  return (
    <div class="verdict">
      <p class="file">
        <a href="#">Requests</a>
        <Hex value={requestId} />
        <span>{`chain ${chainId}, block ${blockNumber}`}</span>
      </p>
      <h1>
        <Mark name={mark} tone={tone} />
        <span>
          <Odd text={headlineOf(request, says)} />
        </span>
      </h1>
      <p class="because">
        {settlement === null
          ? "The coordinator has not taken an answer yet. This page follows it."
          : `The coordinator ${settlement.kind === "fulfilled" ? "took the answer" : `${settlement.kind} it`} in block ${settlement.blockNumber}.`}
        {why !== null && (
          <>
            {" This node says: "}
            <Odd text={why} />.
          </>
        )}
      </p>
    </div>
  );
}

function headlineOf({ settlement }: RequestDetail, says: string): string {
  if (settlement?.kind === "fulfilled") {
    if (settlement.callbackSucceeded === true) return "Settled, answer delivered.";
    return settlement.callbackSucceeded === false ? "Settled, callback failed." : "Settled.";
  }
  return `${says[0]?.toUpperCase() ?? ""}${says.slice(1)}.`;
}

interface VerifyItProps {
  readonly judgement: Judgement | null;
  readonly receipt: Uint8Array<ArrayBuffer> | null;
  readonly holds: number;
}

function VerifyIt({ judgement, receipt, holds }: VerifyItProps) {
  const verdict = judgement?.verdict ?? null;
  const [mark, tone] = verdict === null ? (["dotted", "off"] as const) : MARKS[verdict.pieces[0].outcome];
  return (
    <section>
      <Head title="Verify it">Do not take this node’s word</Head>
      {verdict === null || receipt === null ? (
        <p class="small muted said">
          This node holds no receipt of it: it is not answered yet, or another node answered. Drop the receipt
          on Verify.
        </p>
      ) : (
        <>
          <p class="small muted said">
            <span class={`st s-${tone}`}>
              <Mark name={mark} />
              <span>{verdict.headline}</span>
            </span>{" "}
            {`The receipt was fetched from this node and judged in your browser, with no policy. ${holds} of its checks hold.`}
          </p>
          <div class="row spaced">
            <OpenInVerify receipt={receipt} />
            <Download receipt={receipt} />
          </div>
        </>
      )}
    </section>
  );
}

function OpenInVerify({ receipt }: { readonly receipt: Uint8Array<ArrayBuffer> }) {
  const open = async (): Promise<void> => {
    const stream = new Blob([receipt]).stream().pipeThrough(new CompressionStream("gzip"));
    const packed = new Uint8Array(await new Response(stream).arrayBuffer());
    const text = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(""));
    const gz = text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    location.href = `verify.html#gz=${gz}&name=receipt.json`;
  };
  return (
    <button class="btn main" type="button" onClick={() => void open()}>
      Open in Verify
    </button>
  );
}

function Download({ receipt }: { readonly receipt: Uint8Array<ArrayBuffer> }) {
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([receipt], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = "receipt.json";
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <button class="btn" type="button" onClick={save}>
      Receipt, JSON
    </button>
  );
}

function Terms({ request: { request } }: { readonly request: RequestDetail }) {
  const text = (name: string): string => {
    const value = request[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    [
      "Policy",
      <>
        <Hex value={text("policyId")} />, <a href="#contracts">what it accepts</a>
      </>,
    ],
    ["Answers needed", text("threshold")],
    ["Fee", ether(text("fee"))],
    ["Callback gas", text("callbackGasLimit")],
    [
      "Deadline",
      `${new Date(Number(text("deadline")) * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC, refund after it`,
    ],
  ];
  return (
    <section>
      <Head title="Terms">what the request demanded</Head>
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
