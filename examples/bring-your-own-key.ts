/**
 * Asks with a provider key of one's own, sealed to an enclave that a policy accepts; no account with its operator is needed.
 * `node examples/bring-your-own-key.ts URL KEY_FILE PROVIDER/MODEL POLICY.json QUESTION`
 */

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import OpenAI from "openai";
// In a project of your own: from "adyton/attestation", "adyton/client" and "adyton/protocol".
import { parseAppraisalPolicy } from "../attestation/index.ts";
import { attestedFetch } from "../client/node.ts";
import { sealProviderKey } from "../protocol/index.ts";

const [url = "", keyFile = "", model = "", policyFile = "", question = ""] = process.argv.slice(2);
const policy = parseAppraisalPolicy(JSON.parse(readFileSync(policyFile, "utf8")));
const client = await attestedFetch(url, { policy });

// Whoever has both this and the sealed key can spend the cap: keep one of them to yourself.
const credential = randomBytes(32).toString("base64url");
// To the sealing key of the keyset that the evidence vouches for.
const { keysetId, keyset } = client.peer;
const sealedKey = await sealProviderKey(
  { keysetId, sealingKey: keyset.sealingKey },
  {
    models: [model],
    key: readFileSync(keyFile, "utf8").trim(),
    owner: { credentialSha256: `0x${createHash("sha256").update(credential).digest("hex")}` },
    cap: { inputTokens: 20_000, outputTokens: 4_000 },
    expiresAt: Math.floor(new Date().getTime() / 1000) + 3_600,
  },
);

const openai = new OpenAI({
  baseURL: `${url}/v1`,
  apiKey: credential,
  defaultHeaders: { "adyton-provider-key": sealedKey },
  fetch: client.fetch,
});
const messages = [{ role: "user" as const, content: question }];
const { data, response } = await openai.chat.completions
  .create({ model, messages, max_completion_tokens: 1_000 })
  .withResponse();
console.log(data.choices[0]?.message.content);
console.log(`receipt: ${response.headers.get("adyton-receipt") ?? ""}`);
client.close();
