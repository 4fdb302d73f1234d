/** What the test calls in the browser: `adyton/client` as a page imports it, and nothing else. */

import { parseAppraisalPolicy } from "../../attestation/index.ts";
import { attestedFetch } from "../../client/browser.ts";

export interface PageCall {
  readonly url: string;
  readonly policy: unknown;
  readonly credential: string;
  readonly body: unknown;
}

export interface PageResult {
  readonly transport: string;
  readonly keysetId: string;
  readonly text: string;
  readonly receiptKeysetId: string;
}

async function ask({ url, policy, credential, body }: PageCall): Promise<PageResult> {
  const client = await attestedFetch(url, { policy: parseAppraisalPolicy(policy) });
  const response = await client.fetch("/v1/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { receipt } = await client.receipt(response);
  const { transport, keysetId } = client.peer;
  return { transport, keysetId, text, receiptKeysetId: receipt.answer.keysetId };
}

Object.assign(globalThis, { ask });
