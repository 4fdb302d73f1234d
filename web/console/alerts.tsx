/** What needs the operator, each with its page of advice. */

import { Head } from "../ui/frame.tsx";
import { Mark } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { duration, utcDate, utcTime } from "../requests/words.ts";
import { adviceOn, type Part } from "./advice.ts";
import type { Alert } from "./api.ts";

export interface NeedsYouProps {
  readonly alerts: readonly Alert[];
  readonly now: number;
}

export function NeedsYou({ alerts, now }: NeedsYouProps) {
  const alarms = alerts.filter(({ severity }) => severity === "alarm");
  const warnings = alerts.length - alarms.length;
  return (
    <section>
      <Head title="Needs you">
        {`${alarms.length} ${alarms.length === 1 ? "alarm" : "alarms"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`}
      </Head>
      {alerts.length === 0 && <p class="small muted said">No alert stands.</p>}
      {[...alarms, ...alerts.filter(({ severity }) => severity === "warning")].map((alert) => (
        <Entry key={`${alert.name} ${alert.chainId ?? ""} ${alert.subject ?? ""}`} alert={alert} now={now} />
      ))}
    </section>
  );
}

function Entry({ alert, now }: { readonly alert: Alert; readonly now: number }) {
  const { name, severity, chainId, says, since } = alert;
  const tone = severity === "alarm" ? "fails" : "warn";
  return (
    <div class="alert">
      <span>
        <Mark name="alarm" tone={tone} />
      </span>
      <h3>
        <Odd
          text={
            chainId === null ? `${says[0]?.toUpperCase() ?? ""}${says.slice(1)}` : `Chain ${chainId}: ${says}`
          }
        />
        .{" "}
        <span class={`s-${tone} small`}>
          {severity}, since {utcDate(since)} {utcTime(since)} UTC, {duration(Math.max(0, now - since))}
        </span>
      </h3>
      <details class="advice">
        <summary>
          What to do about <code>{name}</code>
        </summary>
        {adviceOn(name).map((paragraph, index) => (
          <p key={index}>
            {paragraph.map((part, place) => (
              <Said key={place} part={part} />
            ))}
          </p>
        ))}
      </details>
    </div>
  );
}

function Said({ part: { text, isCode } }: { readonly part: Part }) {
  return isCode ? <code>{text}</code> : <>{text}</>;
}
