import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { toHex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { EXPORTER_LABEL, type Transport } from "../../protocol/transcript.ts";
import type { ChainFacts } from "./chain-facts.ts";

type TlsTransport = Extract<Transport, { kind: "tls" }>;

/** Certificates followed up a chain: public chains have three or four. */
const MAX_CHAIN = 10;
const EXPORTER_BYTES = 32;

/** The server's certificates, leaf first, as OpenSSL built their chain. @throws {UpstreamError} MODEL_TLS_REFUSED */
export function readPeerChain(socket: TLSSocket): readonly [X509Certificate, ...X509Certificate[]] {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined)
    throw new UpstreamError({ code: "MODEL_TLS_REFUSED", message: "the server showed no certificate" });
  const others: X509Certificate[] = [];
  let last = leaf;
  while (last.issuerCertificate !== undefined && others.length < MAX_CHAIN - 1) {
    const next = last.issuerCertificate;
    if (last.raw.equals(next.raw)) break;
    others.push(next);
    last = next;
  }
  return [leaf, ...others];
}

export interface TlsPeer {
  readonly host: string;
  readonly port: number;
  readonly chain: ChainFacts;
}

/**
 * The transcript's description of an established TLS session; all timestamps of its certificate are in it.
 *
 * Leaves to the caller: that the handshake verified the chain and the name (`rejectUnauthorized`), dates against our own
 * clock, and which timestamps count.
 */
export function describeTlsSession(socket: TLSSocket, { host, port, chain }: TlsPeer): TlsTransport {
  const group = socket.getEphemeralKeyInfo();
  return {
    kind: "tls",
    host,
    port,
    protocol: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher().standardName,
    group: group !== null && "name" in group && typeof group.name === "string" ? group.name : null,
    certificateHashes: [...chain.certificateHashes],
    spkiHash: chain.spkiHash,
    subjectAltNames: [...chain.subjectAltNames],
    exporter: toHex(socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0))),
    scts: [...chain.timestamps],
  };
}
