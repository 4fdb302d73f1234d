/** A certificate authority made a moment ago, for servers on this machine. Its key never leaves the process. */

import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { isIP } from "node:net";

const OID = {
  commonName: "0603550403",
  ecdsaWithSha256: "06082a8648ce3d040302",
  basicConstraints: "0603551d13",
  keyUsage: "0603551d0f",
  extendedKeyUsage: "0603551d25",
  subjectAltName: "0603551d11",
  serverAuth: "06082b06010505070301",
} as const;

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const hex = (text: string): Buffer => Buffer.from(text, "hex");
const name = (text: string): Buffer =>
  sequence(der(0x31, sequence(hex(OID.commonName), der(0x0c, Buffer.from(text)))));
const time = (date: Date): Buffer =>
  der(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, "")));
const extension = (oid: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(hex(oid), ...(critical ? [hex("0101ff")] : []), der(0x04, value));

interface CertificateContent {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** RFC 5280 §4.1, version 3, signed with ECDSA and SHA-256. */
function certificatePem(content: CertificateContent): string {
  const algorithm = sequence(hex(OID.ecdsaWithSha256));
  const tbs = sequence(
    der(0xa0, hex("020102")),
    der(0x02, Buffer.concat([hex("01"), randomBytes(15)])),
    algorithm,
    name(content.issuer),
    sequence(time(content.notBefore), time(content.notAfter)),
    name(content.subject),
    content.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...content.extensions)),
  );
  const signature = sign("sha256", tbs, content.issuerKey);
  const base64 = sequence(tbs, algorithm, der(0x03, hex("00"), signature)).toString("base64");
  const lines = (base64.match(/.{1,64}/gu) ?? []).join("\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

export interface ServerCredentials {
  /** PEM of the PKCS #8 key. */
  readonly key: string;
  readonly cert: string;
}

export interface ThrowawayAuthority {
  /** PEM. */
  readonly certificate: string;
  /** @param names DNS names and IP addresses that the server answers to */
  readonly issue: (names: readonly string[]) => ServerCredentials;
}

const DAY_MS = 86_400_000;

/** @param now the moment around which its certificates are valid: from a day before to a month after */
export function createThrowawayAuthority(now: Date): ThrowawayAuthority {
  const notBefore = new Date(now.getTime() - DAY_MS);
  const notAfter = new Date(now.getTime() + 30 * DAY_MS);
  const issuer = "Adyton stand-in authority";
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const shared = { issuer, issuerKey: authority.privateKey, notBefore, notAfter };
  return {
    certificate: certificatePem({
      ...shared,
      subject: issuer,
      publicKey: authority.publicKey,
      extensions: [
        extension(OID.basicConstraints, true, sequence(hex("0101ff"))),
        extension(OID.keyUsage, true, hex("03020106")),
      ],
    }),
    issue: (names) => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = certificatePem({
        ...shared,
        subject: names[0] ?? "server",
        publicKey,
        extensions: [
          extension(OID.keyUsage, true, hex("03020780")),
          extension(OID.extendedKeyUsage, false, sequence(hex(OID.serverAuth))),
          extension(OID.subjectAltName, false, sequence(...names.map(generalName))),
        ],
      });
      const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
      return { key: key.export({ type: "pkcs8", format: "pem" }).toString(), cert };
    },
  };
}

/** RFC 5280 §4.2.1.6: dNSName or iPAddress (version 4). */
function generalName(text: string): Buffer {
  return isIP(text) === 4
    ? der(0x87, Buffer.from(text.split(".").map(Number)))
    : der(0x82, Buffer.from(text));
}
