/** The keys that pay for gas and how long they last, and what came in against what went out. */

import { Head } from "../ui/frame.tsx";
import { Hex } from "../ui/hex.tsx";
import { duration } from "../requests/words.ts";
import type { Purse } from "./api.ts";
import { shortEther } from "./words.ts";

const DAY = 86_400;
/** Days that a bar is long. */
const RUNWAY_DAYS = 30;
/** A key that lasts for less is hatched. */
const SHORT_DAYS = 7;

export function Keys({ purses }: { readonly purses: readonly Purse[] }) {
  return (
    <section>
      <Head title="Keys">what is left at the last day’s pace</Head>
      <table class="stack kv">
        <thead>
          <tr>
            <th>Key</th>
            <th>Chain</th>
            <th class="n">Balance</th>
            <th class="n">Left</th>
            <th>{`Runway, ${RUNWAY_DAYS} days`}</th>
          </tr>
        </thead>
        <tbody>
          {purses.flatMap(({ chainId, keys }) =>
            keys.map(({ address, balance, usable, leftSeconds }) => {
              const isShort = !usable || (leftSeconds !== null && leftSeconds < SHORT_DAYS * DAY);
              return (
                <tr key={`${chainId} ${address}`}>
                  <td>
                    <Hex value={address} />
                  </td>
                  <td class="mono">{chainId}</td>
                  <td class="n" data-l="Balance" title={`${balance} wei`}>
                    {shortEther(balance)}
                  </td>
                  <td class={`n ${isShort ? "s-warn" : ""}`} data-l="Left">
                    {!usable ? "too little" : leftSeconds === null ? "not known yet" : days(leftSeconds)}
                  </td>
                  <td class="w" data-l={`Runway, ${RUNWAY_DAYS} days`}>
                    <Meter part={!usable ? 0 : (leftSeconds ?? 0) / (RUNWAY_DAYS * DAY)} isShort={isShort} />
                  </td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </section>
  );
}

function days(seconds: number): string {
  return seconds > 365 * DAY ? "over a year" : duration(seconds);
}

function Meter({ part, isShort = false }: { readonly part: number; readonly isShort?: boolean }) {
  return (
    <span class={`meter ${isShort ? "warn" : ""}`} aria-hidden="true">
      <i style={{ width: `${Math.min(100, Math.round(100 * part))}%` }} />
    </span>
  );
}

export function Money({ purses }: { readonly purses: readonly Purse[] }) {
  return (
    <section>
      <Head title="Earned against gas">
        {purses[0] === undefined ? "" : `the last ${duration(purses[0].watchedSeconds)} of this process`}
      </Head>
      {purses.map((purse) => (
        <Book key={purse.chainId} purse={purse} />
      ))}
    </section>
  );
}

function Book({ purse: { chainId, earned, spent, owed } }: { readonly purse: Purse }) {
  const most = Math.max(Number(earned), Number(spent), 1);
  const rows: readonly (readonly [string, string, number | null])[] = [
    ["Fees, and gas repaid", earned, Number(earned) / most],
    ["Gas paid", spent, Number(spent) / most],
    ["Kept", (BigInt(earned) - BigInt(spent)).toString(), null],
    ["Owed by the coordinator", owed, null],
  ];
  return (
    <table>
      <caption class="small muted">{`Chain ${chainId}`}</caption>
      <tbody>
        {rows.map(([name, wei, part]) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="w">{part !== null && <Meter part={part} />}</td>
            <td class="n" title={`${wei} wei`}>
              {shortEther(wei)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
