import { readFileSync } from "node:fs";
import { Interface } from "ethers";
import { expect, test } from "vitest";
import { AttestationResultVerifier__factory } from "../../../../contracts/bindings/factories/AttestationResultVerifier__factory.ts";
import { EnclaveRegistry__factory } from "../../../../contracts/bindings/factories/EnclaveRegistry__factory.ts";
import { OracleCoordinator__factory } from "../../../../contracts/bindings/factories/OracleCoordinator__factory.ts";
import { PushFeed__factory } from "../../../../contracts/bindings/factories/PushFeed__factory.ts";
import { TdxVerifier__factory } from "../../../../contracts/bindings/factories/TdxVerifier__factory.ts";
import { decodeContractError, REFUSALS } from "../../../../oracle/chain/abi/contract-errors.ts";
import { toChainError } from "../../../../oracle/chain/rpc/revert.ts";
import type { Hex } from "../../../../protocol/bytes.ts";

const ID: Hex = `0x${"ab".repeat(32)}`;
const coordinator = OracleCoordinator__factory.createInterface();
const refused = (reason: number): Hex =>
  coordinator.encodeErrorResult("FulfillmentRefused", [ID, reason]) as Hex;

test.for([
  ["OracleCoordinator", OracleCoordinator__factory.abi],
  ["EnclaveRegistry", EnclaveRegistry__factory.abi],
  ["PushFeed", PushFeed__factory.abi],
  ["TdxVerifier", TdxVerifier__factory.abi],
  ["AttestationResultVerifier", AttestationResultVerifier__factory.abi],
] as const)("every error of %s has words", ([, abi]) => {
  const names: string[] = [];
  new Interface(abi).forEachError(({ name, selector }) => {
    names.push(name);
    expect(decodeContractError(selector as Hex)?.name).toBe(name);
  });
  expect(names.length).toBeGreaterThan(0);
});

test("refusals have the contract's names", () => {
  const source = readFileSync(
    new URL("../../../../contracts/src/interfaces/IOracleCoordinator.sol", import.meta.url),
    "utf8",
  );
  const [, names] = /enum Refusal \{([^}]*)\}/.exec(source) ?? [];
  expect(names?.split(",").map((name) => name.trim())).toEqual(REFUSALS);
});

test("a contract's error is told in words, wherever the node puts its data", () => {
  const data = refused(REFUSALS.indexOf("NotPending"));
  const failure = { code: 3, message: "execution reverted: custom error 0xa12e140f", data };
  const message = `the contract refuses: FulfillmentRefused(${ID}, NotPending)`;
  expect(toChainError("eth_call", failure)).toMatchObject({
    ...{ code: "CHAIN_REVERTED", message },
    details: { error: "FulfillmentRefused", selector: data.slice(0, 10) },
  });
  expect(toChainError("eth_call", { ...failure, data: { data } })).toMatchObject({ message });
});

test("data that is no error of ours, or was cut short, leaves what is known", () => {
  const failure = { code: 3, message: "execution reverted", data: "0xdeadbeef" };
  expect(toChainError("eth_call", failure).message).toBe("the contract refuses: execution reverted");
  const cut = refused(1).slice(0, 40) as Hex;
  expect(decodeContractError(cut)).toEqual({ name: "FulfillmentRefused", text: "FulfillmentRefused" });
  expect(decodeContractError("0x")).toBeUndefined();
  expect(decodeContractError(refused(200))?.text).toBe(`FulfillmentRefused(${ID}, 200)`);
});

test.for([
  "out of gas",
  "EVM error: OutOfGas",
  "gas required exceeds allowance (30000000)",
  "invalid opcode: INVALID",
])("a call that the EVM ended is not the server's failure: %s", (message) => {
  expect(toChainError("eth_call", { code: -32_000, message, data: undefined })).toMatchObject({
    code: "CHAIN_REVERTED",
    retryable: false,
  });
});

test.for(["header not found", "request timed out", "daily request count exceeded"])(
  "another server may serve what this one does not: %s",
  (message) => {
    expect(toChainError("eth_call", { code: -32_000, message, data: undefined })).toMatchObject({
      code: "CHAIN_RPC_UNAVAILABLE",
      retryable: true,
    });
  },
);
