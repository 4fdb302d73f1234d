import { createHash, type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { EXPORTER_LABEL, type Transport } from "../../protocol/transcript.ts";

type TlsTransport = Extract<Transport, { kind: "tls" }>;

/** Certificates followed up a chain: public chains have three or four. */
const MAX_CHAIN = 10;
const EXPORTER_BYTES = 32;

export interface TlsSession {
  readonly transport: TlsTransport;
  /** Leaf first, as the server sent them. */
  readonly chain: readonly X509Certificate[];
}

export interface TlsPeer {
  readonly host: string;
  readonly port: number;
}

/**
 * What can be said of an established TLS session, in the transcript's words.
 *
 * Leaves to the caller: that the handshake verified the chain and the name (`rejectUnauthorized`), dates against our own
 * clock, and SCTs.
 */
export function describeTlsSession(socket: TLSSocket, { host, port }: TlsPeer): TlsSession {
  const chain = peerChain(socket);
  const [leaf] = chain;
  if (leaf === undefined) {
    throw new UpstreamError({ code: "MODEL_TLS_REFUSED", message: "the server showed no certificate" });
  }
  const group = socket.getEphemeralKeyInfo();
  return {
    chain,
    transport: {
      kind: "tls",
      host,
      port,
      protocol: socket.getProtocol() ?? "unknown",
      cipher: socket.getCipher().standardName,
      group: group !== null && "name" in group && typeof group.name === "string" ? group.name : null,
      certificateHashes: chain.map((certificate) => sha256Hex(certificate.raw)),
      spkiHash: sha256Hex(leaf.publicKey.export({ type: "spki", format: "der" })),
      subjectAltNames: (leaf.subjectAltName ?? "").split(", ").filter((name) => name !== ""),
      exporter: toHex(socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0))),
      scts: [],
    },
  };
}

function peerChain(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < MAX_CHAIN) {
    if (chain.at(-1)?.raw.equals(next.raw) === true) break;
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function sha256Hex(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}

/**
 * Judges a chain by a clock of ours: OpenSSL asks the host's.
 *
 * @throws {UpstreamError} MODEL_TLS_REFUSED when a certificate is not valid at `now` (seconds)
 */
export function checkChainDates(chain: readonly X509Certificate[], now: number): void {
  for (const { validFromDate, validToDate, subject } of chain) {
    if (now * 1000 < validFromDate.getTime() || now * 1000 > validToDate.getTime()) {
      throw new UpstreamError({
        code: "MODEL_TLS_REFUSED",
        message: "a certificate of the server's chain is not valid at the attested time",
        details: { subject, now },
      });
    }
  }
}
