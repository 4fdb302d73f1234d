/**
 * Asks with a provider key of one's own, sealed to an enclave that a policy accepts; no account with its operator is needed.
 * `node examples/bring-your-own-key.ts URL KEY_FILE PROVIDER/MODEL POLICY.json QUESTION`
 */

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, setDefaultCACertificates } from "node:tls";
import OpenAI from "openai";
import { z } from "zod";
// In a project of your own: from "adyton/attestation" and "adyton/protocol".
import { appraiseEvidence, parseAppraisalPolicy, verifyRaTlsCertificate } from "../attestation/index.ts";
import { AttestationReply, keysetId, sealProviderKey } from "../protocol/index.ts";

const [url = "", keyFile = "", model = "", policyFile = "", question = ""] = process.argv.slice(2);
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
appraiseEvidence(enclave.evidence, parseAppraisalPolicy(JSON.parse(readFileSync(policyFile, "utf8"))), {
  now,
});
const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----\n`;
setDefaultCACertificates([pem]);

// The sealing key is the enclave's if the keyset is the one that the evidence vouches for.
const attestation = await fetch(`${url}/v1/attestation?nonce=0x${randomBytes(32).toString("hex")}`);
const { keyset } = z.decode(AttestationReply, (await attestation.json()) as z.input<typeof AttestationReply>);
if (keysetId(keyset) !== enclave.keysetId) throw new Error("this keyset is not the attested one");

// Whoever has both this and the sealed key can spend the cap: keep one of them to yourself.
const credential = randomBytes(32).toString("base64url");
const sealedKey = await sealProviderKey(
  { keysetId: enclave.keysetId, sealingKey: keyset.sealingKey },
  {
    models: [model],
    key: readFileSync(keyFile, "utf8").trim(),
    owner: { credentialSha256: `0x${createHash("sha256").update(credential).digest("hex")}` },
    cap: { inputTokens: 20_000, outputTokens: 4_000 },
    expiresAt: now + 3_600,
  },
);

const openai = new OpenAI({
  baseURL: `${url}/v1`,
  apiKey: credential,
  defaultHeaders: { "adyton-provider-key": sealedKey },
});
const messages = [{ role: "user" as const, content: question }];
const { data, response } = await openai.chat.completions
  .create({ model, messages, max_completion_tokens: 1_000 })
  .withResponse();
console.log(data.choices[0]?.message.content);
console.log(`receipt: ${response.headers.get("adyton-receipt") ?? ""}`);
