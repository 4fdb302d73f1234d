/** The transcript as a timeline. Only the first event has a time; the order of the others is proven. */

import { useState } from "preact/hooks";
import type { EventView, ReceiptView } from "../../attestation/verdict/receipt-view.ts";
import type { TextSlice } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { WithDigests } from "../ui/hex.tsx";
import { shortHex } from "../ui/short-hex.ts";
import { Slices } from "../ui/slices.tsx";
import { HostileText } from "../ui/text.tsx";

const EVENTS_MORE = 100;

export interface TranscriptProps {
  readonly receipt: ReceiptView;
  readonly readEvents: (from: number, count: number) => Promise<readonly EventView[]>;
  readonly readBody: (hash: `0x${string}`, from: number, count: number) => Promise<TextSlice>;
}

export function Transcript({ receipt, readEvents, readBody }: TranscriptProps) {
  const [more, setMore] = useState<readonly EventView[]>([]);
  const events = [...receipt.events, ...more];
  const largest = Math.max(1, ...events.map(({ size }) => size ?? 0));
  const { eventCount, withheld } = receipt;
  return (
    <section id="transcript">
      <Head title="Transcript">
        {`${eventCount.toLocaleString("en")} events in proven order, ${withheld === 0 ? "all disclosed" : `${withheld} withheld`}`}
      </Head>
      <ol class="tl">
        {events.map((event, index) => (
          <li key={index}>
            <span class="ix">{index + 1}</span>
            <Event event={event} largest={largest} readBody={readBody} />
          </li>
        ))}
      </ol>
      {events.length < eventCount && (
        <button
          class="btn"
          type="button"
          onClick={() => {
            void readEvents(events.length, EVENTS_MORE).then((next) => {
              setMore([...more, ...next]);
            });
          }}
        >
          {`Show ${Math.min(EVENTS_MORE, eventCount - events.length)} more of ${eventCount.toLocaleString("en")}`}
        </button>
      )}
    </section>
  );
}

interface EventProps {
  readonly event: EventView;
  readonly largest: number;
  readonly readBody: TranscriptProps["readBody"];
}

function Event({ event: { title, says, size, body }, largest, readBody }: EventProps) {
  const [first = "", ...others] = says;
  return (
    <div class="b">
      <h3>{title}</h3>
      <div>
        <HostileText text={first} />
        {others.map((text) => (
          <span key={text} class="d">
            <WithDigests text={text} />
          </span>
        ))}
      </div>
      <p class="n small muted">{size === null ? "" : `${size.toLocaleString("en")} bytes`}</p>
      {size !== null && (
        <div>
          <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width={(100 * size) / largest} height="1" fill="currentColor" />
          </svg>
          {body !== null && <Body body={body} readBody={readBody} />}
        </div>
      )}
    </div>
  );
}

function Body({
  body,
  readBody,
}: {
  readonly body: NonNullable<EventView["body"]>;
  readonly readBody: EventProps["readBody"];
}) {
  const [isOpen, setOpen] = useState(false);
  const name = `Body ${shortHex(body.hash)}`;
  if (!body.isHere) return <p class="small muted">{`${name} is not in this file.`}</p>;
  return (
    <details
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
      }}
    >
      <summary>{name}</summary>
      {isOpen && <Slices label={name} read={(from, count) => readBody(body.hash, from, count)} />}
    </details>
  );
}
