/** The way out: the servers of the behaviour file, over TLS judged by its authorities and by no one else's. */

import { Agent } from "node:https";
import { createSecureContext, type TLSSocket } from "node:tls";
import { UpstreamError } from "../../protocol/errors.ts";
import type { Transport } from "../../protocol/transcript.ts";
import type { Behaviour, Provider } from "../configuration/behaviour.ts";
import { checkChainDates, createChainReader, type ChainFacts } from "./chain-facts.ts";
import type { Exchange } from "./exchange.ts";
import { checkPublicAddress, lookupPublic } from "./public-addresses.ts";
import { createExchange } from "./node-exchange.ts";
import { describeTlsSession, readPeerChain } from "./tls-session.ts";

/** TLS 1.2 suites with forward secrecy and an AEAD; TLS 1.3 has no others. */
const CIPHERS_TLS12 =
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" +
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const CIPHERS_TLS13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** Connections to one provider: above what the enclave takes in at once, so that callers queue there and not here. */
const MAX_SOCKETS = 1_024;

/**
 * Milliseconds for which a connection is kept without a request: below the five seconds after which servers of Node and of Python close
 * one. Who writes just then cannot know whether the request was read, and must not send it again.
 */
const KEPT_IDLE_MS = 4_000;

export interface EgressOptions {
  readonly connection: Provider["connection"];
  readonly minimumTls: Provider["minimumTls"];
  readonly minimumScts: number;
  /** Seconds by our own clock; null while there is none, and then only OpenSSL's dates hold. */
  readonly now: () => number | null;
  /** `public`: for hosts that a program names; what is on this machine or in a private network is never reached. */
  readonly addresses?: "public" | "any";
  /** `evidence`: whoever issued a certificate, and to which name, does not matter, since its key is judged before it is used. */
  readonly authority?: "authorities" | "evidence";
  /** Milliseconds; KEPT_IDLE_MS where it is not said. */
  readonly keptIdleMs?: number;
}

export function createEgress(behaviour: Behaviour, options: EgressOptions): Exchange {
  const agent = new Agent({
    keepAlive: options.connection === "pooled",
    maxSockets: MAX_SOCKETS,
    // Of idle connections alone: no listener ends one that is in use. Without it, the server's `keep-alive: timeout` is not heeded either.
    timeout: options.keptIdleMs ?? KEPT_IDLE_MS,
    // A resumed session shows no certificate of its own; each connection is a full handshake.
    maxCachedSessions: 0,
    // Made once: reading a bundle of authorities takes longer than a handshake.
    secureContext: createSecureContext({
      // An empty list would mean Node's own bundle: one that contains nothing usable means nothing is trusted.
      ca: behaviour.certificateAuthorities.length === 0 ? [""] : [...behaviour.certificateAuthorities],
      minVersion: options.minimumTls,
      maxVersion: "TLSv1.3",
      ciphers: `${CIPHERS_TLS13}:${CIPHERS_TLS12}`,
    }),
    // Said out loud, because the default for it is read from the environment.
    rejectUnauthorized: options.authority !== "evidence",
    ...(options.addresses === "public" ? { lookup: lookupPublic } : {}),
    ALPNProtocols: ["http/1.1"],
  });
  return createExchange({ agent, limits: behaviour.limits, judgeSession: createJudge(behaviour, options) });
}

/** The certificates of each session that was judged, for whoever learns the time only afterwards. */
const chains = new WeakMap<Transport, ChainFacts>();

/** Whether the certificates behind an exchange are valid at `seconds`. Nothing outside of TLS has any. */
export function isChainInDate(transport: Transport, seconds: number): boolean {
  const chain = chains.get(transport);
  if (chain === undefined) return transport.kind === "plain-loopback";
  return chain.validity.every(({ from, until }) => seconds * 1000 >= from && seconds * 1000 <= until);
}

/** DER of the certificate that the server behind a session presented. */
export function presentedCertificate(transport: Transport): Uint8Array | undefined {
  return chains.get(transport)?.leaf;
}

/** What OpenSSL does not judge: dates by our clock, and timestamps of the pinned logs. */
function createJudge(behaviour: Behaviour, options: EgressOptions): (socket: TLSSocket) => Transport {
  const readChain = createChainReader(behaviour);
  return (socket) => {
    // Again on the socket: what was looked up is not the word that counts.
    if (options.addresses === "public") checkPublicAddress(socket.remoteAddress);
    const chain = readChain(readPeerChain(socket));
    const now = options.now();
    if (now !== null) checkChainDates(chain, now);
    const transport = describeTlsSession(socket, {
      host: nameOf(socket),
      port: socket.remotePort ?? 443,
      chain,
    });
    const scts = transport.scts.filter(({ timestamp }) => now === null || timestamp <= now * 1000);
    if (scts.length < options.minimumScts) {
      throw new UpstreamError({
        code: "MODEL_TLS_REFUSED",
        message: "the server's certificate is not in enough of the pinned transparency logs",
        details: { needed: options.minimumScts, found: scts.length },
      });
    }
    const judged: Transport = { ...transport, scts };
    chains.set(judged, chain);
    return judged;
  };
}

/** The name that the certificate was checked for; Node sends none, and checks the address, where the URL has an address. */
function nameOf({ servername, remoteAddress }: TLSSocket): string {
  return typeof servername === "string" && servername !== "" ? servername : (remoteAddress ?? "unknown");
}
