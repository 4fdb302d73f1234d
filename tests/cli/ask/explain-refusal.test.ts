/** Rule: a question that a chain does not take is told in a sentence, with the contract's error by its name. */

import { expect, test } from "vitest";
import { explainRefusal } from "../../../cli/ask/explain-refusal.ts";
import { OracleCoordinator__factory } from "../../../contracts/bindings/factories/index.ts";

const coordinator = OracleCoordinator__factory.createInterface();
const data = coordinator.encodeErrorResult("PayloadInvalid", [100_033n]);
const LONG = `execution reverted (transaction={ "data": "0x${"00".repeat(5_000)}" })`;
const error = (fields: object): Error => Object.assign(new Error(LONG), fields);

test.for([
  ["a custom error", error({ data, shortMessage: "execution reverted" }), "PayloadInvalid(100033)"],
  ["an error of another contract", error({ data: "0x12345678", shortMessage: "reverted" }), "reverted"],
  [
    "a node's refusal",
    error({ info: { error: { message: "invalid chain id" } }, shortMessage: "?" }),
    "invalid chain id",
  ],
  ["a refusal that ethers does not know", error({ error: { message: "nonce too low" } }), "nonce too low"],
  ["anything else", error({}), LONG.slice(0, 300)],
  ["what is no error", "no", "no"],
] as const)("%s", ([, cause, said]) => {
  expect(explainRefusal(cause, coordinator)).toBe(said);
});
