import { describe, expect, test } from "vitest";
import { parsePayloadUri } from "../../../oracle/payloads/payload-url.ts";
import { codeOf } from "../../support/code-of.ts";

const GATEWAYS = ["http://127.0.0.1:8080", "https://ipfs.example/"];
const CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

describe("a payload's URI", () => {
  test("of https is its own place, and no gateway's", () => {
    expect(parsePayloadUri("https://example.com/a?b=c", [])).toEqual([
      { url: new URL("https://example.com/a?b=c"), isGateway: false },
    ]);
  });

  test("of ipfs is at each gateway, in the operator's order", () => {
    expect(parsePayloadUri(`ipfs://${CID}/prompt.bin`, GATEWAYS)).toEqual([
      { url: new URL(`http://127.0.0.1:8080/ipfs/${CID}/prompt.bin`), isGateway: true },
      { url: new URL(`https://ipfs.example/ipfs/${CID}/prompt.bin`), isGateway: true },
    ]);
  });

  test.for([
    ["of http", "http://example.com/"],
    ["of a file", "file:///etc/passwd"],
    ["of data", "data:text/plain,hello"],
    ["of ftp", "ftp://example.com/a"],
    ["with a user", "https://user@example.com/"],
    ["with a password", "https://user:secret@example.com/"],
    ["without a host", "https://"],
    ["that is none", "example.com"],
    ["empty but for its scheme", "ipfs://"],
    ["of ipfs that climbs out of the gateway's folder", `ipfs://${CID}/../../api/v0/key/list`],
    ["of ipfs that climbs by dots alone", `ipfs://${CID}/..`],
    ["of ipfs with an encoded climb", `ipfs://${CID}/%2e%2e/api`],
    ["of ipfs with a query", `ipfs://${CID}?arg=1`],
    ["of ipfs with a name in place of a CID", "ipfs://localhost/api"],
    ["of ipfs with a backslash", `ipfs://${CID}\\..\\api`],
  ] as const)("%s is refused: %s", ([, uri]) => {
    expect(codeOf(() => parsePayloadUri(uri, GATEWAYS))).toBe("INPUT_INVALID");
  });

  test("of ipfs is refused where there is no gateway", () => {
    expect(codeOf(() => parsePayloadUri(`ipfs://${CID}`, []))).toBe("INPUT_INVALID");
  });
});
