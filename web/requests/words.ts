/** The names and marks of a request's states. Circles: squares are for evidence. */

import type { MarkName, Tone } from "../ui/mark.tsx";
import type { RequestRow } from "./api.ts";

export interface StateWords {
  readonly mark: MarkName;
  readonly tone: Tone;
  readonly says: string;
}

export function stateOf({
  phase,
  settlement,
  status,
}: Pick<RequestRow, "phase" | "status"> & { readonly settlement: string | null }): StateWords {
  if (settlement === "refunded" || settlement === "cancelled") {
    return settlement === "refunded" && status === null
      ? { mark: "lost", tone: "fails", says: "no response, refunded" }
      : { mark: "declined", tone: "open", says: settlement };
  }
  if (settlement !== null) {
    return status === "ok"
      ? { mark: "settled", tone: "ink", says: "settled, ok" }
      : { mark: "declined", tone: "open", says: `settled, ${status ?? "no status"}` };
  }
  if (phase === "answered" || phase === "sent")
    return { mark: "half", tone: "act", says: "answered, not settled" };
  if (phase === "refused") return { mark: "declined", tone: "open", says: "not answered by this node" };
  return { mark: "seen", tone: "act", says: phase === "asked" ? "being asked" : "seen" };
}

export function utcTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(11, 19);
}

export function utcDate(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}

const WEI_PER_ETHER = 10n ** 18n;

/** In ETH, without trailing zeros. */
export function ether(wei: string): string {
  const value = BigInt(wei);
  const fraction = (value % WEI_PER_ETHER).toString().padStart(18, "0").replace(/0+$/, "");
  return `${(value / WEI_PER_ETHER).toString()}${fraction === "" ? "" : `.${fraction}`} ETH`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) {
    const minutes = Math.floor((seconds % 3_600) / 60);
    return `${Math.floor(seconds / 3_600)} h${minutes === 0 ? "" : ` ${minutes} min`}`;
  }
  return `${Math.floor(seconds / 86_400)} d`;
}
