/** The enclave's TLS server: its limits on slow and idle connections, its certificate's renewal, and its end. */

import type { Express } from "express";
import { createServer, type Server } from "node:https";
import type { KeyObject } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { Operator } from "../configuration/operator.ts";
import { CONNECTION_LIMITS, guardConnections } from "./connections.ts";

/** Milliseconds for a client to send its headers, and its whole call: slow senders hold a socket, nothing more. */
const HEADERS_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;

export interface RunningServer {
  readonly url: string;
  /** For connections made from now on. */
  readonly renewCertificate: (pem: string) => void;
  /** Takes no new call and returns when those in flight have their answers. */
  readonly stop: () => Promise<void>;
}

export interface ServerOptions {
  readonly app: Express;
  readonly listen: Operator["listen"];
  readonly privateKey: KeyObject;
  readonly certificate: string;
}

export async function startServer({
  app,
  listen,
  privateKey,
  certificate,
}: ServerOptions): Promise<RunningServer> {
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const server = createServer(
    { key, cert: certificate, minVersion: "TLSv1.3", maxHeaderSize: MAX_HEADER_BYTES },
    app,
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = CALL_TIMEOUT_MS;
  // Node refuses whoever comes last; the guard lets go of whoever does nothing. This is for what it cannot see.
  server.maxConnections = 2 * CONNECTION_LIMITS.total;
  guardConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `https://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    renewCertificate: (cert) => {
      server.setSecureContext({ key, cert, minVersion: "TLSv1.3" });
    },
    stop: () => stop(server),
  };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
  });
}
