import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { loadFunctionsToolkit } from "../../../oracle/functions/toolkit.ts";
import type { FunctionsCborCase } from "../../support/functions-vectors.ts";

interface BuildRequest {
  readonly buildRequestCBOR: (request: object) => string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/protocol/functions.json", import.meta.url), "utf8"),
) as { readonly cbor: readonly (FunctionsCborCase & { readonly cbor: string })[] };

test("the toolkit loads, and its stand-in for ganache starts nothing by itself", () => {
  const { toolkit, ethers } = loadFunctionsToolkit();
  expect(toolkit.simulateScript).toBeTypeOf("function");
  expect(toolkit.startLocalFunctionsTestnet).toBeTypeOf("function");
  expect(ethers.utils.formatBytes32String("don")).toBe(`0x646f6e${"00".repeat(29)}`);
});

test.for(vectors.cbor)("our CBOR is what the toolkit builds: %#", ({ source, argument, ...parts }) => {
  loadFunctionsToolkit();
  const { buildRequestCBOR } = createRequire(import.meta.url)("@chainlink/functions-toolkit") as BuildRequest;
  const secrets =
    parts.secretsLocation === 0
      ? {}
      : { secretsLocation: parts.secretsLocation, encryptedSecretsReference: parts.secrets };
  expect(
    buildRequestCBOR({ codeLocation: 0, codeLanguage: 0, source, bytesArgs: [argument], ...secrets }),
  ).toBe(parts.cbor);
});
