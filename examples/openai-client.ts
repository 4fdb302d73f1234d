/**
 * OpenAI's own client, talking to nobody but an enclave that a policy accepts: verifies the certificate, asks, streams,
 * and verifies the receipt. `node examples/openai-client.ts URL CREDENTIAL PROVIDER/MODEL POLICY.json QUESTION`
 */

import { readFileSync } from "node:fs";
import { connect, setDefaultCACertificates } from "node:tls";
import OpenAI from "openai";
// In a project of your own: from "adyton/attestation".
import { appraiseEvidence, parseAppraisalPolicy, verifyRaTlsCertificate } from "../attestation/index.ts";
import { verifyReceipt } from "../attestation/receipt/verify-receipt.ts";
import { fromHex, fromUtf8 } from "../protocol/bytes.ts";

const [url = "", apiKey = "", model = "", policyFile = "", question = ""] = process.argv.slice(2);
const policy = parseAppraisalPolicy(JSON.parse(readFileSync(policyFile, "utf8")));
const { hostname, port } = new URL(url);

const certificate = await new Promise<Buffer>((resolve, reject) => {
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().raw);
    socket.destroy();
  });
  socket.once("error", reject);
});
const now = Math.floor(new Date().getTime() / 1000);
const enclave = await verifyRaTlsCertificate(certificate, {}, { now });
appraiseEvidence(enclave.evidence, policy, { now });
// From here on this process trusts that attested key, and no authority at all.
const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----\n`;
setDefaultCACertificates([pem]);

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey });
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

const receiptUrl = new URL(response.headers.get("adyton-receipt") ?? "", url);
const file = await fetch(receiptUrl, { headers: { authorization: `Bearer ${apiKey}` } });
const { receipt, evidence, checks } = await verifyReceipt(new Uint8Array(await file.arrayBuffer()));
appraiseEvidence(evidence, policy, { now });
const output = JSON.parse(fromUtf8(fromHex(receipt.output))) as { content: string };
if (output.content !== said || receipt.answer.keysetId !== enclave.keysetId)
  throw new Error("not what was said");
console.log(`\n\n${checks.map(({ name, detail }) => `ok  ${name}: ${detail}`).join("\n")}`);
