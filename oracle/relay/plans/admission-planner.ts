import type { ChainContext } from "../../chain-context.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { claimsReportData, encodeClaims } from "../../../protocol/claims.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import { quantity } from "../../chain/rpc/block.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import {
  admissionNonceFor,
  encodeAdmit,
  readAdmissionState,
  readPlatform,
} from "../../chain/contracts/registry.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { type EnclaveSet, isSessionFailure } from "../../enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../../../client/evidence-verifier.ts";
import { type AdmittedKeyset, readAdmittedKeysets } from "../../store/admissions.ts";
import { openCalls } from "../../store/transactions/in-flight.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";
import { findSeat } from "../asking/platform-seats.ts";

export interface AdmissionTerms {
  readonly policyId: Hex;
  readonly verifier: Hex;
}

export interface AdmissionPlannerOptions extends ChainContext {
  readonly registry: Hex;
  readonly admissions: readonly AdmissionTerms[];
  readonly enclaves: () => EnclaveSet;
  readonly verifier: EvidenceVerifier;
  readonly from: Hex;
  readonly feeCap: bigint;
  /** Seconds before its end that an admission is renewed; half of what is left where that is less. */
  readonly renewBeforeSeconds: number;
  /** Seconds, by the chain: what admissions end by. */
  readonly chainTime: () => number;
  /** A keyset became able to answer. */
  readonly onAdmitted: () => void;
}

interface AdmissionState {
  live: boolean;
  /** Milliseconds: the registry is not asked again before this time. */
  checkAt: number;
  /** Milliseconds: no admission is sent before this time. */
  admitAt: number;
  /** Seconds, by the chain; 0 without an admission. */
  expiresAt: number;
  /** Seconds, by the chain: the admission is renewed from then on. */
  renewAt: number;
  /** The calldata of the last admission that was sent, and the machine that it was for. */
  sent: Hex | undefined;
  platform: Hex | undefined;
}

const CHECK_MS = 1_000;
/** A live admission is looked at less often; it ends by expiry, a narrowed policy or a revocation. */
const LIVE_CHECK_MS = 5_000;
/** Evidence is slow to make and gas is paid for each admission: what did not help is not repeated at once. */
const READMIT_MS = 15_000;
const MOST_STATES = 256;
const REFUSED_MS = 60_000;

/** Keeps the node's enclaves admitted on one chain: looks, and plans an admission where one is missing. */
export class AdmissionPlanner {
  readonly #options: AdmissionPlannerOptions;
  readonly #states = new Map<string, AdmissionState>();
  /** Calldata of what waited when this process first looked: for which enclaves, it cannot tell. */
  #inherited: ReadonlySet<Hex> | undefined;

  constructor(options: AdmissionPlannerOptions) {
    this.#options = options;
  }

  isAdmitted(session: EnclaveSession, policyId: Hex): boolean {
    return this.#states.get(stateKey(session, policyId))?.live === true;
  }

  hasAdmitted(): boolean {
    const { enclaves, admissions } = this.#options;
    return enclaves().sessions.some((session) =>
      admissions.some(({ policyId }) => this.isAdmitted(session, policyId)),
    );
  }

  /** Policies under which an enclave of this node is admitted. */
  livePolicies(): Hex[] {
    const { enclaves, admissions } = this.#options;
    const { sessions } = enclaves();
    return admissions
      .map(({ policyId }) => policyId)
      .filter((policyId) => sessions.some((session) => this.isAdmitted(session, policyId)));
  }

