/** Requests, newest first, as they arrive; what arrives while the reader is in the list waits until they ask for it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { State } from "../ui/mark.tsx";
import { shortHex } from "../ui/short-hex.ts";
import { Odd } from "../ui/text.tsx";
import { NodeError, type Node, type RequestRow } from "./api.ts";
import { Filters, toQuery, useFilter } from "./filters.tsx";
import { useLive, type LiveState } from "./live.ts";
import { duration, stateOf, utcDate, utcTime } from "./words.ts";

const PAGE = 50;

export interface ListProps {
  readonly node: Node;
  readonly onState: (state: LiveState) => void;
}

export function RequestList({ node, onState }: ListProps) {
  const [filter, setFilter] = useFilter();
  const [isPaused, setPaused] = useState(false);
  const [rows, setRows] = useState<readonly RequestRow[]>([]);
  const [waiting, setWaiting] = useState<readonly RequestRow[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const known = useRef<ReadonlySet<string>>(new Set());
  const list = useRef<HTMLElement>(null);
  const query = toQuery(filter, PAGE);

  const read = async (isAsked: boolean): Promise<void> => {
    try {
      const page = await node.requests(query);
      setFault(null);
      const isBusy = list.current?.matches(":hover, :focus-within") ?? false;
      const arrived = page.requests.filter(({ requestId }) => !known.current.has(requestId));
      if (!isAsked && isBusy && arrived.length > 0) {
        setWaiting(page.requests);
        return;
      }
      show(page.requests);
      setNext(page.next);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      setFault(error.message);
    }
  };
  const show = (shown: readonly RequestRow[]): void => {
    known.current = new Set(shown.map(({ requestId }) => requestId));
    setRows(shown);
    setWaiting([]);
  };
  const older = async (): Promise<void> => {
    if (next === null) return;
    const asked = new URLSearchParams(query);
    asked.set("before", next);
    const page = await node.requests(asked);
    show([...rows, ...page.requests]);
    setNext(page.next);
  };
  const live = useLive(node.url, isPaused, () => void read(false));
  useEffect(() => {
    onState(live);
  }, [live]);
  useEffect(() => {
    void read(true);
  }, [query.toString()]);
  const arrived = waiting.filter(({ requestId }) => !known.current.has(requestId)).length;
  return (
    <>
      <div class="head plain">
        <h1 class="title">Requests</h1>
        <p>Read from this node, verified where you open them.</p>
      </div>
      <Filters
        filter={filter}
        onFilter={setFilter}
        isPaused={isPaused}
        onPause={() => {
          setPaused(!isPaused);
        }}
      />
      {fault !== null && (
        <p class="caution bad spaced" role="alert">
          {fault} What is shown is from before.
        </p>
      )}
      <section ref={list} class="listing">
        <p class="small muted arrivals" role="status">
          {arrived > 0 && (
            <>
              {`${arrived} arrived while you read. `}
              <button
                class="btn bare inline"
                type="button"
                onClick={() => {
                  show(waiting);
                }}
              >
                Show {arrived === 1 ? "it" : "them"}
              </button>
            </>
          )}
        </p>
        <Rows rows={rows} />
        <div class="row between">
          <span class="small muted">
            {rows.length === 0 ? "No request fits." : `${next === null ? "All" : "Newest"} ${rows.length}`}
          </span>
          {next !== null && (
            <button class="btn" type="button" onClick={() => void older()}>
              Older
            </button>
          )}
        </div>
      </section>
    </>
  );
}

function Rows({ rows }: { readonly rows: readonly RequestRow[] }) {
  return (
    <table class="list stack">
      <thead>
        <tr>
          <th>Time</th>
          <th>Request</th>
          <th>Status</th>
          <th>Asked</th>
          <th>Model</th>
          <th class="c-cons">Consumer</th>
          <th class="n">Took</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={`${row.chainId} ${row.requestId}`} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row }: { readonly row: RequestRow }) {
  const { requestId, blockTime, asked, model, consumer, answeredAt } = row;
  const { mark, tone, says } = stateOf({ ...row, settlement: row.settlement?.kind ?? null });
  return (
    <tr>
      <td class="mono nowrap c-time" title={utcDate(blockTime)}>
        {utcTime(blockTime)}
      </td>
      <td class="c-id">
        <a class="mono" href={`#request=${requestId}`}>
          {requestId.slice(2, 10)}
        </a>
      </td>
      <td class="c-st">
        <State mark={mark} tone={tone}>
          <Odd text={says} />
        </State>
      </td>
      <td class="c-ask">
        <span class="ask">{asked === null ? "not public" : <Odd text={asked} />}</span>
      </td>
      <td class="c-model">
        <Odd text={model?.split("/").slice(1).join("/") ?? ""} />
      </td>
      <td class="mono nowrap c-cons">{shortHex(consumer)}</td>
      <td class="n c-took">{answeredAt === null ? "" : duration(Math.max(0, answeredAt - blockTime))}</td>
    </tr>
  );
}
