/**
 * Who sent a message, and that nobody changed it on its way: HTTP Message Signatures (RFC 9421, ed25519) over the method, the path
 * and the digest of the body (RFC 9530), in the one spelling that nodes write. The receiver is not named: what nodes tell each
 * other is the same for all of them, and telling it again changes nothing.
 */

import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { InputError } from "../../protocol/errors.ts";

export const CONTENT_DIGEST = "content-digest";
export const SIGNATURE_INPUT = "signature-input";
export const SIGNATURE = "signature";

/** Seconds that clocks of two operators may differ, the message's way included. */
const MAX_SKEW_SECONDS = 300;

const COMPONENTS = '("@method" "@path" "content-digest")';
const INPUT =
  /^adyton=(\("@method" "@path" "content-digest"\);created=([0-9]{1,12});keyid="([A-Za-z0-9_-]{43})";alg="ed25519")$/;
const SIGNED = /^adyton=:([A-Za-z0-9+/]{86}==):$/;

/** Of SubjectPublicKeyInfo (RFC 8410, section 4), before the 32 bytes of the key. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export interface SignedMessage {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

export type SignatureHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A node's key, as it signs with it, and as others name it: the 32 bytes of the public one in base64url. */
export interface PeerKey {
  readonly privateKey: KeyObject;
  readonly name: string;
}

/** @throws {Error} of the crypto library for anything but an Ed25519 private key in PEM */
export function readPeerKey(pem: string): PeerKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError("the key is not an Ed25519 key");
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return { privateKey, name: x };
}

export function signMessage(
  key: PeerKey,
  message: SignedMessage,
  nowSeconds: number,
): Record<string, string> {
  const digest = contentDigest(message.body);
  const parameters = `${COMPONENTS};created=${nowSeconds};keyid="${key.name}";alg="ed25519"`;
  const signature = sign(null, signatureBase(message, digest, parameters), key.privateKey);
  return {
    [CONTENT_DIGEST]: digest,
    [SIGNATURE_INPUT]: `adyton=${parameters}`,
    [SIGNATURE]: `adyton=:${signature.toString("base64")}:`,
  };
}

/**
 * The key that signed the message, one of `known`.
 *
 * @throws {InputError} INPUT_UNAUTHORIZED for a signature that is missing, of nobody known, too old, or over something else
 */
export function verifyMessage(
  known: ReadonlySet<string>,
  message: SignedMessage,
  headers: SignatureHeaders,
  nowSeconds: number,
): string {
  const [, parameters = "", created = "", name = ""] = INPUT.exec(headerOf(headers, SIGNATURE_INPUT)) ?? [];
  const [, signature] = SIGNED.exec(headerOf(headers, SIGNATURE)) ?? [];
  if (signature === undefined || parameters === "")
    throw unauthorized("the message is not signed as nodes sign");
  if (!known.has(name)) throw unauthorized("the message is signed by a key that is no peer's");
  if (Math.abs(Number(created) - nowSeconds) > MAX_SKEW_SECONDS)
    throw unauthorized("the message's time is too far from this machine's: one of both clocks is wrong");

  const digest = contentDigest(message.body);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(name, "base64url")]),
    format: "der",
    type: "spki",
  });
  const isSigned =
    headerOf(headers, CONTENT_DIGEST) === digest &&
    verify(null, signatureBase(message, digest, parameters), publicKey, Buffer.from(signature, "base64"));
  if (!isSigned) throw unauthorized("the signature is not over this message");
  return name;
}

/** RFC 9421, section 2.5. */
function signatureBase({ method, path }: SignedMessage, digest: string, parameters: string): Buffer {
  return Buffer.from(
    `"@method": ${method}\n"@path": ${path}\n"content-digest": ${digest}\n"@signature-params": ${parameters}`,
  );
}

function contentDigest(body: Buffer): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

function headerOf(headers: SignatureHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

function unauthorized(message: string): InputError {
  return new InputError({ code: "INPUT_UNAUTHORIZED", message });
}
