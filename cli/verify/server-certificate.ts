/** The certificate that a server presents. Apart from the reading of files, most of which need no TLS: Node loads it in 30 ms. */

import { connect, type TLSSocket } from "node:tls";
import { InputError } from "../../protocol/errors.ts";

interface Presented {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Milliseconds for a TLS handshake with a server that is there. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The certificate that the server presents, after a handshake in which it proved that it holds the key. No authority is
 * asked about it, and no name is compared: what vouches for the key is the evidence inside.
 */
export async function readServer(text: string): Promise<Presented> {
  const url = parseUrl(text);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? 443 : Number(url.port);
  const socket = connect({
    host,
    port,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ...(isName(host) && { servername: host }),
  });
  try {
    await secured(socket);
    return { name: url.origin, bytes: new Uint8Array(socket.getPeerCertificate().raw) };
  } catch (cause) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `no TLS server answers at ${host}:${port}`,
      cause,
    });
  } finally {
    socket.destroy();
  }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: `${text} is not a URL`, cause });
  }
}

/** Server name indication is for names (RFC 6066 §3), not for addresses. */
function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(":");
}

async function secured(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () => {
    reject(new Error("no handshake in time"));
  });
  socket.once("error", reject);
  socket.once("secureConnect", () => {
    resolve(undefined);
  });
  await promise;
}
