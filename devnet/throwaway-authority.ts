/** A certificate authority made a moment ago, for servers on this machine. Its key never leaves the process. */

import { randomBytes, webcrypto } from "node:crypto";
import {
  basicConstraints,
  encodePem,
  issueCertificate,
  keyUsage,
  serverExtensions,
  type CertificateFields,
  type IssuingKey,
} from "./issuance/x509.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const DAY_SECONDS = 86_400;

export interface ServerCredentials {
  /** PEM of the PKCS #8 key. */
  readonly key: string;
  readonly cert: string;
}

export interface ThrowawayAuthority {
  /** PEM. */
  readonly certificate: string;
  /** @param names DNS names and IP addresses that the server answers to */
  readonly issue: (names: readonly string[]) => Promise<ServerCredentials>;
}

/** @param now the moment around which its certificates are valid: from a day before to a month after */
export async function createThrowawayAuthority(
  now: Date,
  issuer = "Adyton stand-in authority",
): Promise<ThrowawayAuthority> {
  const pair = await newKeyPair();
  const signer: IssuingKey = { key: pair.privateKey, algorithm: { name: "ECDSA", hash: "SHA-256" } };
  const seconds = Math.floor(now.getTime() / 1000);
  const dates = { notBefore: seconds - DAY_SECONDS, notAfter: seconds + 30 * DAY_SECONDS };
  const issue = async (
    fields: Pick<CertificateFields, "subject" | "spki" | "extensions">,
  ): Promise<string> => {
    const serial = `01${randomBytes(15).toString("hex")}`;
    return encodePem("CERTIFICATE", await issueCertificate({ issuer, serial, ...dates, ...fields }, signer));
  };
  return {
    certificate: await issue({
      subject: issuer,
      spki: await spkiOf(pair),
      extensions: [basicConstraints(true), keyUsage("keyCertSign", "cRLSign")],
    }),
    issue: async (names) => {
      const own = await newKeyPair();
      const cert = await issue({
        subject: names[0] ?? "server",
        spki: await spkiOf(own),
        extensions: [keyUsage("digitalSignature"), ...serverExtensions(names)],
      });
      const key = new Uint8Array(await webcrypto.subtle.exportKey("pkcs8", own.privateKey));
      return { key: encodePem("PRIVATE KEY", key), cert };
    },
  };
}

async function newKeyPair(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
}

async function spkiOf({ publicKey }: webcrypto.CryptoKeyPair): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.exportKey("spki", publicKey));
}
