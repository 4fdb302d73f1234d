/** TLS to the holder of one attested key, whatever name and issuer its certificate has. */

import { createHash } from "node:crypto";
import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { type Hex, toHex } from "../protocol/bytes.ts";
import { EvidenceError } from "../protocol/errors.ts";

/** Asked once of each socket: a second call yields nothing (Node 24). */
function readPeer(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return {
    der: new Uint8Array(certificate.raw),
    tlsKeyHash: toHex(createHash("sha256").update(spki).digest()),
  };
}

/**
 * Milliseconds for which a connection is kept without a call: an enclave closes it after five seconds, and a call that is written just
 * then fails. Without a limit of its own an agent of Node's does not heed the server's, either.
 */
const KEPT_IDLE_MS = 4_000;

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export interface PeerCertificate {
  readonly der: Uint8Array;
  /**
   * SHA-256 of its SubjectPublicKeyInfo, as the TLS stack read it. `new X509Certificate(der)` must not be used for this: it
   * looks for PEM first, anywhere in the bytes, and evidence carries certificates in PEM.
   */
  readonly tlsKeyHash: Hex;
}

/**
 * The certificate that a server presents. The handshake has proven that the server holds its key; nothing else about it
 * is checked: that is what RA-TLS evidence is for.
 */
export function readPeerCertificate(
  { host, port }: PeerAddress,
  timeoutMs: number,
): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, minVersion: "TLSv1.3", rejectUnauthorized: false });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("TLS handshake timed out")));
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      const peer = readPeer(socket);
      socket.destroy();
      if (peer === undefined) reject(new Error("the server presented no certificate"));
      else resolve(peer);
    });
  });
}

/**
 * Connections to the holder of one TLS key and to nobody else. The name and issuer of the certificate do not matter:
 * the key was attested. No byte of a request is written before the peer has proven the key.
 */
export class PinnedAgent extends Agent {
  readonly #tlsKeyHash: Hex;

  constructor(tlsKeyHash: Hex, maxSockets: number, keptIdleMs = KEPT_IDLE_MS) {
    super({ keepAlive: true, maxSockets, maxCachedSessions: 0, timeout: keptIdleMs });
    this.#tlsKeyHash = tlsKeyHash;
  }

  /** Closes idle connections now and the others after their call. */
  retire(): void {
    this.maxFreeSockets = 0;
    for (const socket of Object.values(this.freeSockets).flatMap((sockets) => sockets ?? []))
      socket.destroy();
  }

  override createConnection(
    options: { readonly host?: string; readonly port?: number | string },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = connect({
      host: options.host ?? "",
      port: Number(options.port),
      minVersion: "TLSv1.3",
      rejectUnauthorized: false,
    });
    const failed = (error: Error): void => {
      callback?.(error, socket);
    };
    socket.once("error", failed);
    socket.once("secureConnect", () => {
      if (readPeer(socket)?.tlsKeyHash !== this.#tlsKeyHash) {
        socket.destroy(
          new EvidenceError({
            code: "EVIDENCE_BINDING_MISMATCH",
            message: "the server's TLS key is not the attested one",
          }),
        );
        return;
      }
      socket.off("error", failed);
      callback?.(null, socket);
    });
    // Returning the socket would let the request be written before the check.
    return undefined;
  }
}
