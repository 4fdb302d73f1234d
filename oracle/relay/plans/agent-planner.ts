/**
 * Runs the due slots of agents' accounts. A slot is asked for once its first block is deep enough, beside everything else; what acts
 * becomes a transaction while its slot lasts, and a run that wants nothing becomes none: it is claimed with the next one that acts.
 *
 * What waits to be claimed is in memory: a restart loses the fees of idle runs, and nothing else. What a slot did is on chain.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { createFolder } from "../../../endorsements/files/create-folder.ts";
import { isIdleRun } from "../../../protocol/agent-grant.ts";
import { AnswerStatus, answerStatusName } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../../protocol/errors.ts";
import type { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { AccountRunCall, toAccountRun, type AccountRun } from "../../../runtime/agents/account-run.ts";
import { findSlotBlocks, type SlotBlocks } from "../../agents/slot-blocks.ts";
import { checkSignedRun, toClaimedRun, toRunReceipt, toSubmittedRun } from "../../agents/signed-run.ts";
import type { ChainContext } from "../../chain-context.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import {
  encodeExecute,
  readGrant,
  readGrantState,
  type ChainCall,
  type GrantedAccount,
  type GrantState,
} from "../../chain/contracts/agent-account.ts";
import { quantity } from "../../chain/rpc/block.ts";
import type { EnclaveClient } from "../../enclaves/enclave-client.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { isSessionFailure } from "../../enclaves/enclave-set.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";

export interface ServedAgent {
  readonly account: Hex;
  readonly grantId: Hex;
  /** File of the granted program. */
  readonly program: string;
  /** Folder for receipts. */
  readonly receipts?: string | undefined;
}

export interface AgentSession extends Pick<EnclaveSession, "url" | "keysetId" | "attestation"> {
  readonly client: Pick<EnclaveClient, "putProgram" | "runForAccount">;
}

export interface AgentPlannerOptions extends Pick<ChainContext, "chainId" | "log" | "now"> {
  readonly rpc: { readonly call: ChainCall };
  readonly agents: readonly ServedAgent[];
  /** Whose account is named as the sender when estimating. */
  readonly from: Hex;
  /** Blocks on top of a slot's first. */
  readonly confirmations: number;
  readonly admitted: (policyId: Hex) => readonly AgentSession[];
  /** Whether a transaction to the account waits to be mined. */
  readonly isSending: (account: Hex) => Promise<boolean>;
  readonly drop: (session: AgentSession, error: unknown) => void;
  /** A run was signed that may act. */
  readonly onSigned: () => void;
}

interface SignedRun {
  readonly run: AccountRun;
  readonly signed: SignedAnswer;
}

interface Watched {
  readonly agent: ServedAgent;
  granted: GrantedAccount | undefined;
  /** The newest slot that was asked for, or needs no asking. */
  askedSlot: bigint;
  isAsking: boolean;
  /** What acts, until its slot is over. */
  acting: SignedRun | undefined;
  /** Oldest first. */
  idle: SignedRun[];
  /** Milliseconds: nothing is tried before this time. */
  restUntil: number;
  failures: number;
}

/** Accounts that are looked at together. */
const AT_ONCE = 16;
const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 60_000;
/** Blocks whose hashes the chain knows (EIP-2935), with room until a transaction is mined. */
const KNOWN_BLOCKS = 8_000n;

export class AgentPlanner {
  readonly #options: AgentPlannerOptions;
  readonly #watched: readonly Watched[];

