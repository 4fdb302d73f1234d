/**
 * A facilitator for tests: it checks what x402's specification says one checks of scheme `exact` (v2, 6.1.2), against balances and
 * nonces of its own in place of a chain's.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { verifyTypedData } from "ethers";

const AUTHORIZATION = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

interface Authorization {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
}

interface Body {
  readonly paymentPayload: {
    readonly payload: { readonly signature: string; readonly authorization: Authorization };
  };
  readonly paymentRequirements: {
    readonly network: string;
    readonly amount: string;
    readonly asset: string;
    readonly payTo: string;
    readonly extra: { readonly name: string; readonly version: string };
  };
}

/** What becomes of a settlement: `lost`: it is made, and nobody is told. */
export type Settling = "made" | "refused" | "lost";

export interface StandInFacilitator {
  readonly url: string;
  readonly calls: string[];
  /** Called with the path of a call before it is answered. */
  onCall: (path: string) => void;
  /** Nonces that were paid with, and to whom. */
  readonly paid: { readonly nonce: string; readonly to: string; readonly value: bigint }[];
  readonly balances: Map<string, bigint>;
  /** Of the next settlements, in order; then they are made. */
  readonly next: Settling[];
  readonly stop: () => Promise<void>;
}

export async function startStandInFacilitator(nowSeconds: () => number): Promise<StandInFacilitator> {
  const calls: string[] = [];
  const paid: { nonce: string; to: string; value: bigint }[] = [];
  const balances = new Map<string, bigint>();
  const next: Settling[] = [];

  const refusal = ({ paymentPayload, paymentRequirements }: Body): string | null => {
    const { authorization: given, signature } = paymentPayload.payload;
    const { network, asset, extra, payTo, amount } = paymentRequirements;
    const domain = { ...extra, chainId: Number(network.split(":")[1]), verifyingContract: asset };
    const signer = verifyTypedData(domain, AUTHORIZATION, given, signature);
    if (signer.toLowerCase() !== given.from.toLowerCase()) return "invalid_exact_evm_payload_signature";
    if (given.to.toLowerCase() !== payTo) return "invalid_exact_evm_payload_recipient_mismatch";
    if (BigInt(given.value) !== BigInt(amount)) return "invalid_exact_evm_payload_authorization_value";
    const now = BigInt(nowSeconds());
    if (BigInt(given.validAfter) > now) return "invalid_exact_evm_payload_authorization_valid_after";
    if (BigInt(given.validBefore) <= now) return "invalid_exact_evm_payload_authorization_valid_before";
    if (paid.some(({ nonce }) => nonce === given.nonce)) return "invalid_exact_evm_nonce_already_used";
    return (balances.get(given.from.toLowerCase()) ?? 0n) < BigInt(given.value) ? "insufficient_funds" : null;
  };

  const settle = (body: Body): object | null => {
    const settling = next.shift() ?? "made";
    const reason = settling === "refused" ? "unexpected_settle_error" : refusal(body);
    const { network } = body.paymentRequirements;
    if (reason !== null) return { success: false, errorReason: reason, transaction: "", network };
    const { from, to, value, nonce } = body.paymentPayload.payload.authorization;
    balances.set(from.toLowerCase(), (balances.get(from.toLowerCase()) ?? 0n) - BigInt(value));
    paid.push({ nonce, to, value: BigInt(value) });
    return settling === "lost" ? null : { success: true, transaction: nonce, network, payer: from };
  };

  const server = createServer((request, response) => {
    void (async () => {
      let text = "";
      for await (const part of request.setEncoding("utf8") as AsyncIterable<string>) text += part;
      calls.push(request.url ?? "");
      facilitator.onCall(request.url ?? "");
      const body = JSON.parse(text) as Body;
      const reason = request.url === "/verify" ? refusal(body) : null;
      const reply =
        request.url === "/verify"
          ? { isValid: reason === null, ...(reason === null ? {} : { invalidReason: reason }) }
          : settle(body);
      if (reply === null) response.destroy();
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const facilitator: StandInFacilitator = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    onCall: () => undefined,
    paid,
    balances,
    next,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return facilitator;
}
