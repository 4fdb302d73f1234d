/**
 * OpenAI's own client, talking to nobody but an enclave that a policy accepts: verifies the evidence, asks, streams, and
 * verifies the receipt. `node examples/openai-client.ts URL CREDENTIAL PROVIDER/MODEL POLICY.json QUESTION`
 */

import { readFileSync } from "node:fs";
import OpenAI from "openai";
// In a project of your own: from "adyton/attestation" and "adyton/client".
import { parseAppraisalPolicy } from "../attestation/index.ts";
import { attestedFetch } from "../client/node.ts";
import { fromHex, fromUtf8 } from "../protocol/bytes.ts";

const [url = "", apiKey = "", model = "", policyFile = "", question = ""] = process.argv.slice(2);
const policy = parseAppraisalPolicy(JSON.parse(readFileSync(policyFile, "utf8")));

// Rejects unless the policy accepts the enclave. From here on `client.fetch` reaches the attested key, or nobody.
const client = await attestedFetch(url, { policy });
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, fetch: client.fetch });
const messages = [{ role: "user" as const, content: question }];
const { data: stream, response } = await openai.chat.completions
  .create({ model, messages, stream: true })
  .withResponse();
let said = "";
for await (const { choices } of stream) {
  const text = choices[0]?.delta.content ?? "";
  said += text;
  process.stdout.write(text);
}

const { receipt, checks } = await client.receipt(response);
const output = JSON.parse(fromUtf8(fromHex(receipt.output))) as { content: string };
if (output.content !== said) throw new Error("not what was said");
console.log(`\n\n${checks.map(({ name, detail }) => `ok  ${name}: ${detail}`).join("\n")}`);
client.close();