  constructor(options: AgentPlannerOptions) {
    this.#options = options;
    this.#watched = options.agents.map((agent) => ({
      agent,
      granted: undefined,
      askedSlot: -1n,
      isAsking: false,
      acting: undefined,
      idle: [],
      restUntil: 0,
      failures: 0,
    }));
  }

  /** An account that fails rests, longer each time, and holds up no other. */
  async plan(head: ChainHead): Promise<PlannedTransaction[]> {
    const planned: PlannedTransaction[] = [];
    const waiting = this.#watched.values();
    const work = async (): Promise<void> => {
      for (const watched of waiting) {
        if (this.#options.now() < watched.restUntil) continue;
        try {
          planned.push(...(await this.#planAccount(watched, head)));
        } catch (error) {
          if (!(error instanceof AdytonError)) throw error;
          this.#rest(watched, error as AdytonError);
        }
      }
    };
    // Settlements wait for it: slots of many accounts begin at the same moment.
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return planned;
  }

  async #planAccount(watched: Watched, { latest }: ChainHead): Promise<PlannedTransaction[]> {
    const { agent } = watched;
    const { rpc } = this.#options;
    const granted = (watched.granted ??= await this.#describe(agent));
    const { slotSeconds } = granted.grant;
    const slot = BigInt(latest.timestamp) / slotSeconds;
    if (watched.acting !== undefined && watched.acting.run.run.nonce !== slot) watched.acting = undefined;
    if (watched.acting !== undefined) {
      // The slot may last longer than such a price.
      if (granted.grant.gasPriceCap < (latest.baseFeePerGas ?? 0n)) return [];
      return await this.#planRun(watched, granted, watched.acting);
    }
    if (watched.isAsking || watched.askedSlot >= slot) return [];
    const state = await readGrantState(rpc.call.bind(rpc), agent.account, agent.grantId);
    if (state.isRevoked || slot < state.nextNonce || slot * slotSeconds < state.activeFrom) {
      watched.askedSlot = slot;
      return [];
    }
    const blocks = await findSlotBlocks(rpc.call.bind(rpc), slot * slotSeconds, this.#options.confirmations);
    if (blocks !== null) this.#ask(watched, granted, { slot, blocks });
    return [];
  }

  async #describe({ account, grantId }: ServedAgent): Promise<GrantedAccount> {
    const { rpc } = this.#options;
    const granted = await readGrant(rpc.call.bind(rpc), account, grantId, 0);
    if (granted.grant.slotSeconds !== 0n) return granted;
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the grant is in request mode: a node runs slots",
      details: { account, grantId },
    });
  }

  /** Beside everything else: a program may take minutes. */
  #ask(
    watched: Watched,
    granted: GrantedAccount,
    { slot, blocks }: { readonly slot: bigint; readonly blocks: SlotBlocks },
  ): void {
    const { log, onSigned, chainId } = this.#options;
    const { account, encoded, grant } = granted;
    const session = this.#choose(watched, grant.policyId);
    if (session === undefined) return;
    watched.isAsking = true;
    const call: AccountRunCall = {
      ...{ chainId: BigInt(chainId), account, grant: encoded, nonce: slot, input: "0x" },
      ...blocks,
    };
    this.#run(watched.agent, session, call)
      .then((done) => {
        watched.askedSlot = slot;
        watched.failures = 0;
        const { status } = done.signed.answer;
        log.info("agent.ran", { account, slot: slot.toString(), status: answerStatusName(status) ?? status });
        if (isIdleRun(status, done.signed.output)) {
          watched.idle = newest([...watched.idle, done], grant.maxIdleClaims);
        } else if (status === AnswerStatus.ok) {
          watched.acting = done;
          onSigned();
        }
      })
      .catch((error: unknown) => {
        if (isSessionFailure(error)) this.#options.drop(session, error);
        // An enclave that refuses for good would refuse this slot again.
        if (error instanceof InputError) watched.askedSlot = slot;
        this.#rest(watched, error);
      })
      .finally(() => {
        watched.isAsking = false;
      });
  }

  /** The keyset of the idle runs that wait, where it still serves: they are claimed by the same. */
  #choose({ idle }: Watched, policyId: Hex): AgentSession | undefined {
    const sessions = this.#options.admitted(policyId);
    const before = idle.at(-1)?.signed.answer.keysetId;
    return sessions.find(({ keysetId }) => keysetId === before) ?? sessions[0];
  }

  async #run(agent: ServedAgent, session: AgentSession, call: AccountRunCall): Promise<SignedRun> {
    const { client, attestation } = session;
    // An enclave that restarted has no programs.
    await client.putProgram(await readFile(agent.program));
    const signed = await client.runForAccount(JSON.stringify(z.encode(AccountRunCall, call)));
    const run = toAccountRun(call);
    checkSignedRun(run, signed, attestation.keyset);
    if (agent.receipts !== undefined) {
      createFolder(agent.receipts);
      const receipt = toRunReceipt(run, signed, attestation.keyset);
      await writeFile(join(agent.receipts, `${run.requestId}.json`), receipt);
    }
    return { run, signed };
  }

  async #planRun(
    watched: Watched,
    { account, encoded, grant }: GrantedAccount,
    acting: SignedRun,
  ): Promise<PlannedTransaction[]> {
    const { rpc, isSending, from, log } = this.#options;
    if (await isSending(account)) return [];
    const state = await readGrantState(rpc.call.bind(rpc), account, grant.id);
    watched.idle = watched.idle.filter(({ run }) => run.run.nonce >= state.nextNonce);
    if (acting.run.run.nonce < state.nextNonce) {
      watched.acting = undefined;
      return [];
    }
    const claims = claimable(watched.idle, acting, state, grant.maxIdleClaims);
    const data = encodeExecute(
      encoded,
      toSubmittedRun(acting.run, acting.signed),
      claims.map(({ run, signed }) => toClaimedRun(run, signed)),
    );
    let gas: number;
    try {
      gas = await rpc.call("eth_estimateGas", [{ from, to: account, data }, "pending"], quantity);
    } catch (error) {
      // The account refuses what the program wants: its slot is over, and the next one may want something else.
      watched.acting = undefined;
      log.warn("agent.refused", { account, slot: acting.run.run.nonce.toString(), error });
      return [];
    }
    log.info("agent.run-planned", { account, slot: acting.run.run.nonce.toString(), claims: claims.length });
    // A quarter more: state may change until it is mined.
    const gasLimit = gas + Math.ceil(gas / 4);
    return [{ kind: "other", to: account, data, gasLimit, feeCap: grant.gasPriceCap, requestIds: [] }];
  }

  #rest(watched: Watched, error: unknown): void {
    const { log, now } = this.#options;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(watched.failures, 10));
    watched.failures += 1;
    watched.restUntil = now() + rest;
    log.warn("agent.failed", { account: watched.agent.account, restMs: rest, error });
  }
}

/** Of the same keyset, in order, by blocks that the chain still knows: one that the account refuses would keep the run from acting. */
function claimable(
  idle: readonly SignedRun[],
  acting: SignedRun,
  { nextNonce, lastStateBlock, activeFrom }: GrantState,
  most: number,
): readonly SignedRun[] {
  const head = acting.run.stateBlock.number;
  const claims = idle.filter(
    ({ run, signed }) =>
      signed.answer.keysetId === acting.signed.answer.keysetId &&
      run.run.nonce >= nextNonce &&
      run.run.nonce < acting.run.run.nonce &&
      run.run.requestedAt >= activeFrom &&
      run.stateBlock.number > lastStateBlock &&
      run.stateBlock.number < head &&
      run.stateBlock.number + KNOWN_BLOCKS > head,
  );
  return newest(claims, most);
}

function newest(runs: readonly SignedRun[], most: number): SignedRun[] {
  return most === 0 ? [] : runs.slice(-most);
}