  /** Seconds: when the first of the admissions ends that enclaves of this node live by. */
  get soonestEnd(): number | undefined {
    const { enclaves, admissions } = this.#options;
    const ends = enclaves().sessions.flatMap((session) =>
      admissions.flatMap(({ policyId }) => {
        const state = this.#states.get(stateKey(session, policyId));
        return state?.live === true ? [state.expiresAt] : [];
      }),
    );
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** Whether an admission was sent and has not shown its effect. */
  isWaiting(): boolean {
    return [...this.#states.values()].some(({ live, admitAt }) => !live && admitAt > 0);
  }

  /**
   * Asks the registry about every enclave and policy whose turn it is.
   *
   * @returns whether an admission is missing that `plan` would send
   */
  async refresh(): Promise<boolean> {
    const { now, enclaves, admissions, rpc, registry, log, chainId, onAdmitted } = this.#options;
    let missing = false;
    for (const session of enclaves().sessions) {
      for (const { policyId } of admissions) {
        const state = this.#state(session, policyId);
        if (state.checkAt > now() && !(state.admitAt > 0 && !state.live)) continue;
        const { keyset } = session.attestation;
        const { live, expiresAt } = await readAdmissionState(rpc, registry, policyId, keyset);
        state.checkAt = now() + (live ? LIVE_CHECK_MS : CHECK_MS);
        if (expiresAt !== state.expiresAt) {
          state.expiresAt = expiresAt;
          state.renewAt = expiresAt - this.#beforeEnd(expiresAt);
        }
        if (live !== state.live) {
          state.live = live;
          log.info(live ? "enclave.admitted" : "enclave.not-admitted", {
            chainId,
            policyId,
            keysetId: session.keysetId,
          });
          if (live) onAdmitted();
        }
        missing ||= this.#isDue(state);
      }
    }
    return missing;
  }

  async plan(head: ChainHead): Promise<PlannedTransaction[]> {
    const { now, enclaves, admissions } = this.#options;
    const planned: PlannedTransaction[] = [];
    if (head.latest.number === 0) return planned;
    for (const session of enclaves().sessions) {
      for (const terms of admissions) {
        const state = this.#state(session, terms.policyId);
        if (this.#isDue(state)) {
          state.admitAt = now() + READMIT_MS;
          if (await this.#isOnItsWay(state)) continue;
          // Where the endorsements behind the evidence end first, a renewal moves nothing: it is not repeated at once.
          state.renewAt = state.expiresAt - Math.floor(this.#beforeEnd(state.expiresAt) / 2);
          planned.push(...(await this.#admission(session, terms, head, state)));
        }
      }
    }
    return planned;
  }

  #isDue({ live, checkAt, admitAt, renewAt }: AdmissionState): boolean {
    const { now, chainTime } = this.#options;
    return checkAt > 0 && admitAt <= now() && (!live || renewAt <= chainTime());
  }

  /** Another would be mined too, after the one that waits for cheaper gas or a block with room, and nobody repays it. */
  async #isOnItsWay({ sent }: AdmissionState): Promise<boolean> {
    const { store, chainId, registry } = this.#options;
    const open = await openCalls(store, chainId, registry);
    this.#inherited ??= open;
    return sent === undefined ? [...this.#inherited].some((data) => open.has(data)) : open.has(sent);
  }

  /** Seconds before the end of an admission at which the next renewal is tried. */
  #beforeEnd(expiresAt: number): number {
    const { renewBeforeSeconds, chainTime } = this.#options;
    return Math.min(renewBeforeSeconds, Math.max(0, Math.floor((expiresAt - chainTime()) / 2)));
  }

  async #admission(
    session: EnclaveSession,
    terms: AdmissionTerms,
    head: ChainHead,
    state: AdmissionState,
  ): Promise<PlannedTransaction[]> {
    const { enclaves, log, chainId, now } = this.#options;
    try {
      const planned = await this.#fromFreshEvidence(session, terms, head, state);
      if (planned === undefined) return [];
      state.sent = planned.data;
      log.info("enclave.admission-planned", {
        chainId,
        renewal: state.live,
        policyId: terms.policyId,
        keysetId: session.keysetId,
      });
      return [planned];
    } catch (error) {
      if (isSessionFailure(error)) enclaves().drop(session, error);
      if (!(error instanceof AdytonError)) throw error;
      state.admitAt = now() + (error.retryable ? READMIT_MS : REFUSED_MS);
      log.warn("enclave.admission-failed", {
        chainId,
        policyId: terms.policyId,
        keysetId: session.keysetId,
        error,
      });
      return [];
    }
  }

  async #fromFreshEvidence(
    session: EnclaveSession,
    { policyId, verifier }: AdmissionTerms,
    head: ChainHead,
    state: AdmissionState,
  ): Promise<PlannedTransaction | undefined> {
    const { chainId, registry, feeCap } = this.#options;
    // The parent: simulated on the head, a contract cannot see the head's own hash.
    const block = { number: head.latest.number - 1, hash: head.latest.parentHash };
    const nonce = admissionNonceFor({ chainId, registry }, block);
    const attestation = await session.client.attestation(nonce);
    await this.#options.verifier.verifyAttestation(attestation, nonce);
    const { keyset } = attestation;
    const admission = {
      policyId,
      keyset,
      blockNumber: block.number,
      verifier,
      evidence: attestation.evidence.bytes,
    };
    const claims = encodeClaims({ nonce, keysetId: session.keysetId, tlsKeyHash: keyset.tlsKeyHash });
    state.platform = await readPlatform(this.#options.rpc, registry, admission, claimsReportData(claims));
    if (!(await this.#hasSeat(session, policyId, state))) return undefined;
    const data = encodeAdmit(admission);
    return {
      kind: "admit",
      to: registry,
      data,
      gasLimit: await this.#gasLimit(data),
      feeCap,
      requestIds: [],
    };
  }

  /** Whether the admission takes no seat from an enclave of this node that lives. If not, it is looked at again later. */
  async #hasSeat({ keysetId }: EnclaveSession, policyId: Hex, state: AdmissionState): Promise<boolean> {
    const { store, chainId, chainTime, enclaves, log, now } = this.#options;
    const { sessions } = enclaves();
    const admitted = await readAdmittedKeysets(store, { chainId, policyId, time: chainTime() });
    const { platform = "0x" } = state;
    const found = findSeat(
      { keysetId, platform },
      [...admitted, ...this.#onTheirWay(keysetId, policyId, admitted)],
      new Set(sessions.map((session) => session.keysetId)),
    );
    if (found.kind === "renew-first") {
      const seated = sessions.find((session) => session.keysetId === found.keysetId);
      if (seated !== undefined) this.#state(seated, policyId).renewAt = 0;
      log.info("enclave.admission-after-renewal", { chainId, policyId, keysetId, renewed: found.keysetId });
    } else if (found.kind === "full") {
      state.admitAt = now() + REFUSED_MS;
      log.warn("enclave.platform-full", { chainId, policyId, keysetId, platform });
    }
    return found.kind === "free";
  }

  /** Newcomers whose admission was sent and has no event yet: they will have a seat too. */
  #onTheirWay(keysetId: Hex, policyId: Hex, admitted: readonly AdmittedKeyset[]): AdmittedKeyset[] {
    const { enclaves, now } = this.#options;
    const seated = new Set([keysetId, ...admitted.map((known) => known.keysetId)]);
    return enclaves().sessions.flatMap((session) => {
      const { sent, platform, admitAt } = this.#state(session, policyId);
      const isSent = sent !== undefined && platform !== undefined && admitAt > now();
      if (!isSent || seated.has(session.keysetId)) return [];
      return [{ keysetId: session.keysetId, platform, since: Infinity, expiresAt: Infinity }];
    });
  }

  /** The node's estimate, and a quarter more: state may change until it is mined. */
  async #gasLimit(data: Hex): Promise<number> {
    const { rpc, from, registry } = this.#options;
    const gas = await rpc.call("eth_estimateGas", [{ from, to: registry, data }], quantity);
    return gas + Math.ceil(gas / 4);
  }

  #state(session: EnclaveSession, policyId: Hex): AdmissionState {
    const key = stateKey(session, policyId);
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#forgetGone();
    const fresh = {
      live: false,
      checkAt: 0,
      admitAt: 0,
      expiresAt: 0,
      renewAt: 0,
      sent: undefined,
      platform: undefined,
    };
    this.#states.set(key, fresh);
    return fresh;
  }

  /** Each restart of an enclave makes a keyset: those that are gone are forgotten when there are many. */
  #forgetGone(): void {
    if (this.#states.size < MOST_STATES) return;
    const { enclaves, admissions } = this.#options;
    const live = new Set(
      enclaves().sessions.flatMap((one) => admissions.map(({ policyId }) => stateKey(one, policyId))),
    );
    for (const key of this.#states.keys()) if (!live.has(key)) this.#states.delete(key);
  }
}

function stateKey(session: EnclaveSession, policyId: Hex): string {
  return `${session.keysetId}/${policyId}`;
}
