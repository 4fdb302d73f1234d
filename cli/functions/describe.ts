/** The reply, for a person. */

import { describeValue } from "../ask/describe.ts";
import type { FunctionsAnswered } from "./ask-functions.ts";
import type { DescribedAnswer } from "./question.ts";
import type { Simulated } from "./simulate.ts";

export function describeAnswered(answered: FunctionsAnswered): string {
  const { deliverTx } = answered;
  return toText([
    ...answerLines(answered),
    `request     ${answered.requestTx}, ${answered.requestGas} gas`,
    `fulfilment  ${answered.fulfillTx}, ${answered.fulfillGas} gas, ${answered.msToAnswer} ms after the request`,
    ...(deliverTx === null ? [] : [`delivery    ${deliverTx}, the output by itself`]),
    `cost        ${answered.costJuels} juels of LINK`,
  ]);
}

export function describeSimulated(simulated: Simulated): string {
  const bytes = (simulated.response.length - 2) / 2;
  return toText([...answerLines(simulated), `response    ${bytes} bytes: ${simulated.response}`]);
}

function answerLines({ answer, status, signer, keysetId, inline }: DescribedAnswer): readonly string[] {
  return [
    `answer      ${describeValue(answer)}`,
    `status      ${status}`,
    `signed by   ${signer}, of keyset ${keysetId}`,
    `output      ${inline ? "inline, in the response" : "by its hash; fetched from the enclave"}`,
  ];
}

function toText(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
