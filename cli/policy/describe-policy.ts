import { explainPolicy, type AppraisalPolicy } from "../../attestation/index.ts";
import { paint, printableLine, wrap } from "../terminal.ts";
import { LINE_COLUMNS, shortenDigests, titleOf } from "../verify/wording.ts";

/** A policy for a person: per kind what it demands, what it leaves open, and which kinds it refuses. */
export function describePolicy(policy: AppraisalPolicy, { full }: { readonly full: boolean }): string {
  const { accepted, refused, pieces } = explainPolicy(policy);
  const line = (text: string, indent = 2): string =>
    wrap(
      `${" ".repeat(indent)}${printableLine(full ? text : shortenDigests(text))}`,
      indent + 2,
      LINE_COLUMNS,
    );
  const kinds = accepted.flatMap(({ kind, demands, open }) => [
    paint.strong(`Accepts ${kind}`),
    line(titleOf(kind)),
    ...demands.map((demand) => line(`- ${demand}`)),
    ...(open.length === 0 ? [] : [line(`- Left open, any value is accepted: ${open.join(", ")}.`)]),
    "",
  ]);
  return [
    ...kinds,
    ...(accepted.length === 0 ? ["Accepts nothing.", ""] : []),
    ...(refused.length === 0 ? [] : [wrap(`Refuses ${refused.join(", ")}.`, 2, LINE_COLUMNS)]),
    wrap(pieces, 2, LINE_COLUMNS),
    "",
  ].join("\n");
}
