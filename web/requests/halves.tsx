/** One request with both its halves: what the chain knows on the left, what the receipt holds on the right, time between them. */

import type { ComponentChildren } from "preact";
import type { ReceiptView } from "../../attestation/verdict/receipt-view.ts";
import { Hex } from "../ui/hex.tsx";
import { Odd } from "../ui/text.tsx";
import type { RequestDetail } from "./api.ts";
import { ether, utcTime } from "./words.ts";

interface Step {
  readonly at: string;
  readonly side: "on" | "off" | "now" | "todo";
  readonly on?: ComponentChildren;
  readonly off?: ComponentChildren;
}

export interface HalvesProps {
  readonly request: RequestDetail;
  readonly receipt: ReceiptView | null;
  /** Names of the receipt's checks that hold in this browser. */
  readonly holds: ReadonlySet<string>;
}

export function Halves(props: HalvesProps) {
  const { request } = props;
  const steps = [asked(props), signed(props), settled(props)];
  return (
    <ol class="halves">
      <li class="hd" aria-hidden="true">
        <span>On chain</span>
        <span>{`UTC, ${new Date(request.blockTime * 1_000).toISOString().slice(0, 10)}`}</span>
        <span>Off chain</span>
      </li>
      {steps.map(({ at, side, on, off }, index) => (
        <li key={index} class={`ev ${side}`}>
          <p class="at">
            <span>{at}</span>
          </p>
          {on !== undefined && (
            <div class="c on">
              <span class="side">on chain</span>
              {on}
            </div>
          )}
          {off !== undefined && (
            <div class="c off">
              <span class="side">off chain</span>
              {off}
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

/** A green `=` only where this browser compared the two. */
function Same({
  holds,
  check,
  children,
}: {
  readonly holds: ReadonlySet<string>;
  readonly check: string;
  readonly children: ComponentChildren;
}) {
  if (!holds.has(check)) return null;
  return (
    <p>
      <span class="same">
        =<span class="vh"> compared in your browser: </span>
      </span>{" "}
      {children}
    </p>
  );
}

function asked({ request, receipt, holds }: HalvesProps): Step {
  const { blockNumber, blockTime, consumer, requestTx } = request;
  const fee = request.request["fee"];
  return {
    at: utcTime(blockTime),
    side: "on",
    on: (
      <>
        <h3>Asked</h3>
        <p>
          by <Hex value={consumer} /> in block {blockNumber}
        </p>
        {typeof fee === "string" && <p>{ether(fee)} fee in escrow</p>}
        <p>
          <Hex value={requestTx} />
        </p>
      </>
    ),
    off: receipt !== null && (
      <>
        <Same holds={holds} check="payload">
          the payload hashes to what was asked
        </Same>
        <Same holds={holds} check="request">
          the request’s id, recomputed from its parameters
        </Same>
      </>
    ),
  };
}

function signed({ request, receipt, holds }: HalvesProps): Step {
  const { answer, phase } = request;
  if (answer === null) {
    return {
      at: "",
      side: request.settlement === null ? "now" : "todo",
      off: <h3>{`Not answered yet: ${phase}`}</h3>,
    };
  }
  const at = receipt === null ? "" : utcTime(receipt.answeredAt);
  return {
    at,
    side: "off",
    on: answer.admission !== null && (
      <>
        <p>
          keyset admitted in block {answer.admission.blockNumber}, until {utcTime(answer.admission.expiresAt)}
        </p>
        <p>
          <Hex value={answer.admission.tx} />
        </p>
      </>
    ),
    off: (
      <>
        <h3>Answer signed</h3>
        <p>
          status <Odd text={answer.reason} />, by keyset <Hex value={answer.keysetId} />
        </p>
        {receipt?.provider != null && <p>{receipt.provider}</p>}
        <Same holds={holds} check="signature">
          the signature recovers to the keyset’s key
        </Same>
        <Same holds={holds} check="transcript-root">
          the transcript’s root is the one signed
        </Same>
      </>
    ),
  };
}

function settled({ request, receipt, holds }: HalvesProps): Step {
  const { settlement } = request;
  if (settlement === null) {
    const deadline = Number(request.request["deadline"] ?? 0);
    const refund =
      deadline === 0
        ? ""
        : `After ${new Date(deadline * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC anybody can have it refunded.`;
    return { at: "", side: "todo", on: <h3>Not settled yet</h3>, off: <p>{refund}</p> };
  }
  const { kind, blockNumber, callbackSucceeded, tx, deliveredAgainTx } = settlement;
  return {
    at: "",
    side: "on",
    on: (
      <>
        <h3>{kind === "fulfilled" ? "Settled" : `${kind[0]?.toUpperCase() ?? ""}${kind.slice(1)}`}</h3>
        <p>in block {blockNumber}</p>
        {callbackSucceeded === true && <p>and the consumer accepted the callback</p>}
        {callbackSucceeded === false && (
          <p>
            {deliveredAgainTx === null
              ? "and the consumer’s callback failed"
              : "the callback failed, and was made again"}
          </p>
        )}
        <p>
          <Hex value={tx} />
        </p>
      </>
    ),
    off: receipt !== null && (
      <Same holds={holds} check="output">
        the output hashes to what was signed
      </Same>
    ),
  };
}
