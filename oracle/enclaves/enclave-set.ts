import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, EvidenceError, UpstreamError } from "../../protocol/errors.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import type { EnclaveAddress, EnclaveSession } from "./enclave-session.ts";

export interface EnclaveSetOptions {
  readonly addresses: readonly EnclaveAddress[];
  /** Gives a session whose evidence was verified, and that has all it needs to answer. */
  readonly connect: (address: EnclaveAddress) => Promise<EnclaveSession>;
  /** Whether a session's keyset can answer requests of a policy on a chain now. */
  readonly isAdmitted: (session: EnclaveSession, chainId: number, policyId: Hex) => boolean;
  readonly onConnected: (session: EnclaveSession) => void;
  readonly log: Logger;
}

const RETRY_MS = 1_000;

/** The node's enclaves: connects to each, verifies it before use, and again after every loss. */
export class EnclaveSet {
  readonly #options: EnclaveSetOptions;
  readonly #sessions = new Map<string, EnclaveSession>();
  readonly #ownKeysets = new Set<Hex>();
  readonly #loop: Wakeable;
  readonly #checking = new Set<EnclaveSession>();
  readonly #connecting = new Map<string, Promise<unknown>>();
  #lastFailure = new Map<string, string>();

  constructor(options: EnclaveSetOptions) {
    this.#options = options;
    this.#loop = new Wakeable(RETRY_MS, () => {
      this.#checkHealth();
      this.#connectMissing();
      return Promise.resolve(false);
    });
  }

  get sessions(): readonly EnclaveSession[] {
    return [...this.#sessions.values()];
  }

  /** Every keyset that this node has verified since it started, living or not: whose machines are this node's to serve. */
  get ownKeysets(): ReadonlySet<Hex> {
    return this.#ownKeysets;
  }

  /** Enclaves that can answer requests of the policy now. */
  admitted(chainId: number, policyId: Hex): EnclaveSession[] {
    return this.sessions.filter((session) => this.#options.isAdmitted(session, chainId, policyId));
  }

  /** Forgets a session that failed: the enclave may have restarted with other keys, so it is verified anew. */
  drop(session: EnclaveSession, error: unknown): void {
    if (this.#sessions.get(session.url) === session) {
      this.#options.log.warn("enclave.dropped", { keysetId: session.keysetId, error });
      this.#sessions.delete(session.url);
      session.client.close();
      this.#loop.wake();
    }
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#connecting.values());
    const sessions = this.sessions;
    this.#sessions.clear();
    for (const { client } of sessions) client.close();
  }

  /**
   * An enclave that restarted has neither its keys nor its secrets: noticed here and not by the next request, since callers
   * who go straight to the enclave wait for the secrets too.
   */
  #checkHealth(): void {
    for (const session of this.sessions) {
      if (this.#checking.has(session)) continue;
      this.#checking.add(session);
      session.client
        .checkHealth()
        .catch((error: unknown) => {
          // No model stands behind this call: who does not answer it in time is frozen, or has no power.
          if (isSessionFailure(error) || isTimeout(error)) this.drop(session, error);
        })
        .finally(() => this.#checking.delete(session));
    }
  }

  /** Each by itself: a host that lets a connection wait must not delay what is done for the others. */
  #connectMissing(): void {
    for (const address of this.#options.addresses) {
      if (!this.#sessions.has(address.url) && !this.#connecting.has(address.url)) {
        const connecting = this.#connect(address).finally(() => this.#connecting.delete(address.url));
        this.#connecting.set(address.url, connecting);
      }
    }
  }

  async #connect(address: EnclaveAddress): Promise<void> {
    const { connect, log, onConnected } = this.#options;
    try {
      const session = await connect(address);
      this.#sessions.set(address.url, session);
      this.#ownKeysets.add(session.keysetId);
      this.#lastFailure.delete(address.url);
      log.info("enclave.verified", { keysetId: session.keysetId, payee: session.attestation.keyset.payee });
      onConnected(session);
    } catch (error) {
      const failure = error instanceof AdytonError ? String(error.code) : "unknown";
      // Said once per cause: an enclave that is down is tried every second.
      if (this.#lastFailure.get(address.url) !== failure) {
        this.#lastFailure.set(address.url, failure);
        log.warn("enclave.refused", { host: new URL(address.url).host, error });
      }
    }
  }
}

/** Whether a failure says that the connection is gone, rather than something about the request or the load. */
export function isSessionFailure(error: unknown): boolean {
  if (error instanceof EvidenceError) return true;
  return isNoReply(error) && !isTimeout(error);
}

function isTimeout(error: unknown): boolean {
  return isNoReply(error) && error.details["timedOut"] === true;
}

function isNoReply(error: unknown): error is UpstreamError {
  const lost = error instanceof UpstreamError && error.code === "ENCLAVE_UNAVAILABLE";
  return lost && error.details["status"] === undefined;
}
