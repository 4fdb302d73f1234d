import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { decodePayload } from "../../protocol/payload.ts";
import { Role } from "../../protocol/prompt.ts";
import type { RequestSummary } from "./list-requests.ts";
import type { ReadableStore } from "./store.ts";

/** A request as a list shows it: with the beginning of its question, where that is public, and what became of it. */
export interface RequestRow extends RequestSummary {
  readonly model: string | null;
  readonly asked: string | null;
  /** In words, once it is settled: until then some answers are for the chain alone. */
  readonly status: string | null;
  /** Seconds. */
  readonly answeredAt: number | null;
}

/** Characters of a question. */
const SHOWN = 160;

/** Read for one page at a time: joined to the list, they would be read for every row that its filters look at. */
export async function describeRequests(
  store: ReadableStore,
  requests: readonly RequestSummary[],
): Promise<readonly RequestRow[]> {
  if (requests.length === 0) return [];
  const ids = requests.map(({ requestId }) => requestId as string);
  const [payloads, settlements] = await Promise.all([
    store.db
      .selectFrom("requests")
      .select(["chain_id", "request_id", "payload"])
      .where("request_id", "in", ids)
      .execute(),
    store.db
      .selectFrom("settlements")
      .select(["chain_id", "request_id", "kind", "status", "answered_at"])
      .where("request_id", "in", ids)
      .execute(),
  ]);
  const payloadOf = byKey(payloads);
  const settlementOf = byKey(settlements);
  return requests.map((request) => {
    const key = keyOf(request.chainId, request.requestId);
    const settlement = settlementOf.get(key);
    const status = settlement?.kind === "fulfilled" ? settlement.status : undefined;
    const payload = payloadOf.get(key);
    return {
      ...request,
      ...describeQuestion(payload?.payload as Hex | undefined),
      status: status === undefined ? null : (answerStatusName(status) ?? String(status)),
      answeredAt: settlement !== undefined && settlement.answered_at > 0 ? settlement.answered_at : null,
    };
  });
}

function keyOf(chainId: number, requestId: string): string {
  return `${chainId} ${requestId}`;
}

function byKey<Row extends { readonly chain_id: number; readonly request_id: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [keyOf(row.chain_id, row.request_id), row]));
}

const NOT_PUBLIC = { model: null, asked: null } as const;

function describeQuestion(payload: Hex | undefined): Pick<RequestRow, "model" | "asked"> {
  if (payload === undefined || payload === "0x") return NOT_PUBLIC;
  try {
    const decoded = decodePayload(fromHex(payload));
    if (!("prompt" in decoded)) return NOT_PUBLIC;
    const { models, messages } = decoded.prompt;
    const question = messages.findLast(({ role }) => role === Role.user) ?? messages.at(-1);
    const text = Array.from((question?.content ?? "").replaceAll(/\s+/g, " "));
    return { model: models.join(", "), asked: text.slice(0, SHOWN).join("") };
  } catch (error) {
    // A contract may ask with bytes that are no payload: they are listed, and say nothing.
    if (!(error instanceof AdytonError)) throw error;
    return NOT_PUBLIC;
  }
}
