import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  readPeerKey,
  signMessage,
  verifyMessage,
  type PeerKey,
  type SignatureHeaders,
  type SignedMessage,
} from "../../../oracle/peers/message-signature.ts";
import { codeOf } from "../../support/code-of.ts";

const NOW = 1_790_000_000;
const MESSAGE: SignedMessage = {
  method: "POST",
  path: "/v1/peers/shares",
  body: Buffer.from('{"shares":[]}'),
};

function newKey(): PeerKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  return readPeerKey(privateKey.export({ format: "pem", type: "pkcs8" }) as string);
}

const key = newKey();
const known = new Set([key.name]);
const headers = signMessage(key, MESSAGE, NOW);

const codeFor = (
  message: SignedMessage,
  given: SignatureHeaders = headers,
  now = NOW,
  from: ReadonlySet<string> = known,
): string | undefined => codeOf(() => verifyMessage(from, message, given, now));

describe("a message of a peer", () => {
  test("is of the key that signed it", () => {
    expect(verifyMessage(known, MESSAGE, headers, NOW)).toBe(key.name);
  });

  test.for<[string, SignedMessage]>([
    ["method", { ...MESSAGE, method: "PUT" }],
    ["path", { ...MESSAGE, path: "/v1/peers/share" }],
    ["body", { ...MESSAGE, body: Buffer.from('{"shares":[ ]}') }],
  ])("is refused with another %s", ([, message]) => {
    expect(codeFor(message)).toBe("INPUT_UNAUTHORIZED");
  });

  test.for(["content-digest", "signature-input", "signature"])("is refused without its %s", (name) => {
    expect(codeFor(MESSAGE, { ...headers, [name]: undefined })).toBe("INPUT_UNAUTHORIZED");
  });

  test("is refused of a key that is not listed, and under the name of one that is", () => {
    const stranger = newKey();
    expect(codeFor(MESSAGE, signMessage(stranger, MESSAGE, NOW))).toBe("INPUT_UNAUTHORIZED");
    const borrowed = signMessage({ ...stranger, name: key.name }, MESSAGE, NOW);
    expect(codeFor(MESSAGE, borrowed)).toBe("INPUT_UNAUTHORIZED");
  });

  test("is taken for five minutes by either clock, and no longer", () => {
    expect(verifyMessage(known, MESSAGE, headers, NOW + 300)).toBe(key.name);
    expect(verifyMessage(known, MESSAGE, headers, NOW - 300)).toBe(key.name);
    expect(codeFor(MESSAGE, headers, NOW + 301)).toBe("INPUT_UNAUTHORIZED");
    expect(codeFor(MESSAGE, headers, NOW - 301)).toBe("INPUT_UNAUTHORIZED");
  });

  test("has the base and the parameters of RFC 9421, section 2.5", () => {
    expect(headers["signature-input"]).toBe(
      `adyton=("@method" "@path" "content-digest");created=${NOW};keyid="${key.name}";alg="ed25519"`,
    );
  });
});
