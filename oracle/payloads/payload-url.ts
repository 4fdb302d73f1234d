import { InputError } from "../../protocol/errors.ts";

/** Where a payload is fetched from. */
export interface PayloadUrl {
  readonly url: URL;
  /** Whether the operator named the server, who may have it on a network of his own. */
  readonly isGateway: boolean;
}

/** The path of an ipfs URI: a CID and what is below it. Nothing in it can leave a gateway's `/ipfs/`. */
const IPFS_PATH = /^[A-Za-z0-9]{32,128}(?:\/[A-Za-z0-9._~-]+)*$/;
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/;

/**
 * @param gateways base URLs that serve `/ipfs/{cid}`, preferred first
 * @throws {InputError} INPUT_INVALID for anything but https without credentials, and ipfs where there is a gateway
 */
export function parsePayloadUri(uri: string, gateways: readonly string[]): PayloadUrl[] {
  const scheme = /^([a-z]+):\/\//i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === "ipfs") return toGateways(uri.slice("ipfs://".length), gateways);
  if (scheme !== "https" || !URL.canParse(uri)) throw invalid("a payload's URI is an https or an ipfs one");
  const url = new URL(uri);
  if (url.username !== "" || url.password !== "")
    throw invalid("a payload's URI names no user and no password");
  return [{ url, isGateway: false }];
}

function toGateways(path: string, gateways: readonly string[]): PayloadUrl[] {
  if (!IPFS_PATH.test(path) || DOT_SEGMENT.test(path))
    throw invalid("an ipfs URI is ipfs://, a CID, and a path of plain segments");
  if (gateways.length === 0) throw invalid("this node has no ipfs gateway");
  return gateways.map((gateway) => ({
    url: new URL(`${gateway.replace(/\/+$/, "")}/ipfs/${path}`),
    isGateway: true,
  }));
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
