/** A sealed question on a whole network, with a provider key of its asker's: answered, and nowhere to be read. */

import { x25519 } from "@noble/curves/ed25519.js";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import * as z from "zod";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { wallClock } from "../../cli/clock.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localAddress, localSigner } from "../../devnet/local-accounts.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import { fromHex, fromUtf8, toHex, type Hex } from "../../protocol/bytes.ts";
import { AttestationReply } from "../../protocol/enclave-api.ts";
import { encodeKeyedPayload } from "../../protocol/keyed-payload.ts";
import { keysetId } from "../../protocol/keyset.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import { openReply, sealPayload } from "../../protocol/sealed-payload.ts";
import { prompt, TEXT } from "../enclave/support/calls.ts";
import type { FixedProvider } from "../enclave/support/fixed-provider.ts";
import { ask, until, untilSettled, type AskedChain } from "../oracle/support/test-chain.ts";
import { startKeyedNetwork, type KeyedNetwork } from "./support/keyed-network.ts";

const PROMPT = "Does the merger with Kleisthenes close on Thursday";
const SAID = "It closes with the Panathenaea";
const OPERATOR_KEY = "sk-of-the-operator-81133";
const OWN_KEY = "sk-of-the-asker-92244";
const USAGE = { prompt_tokens: 20, completion_tokens: 10 };

const asker = x25519.keygen();
let keyed: KeyedNetwork;
let provider: FixedProvider;
let network: LocalNetwork;
let requestId: Hex;

beforeAll(async () => {
  keyed = await startKeyedNetwork(OPERATOR_KEY, SAID, USAGE);
  ({ network, provider } = keyed);
}, 240_000);

afterAll(() => keyed.stop(), 60_000);

/** Over any TLS: whose keyset it is, the evidence says, which the oracle has verified here. */
function fetchEnclave(path: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${network.file.functionsCredential}` };
    const url = new URL(path, network.file.enclaveUrl);
    const client = request(url, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve(new Uint8Array(Buffer.concat(chunks)));
      });
    });
    client.on("error", reject);
    client.end();
  });
}

async function sealQuestion(): Promise<Hex> {
  const attestation = fromUtf8(await fetchEnclave(`/v1/attestation?nonce=0x${"00".repeat(32)}`));
  const { keyset } = z.decode(AttestationReply, JSON.parse(attestation) as z.input<typeof AttestationReply>);
  const payer = localAddress(LocalAccount.asker);
  const question = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({ models: ["custom/m"], messages: [{ role: 2, content: PROMPT }], format: TEXT }),
  });
  const key = {
    models: ["custom/m"],
    key: OWN_KEY,
    owner: { payer },
    // The worst case of a model that nobody described has its thinking in it.
    cap: { inputTokens: 10_000, outputTokens: 20_000 },
    expiresAt: wallClock() + 3_600,
  };
  const payload = await sealPayload(encodeKeyedPayload({ keys: [key], payload: question }), {
    recipients: [{ keysetId: keysetId(keyset), sealingKey: keyset.sealingKey }],
    context: {
      chainId: network.file.chainId,
      coordinator: network.file.contracts.coordinator,
      consumer: payer,
      policyId: network.file.policyId,
    },
    replyKey: toHex(asker.publicKey),
  });
  return toHex(payload);
}

function chainOf({ provider: rpc, file }: LocalNetwork): AskedChain {
  return {
    provider: rpc,
    asker: localSigner(rpc, LocalAccount.asker),
    coordinator: OracleCoordinator__factory.connect(file.contracts.coordinator, rpc),
    deployment: { policyId: file.policyId },
  };
}

test("is answered on chain to its asker, at the asker's expense", { timeout: 120_000 }, async () => {
  const chain = chainOf(network);
  ({ requestId } = await ask(chain, { payload: await sealQuestion() }));
  expect(await untilSettled(chain, requestId, 60_000)).toMatchObject({
    fulfilled: 1,
    refunded: 0,
    status: 1,
  });
  const asked = provider.received.join();
  expect(asked).toContain(PROMPT);
  expect(asked).toContain(`"authorization":"Bearer ${OWN_KEY}"`);
  expect(asked).not.toContain(OPERATOR_KEY);

  const file = await until("the receipt", async () => {
    const response = await fetch(`${network.file.oracleUrl}/v1/receipts/${requestId}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  });
  const { receipt } = await verifyReceipt(file);
  expect(receipt.bodies).toEqual({});
  const output = await openReply(asker.secretKey, requestId, fromHex(receipt.output));
  expect(fromUtf8(output)).toBe(SAID);
  const record = await fetchEnclave(`/v1/sealed-records/${requestId}`);
  expect(fromUtf8(await openReply(asker.secretKey, requestId, record))).toContain(
    toHex(new TextEncoder().encode(PROMPT)).slice(2),
  );
});

test("leaves no word of question, answer or key: not on the disk, in the oracle's store, in logs, or on chain", async () => {
  const files = keyed.filesOnDisk();
  // The store's own files are among them, with the rows that the request left.
  expect(files.some((path) => path.includes("/store/"))).toBe(true);
  const held = files.map((path) => readFileSync(path, "latin1"));
  expect(held.some((text) => text.includes(requestId))).toBe(true);
  const blocks = await network.provider.getBlockNumber();
  for (let number = 0; number <= blocks; number += 1) {
    const block = (await network.provider.send("eth_getBlockByNumber", [
      `0x${number.toString(16)}`,
      true,
    ])) as unknown;
    held.push(JSON.stringify(block));
  }
  held.push(JSON.stringify(await network.provider.getLogs({ fromBlock: 0 })));
  for (const secret of ["Kleisthenes", "Panathenaea", OWN_KEY]) {
    const hex = Buffer.from(secret).toString("hex");
    const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1);
    for (const form of [secret, hex, base64]) expect(held.filter((text) => text.includes(form))).toEqual([]);
  }
});
