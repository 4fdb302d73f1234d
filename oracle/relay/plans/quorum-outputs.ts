/** Which openings of a quorum carry their output (docs/adr/0049-who-settles-a-quorum-carries-the-output.md). */

import { AnswerStatus } from "../../../protocol/answer.ts";
import { Aggregation, Delivery, type Request } from "../../../protocol/request.ts";
import { type SettlingAnswer, carriesOutput } from "../../chain/contracts/settlement-call.ts";

type Terms = Pick<Request, "aggregation" | "delivery" | "threshold">;

/**
 * The answer that the coordinator delivers, one of those that say it; `undefined` where it needs no output: members disagree, a
 * number is computed, or nothing but a hash is left.
 */
export function winnerAmong(
  { aggregation, delivery, threshold }: Terms,
  answers: readonly SettlingAnswer[],
): SettlingAnswer | undefined {
  const numbers = answers.filter(({ answer }) => answer.status === AnswerStatus.ok).length;
  if (delivery !== Delivery.callback || (aggregation >= Aggregation.median && numbers >= threshold))
    return undefined;

  const [most = [], next = []] = alike(answers).sort((one, other) => other.length - one.length);
  return most.length >= threshold && most.length > next.length ? most[0] : undefined;
}

/**
 * Of `openings`, those that carry it while others are still to open: a median computes with every number; of those that say
 * the same, one is enough for whoever settles later.
 */
export function carriersAmong(request: Request, openings: readonly SettlingAnswer[]): Set<SettlingAnswer> {
  if (!carriesOutput(request)) return new Set();
  const isNumber = ({ answer }: SettlingAnswer): boolean =>
    request.aggregation >= Aggregation.median && answer.status === AnswerStatus.ok;
  const others = openings.filter((opening) => !isNumber(opening));
  const shown =
    request.delivery === Delivery.callback ? alike(others).flatMap((group) => group.slice(0, 1)) : [];
  return new Set([...openings.filter(isNumber), ...shown]);
}

function alike(answers: readonly SettlingAnswer[]): SettlingAnswer[][] {
  return [...Map.groupBy(answers, ({ answer }) => `${answer.status} ${answer.outputHash}`).values()];
}
