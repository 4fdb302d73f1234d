/** `adyton oracle check`: everything that a node needs, looked at once, each finding on a line of its own. */

import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { bigQuantity, quantity } from "../../oracle/chain/rpc/block.ts";
import { readRuleId } from "../../oracle/chain/contracts/proven-ledger.ts";
import { readLedgerTerms } from "../../oracle/chain/contracts/snapshot-ledger.ts";
import { readFinalized, readHead } from "../../oracle/chain/chain-reader.ts";
import { readCoordinatorSettings } from "../../oracle/chain/contracts/coordinator.ts";
import { checkDeployment } from "../../oracle/chain/contracts/deployment.ts";
import { readFeedDescription, readIsTrigger } from "../../oracle/chain/contracts/push-feed.ts";
import { RpcEndpoint } from "../../oracle/chain/rpc/rpc-endpoint.ts";
import { callEndpoint, RpcPool } from "../../oracle/chain/rpc/rpc-pool.ts";
import { loadSigner } from "../../oracle/chain/signing/signer.ts";
import type { TransactionSigner } from "../../oracle/chain/signing/transaction-signer.ts";
import { type ChainSection, loadOracleConfig, type OracleConfig } from "../../oracle/config.ts";
import { explain } from "../../oracle/explain.ts";
import { readAdminToken, readAppraisalPolicy, readConsoleToken } from "../../oracle/configured-files.ts";
import { connectEnclave } from "../../oracle/enclaves/enclave-session.ts";
import { createEvidenceVerifier } from "../../client/evidence-verifier.ts";
import { readSecret } from "../../oracle/enclaves/provisioning.ts";
import { createLogger } from "../../oracle/log.ts";
import { checkArchive, openArchive } from "../../oracle/keeping/open-archive.ts";
import { checkStore } from "../../oracle/store/check-store.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, ChainError, ConfigError, InputError, UpstreamError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { asTyped } from "../invocation.ts";

const NO_ADMISSIONS = "and no admissions are configured: nothing is answered on this chain";

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const now = (): number => Date.now();
const silent = createLogger({ level: "error", write: () => undefined, now });
/** Seconds that a block may be ahead of this machine's clock: block times are not exact either. */
const MAX_AHEAD_SECONDS = 60;

export async function checkNode(file: string, json: boolean): Promise<ExitCode> {
  const findings = await inspectNode(file);
  const ok = findings.every((finding) => finding.ok);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok, checks: findings })}\n`);
  } else {
    for (const finding of findings) {
      process.stdout.write(
        asTyped(`${finding.ok ? "ok    " : "FAILED"}  ${finding.name}: ${finding.detail}\n`),
      );
    }
  }
  return ok ? ExitCode.ok : ExitCode.notGenuine;
}

/** The checks in their order; a fault of the configuration ends them. */
export async function inspectNode(file: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const check = async <T>(
    name: string,
    look: () => Promise<readonly [T, string]>,
  ): Promise<T | undefined> => {
    try {
      const [value, detail] = await look();
      findings.push({ name, ok: true, detail });
      return value;
    } catch (error) {
      findings.push({ name, ok: false, detail: explainFailure(error) });
      return undefined;
    }
  };
  const config = await check("configuration", async () => [await loadOracleConfig(file), file] as const);
  if (config === undefined) return findings;
  await check("store", async () => [undefined, await checkStore(config.store)] as const);
  const { retention } = config;
  if (retention !== undefined) {
    await check("archive", async () => {
      const archive = openArchive(retention.archive);
      await checkArchive(archive);
      return [undefined, `${archive.place}, after ${retention.days} days`] as const;
    });
  }
  const signers: TransactionSigner[] = [];
  for (const key of config.transmitterKeys) {
    const signer = await check("transmitter key", async () => {
      const loaded = await loadSigner(key);
      await loaded.check();
      return [loaded, loaded.address] as const;
    });
    if (signer !== undefined) signers.push(signer);
  }
  if (config.http.adminTokenFile !== undefined) {
    await check("admin token", () =>
      Promise.resolve().then(() => [readAdminToken(config), config.http.adminTokenFile ?? ""] as const),
    );
  }
  if (config.console !== undefined) {
    const { tokenFile } = config.console;
    await check("console token", () =>
      Promise.resolve().then(() => [readConsoleToken(config), tokenFile] as const),
    );
  }
  for (const chain of config.chains) {
    for (const url of chain.rpcUrls) {
      const endpoint = endpointOf(url, chain);
      await check(`chain ${chain.chainId}: RPC ${endpoint.name}`, () => checkEndpoint(endpoint, chain));
      endpoint.close();
    }
    const rpc = poolOf(chain);
    await check(`chain ${chain.chainId}: coordinator`, async () => {
      const { fallbackWindowSeconds } = await readCoordinatorSettings(rpc, chain.coordinator);
      return [undefined, `${chain.coordinator}, fallback window ${fallbackWindowSeconds} s`] as const;
    });
    await check(`chain ${chain.chainId}: registry`, async () => {
      await checkDeployment(rpc, chain);
      const policies = chain.admissions.map(({ policyId }) => policyId).join(", ");
      return [
        undefined,
        `${chain.registry}, ${policies === "" ? NO_ADMISSIONS : `policy ${policies}`}`,
      ] as const;
    });
    for (const { address: feed } of chain.feeds)
      await check(`chain ${chain.chainId}: feed ${feed}`, () => checkFeed(rpc, chain, feed, signers));
    for (const { address: ledger } of chain.ledgers) {
      await check(`chain ${chain.chainId}: ledger ${ledger}`, async () => {
        const { policyId, threshold } = await readLedgerTerms(rpc, ledger);
        return [undefined, `policy ${policyId}, ${threshold} enclaves of this node`] as const;
      });
    }
    for (const { address: ledger } of chain.provenLedgers) {
      await check(`chain ${chain.chainId}: proven ledger ${ledger}`, async () => [
        undefined,
        `rule ${await readRuleId(rpc, ledger)}`,
      ]);
    }
    for (const { address } of signers) {
      await check(`chain ${chain.chainId}: funds of ${address}`, () =>
        checkFunds(rpc, address, chain.lowFundsWei),
      );
    }
    rpc.close();
  }
  await checkEnclaves(config, check);
  return findings;
}

/** A file or folder that the operating system refuses is the operator's to mend as well. */
function explainFailure(error: unknown): string {
  if (error instanceof AdytonError) {
    const { code } = error as AdytonError;
    return `${explain(error as AdytonError)} [${code}]`;
  }
  if (error instanceof Error && "syscall" in error) return `${error.message} [CONFIG_INVALID]`;
  throw error;
}

function poolOf(chain: ChainSection): RpcPool {
  const endpoints = chain.rpcUrls.map((url) => endpointOf(url, chain));
  return new RpcPool({ endpoints, log: silent, now });
}

function endpointOf(url: string, { rpcTimeoutMs }: ChainSection): RpcEndpoint {
  return new RpcEndpoint({ url, timeoutMs: rpcTimeoutMs, log: silent, now });
}

async function checkEndpoint(
  endpoint: RpcEndpoint,
  chain: ChainSection,
): Promise<readonly [undefined, string]> {
  const chainId = await callEndpoint(endpoint, { method: "eth_chainId", params: [] }, quantity);
  if (chainId !== chain.chainId)
    throw new ConfigError({ code: "CONFIG_INVALID", message: `it serves chain ${chainId}` });
  const { number, timestamp } = await readHead(endpoint);
  const age = Math.floor(now() / 1_000) - timestamp;
  if (age < -MAX_AHEAD_SECONDS) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `its block ${number} is ${-age} s ahead of this machine's clock: set the clock`,
    });
  }
  if (chain.confirmations === "finalized" && (await readFinalized(endpoint)) === undefined) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message:
        'it knows no finalized block, so no request would ever be taken up: set "confirmations" to a number',
    });
  }
  return [undefined, `block ${number}, ${Math.max(0, age)} s old`];
}

async function checkFeed(
  rpc: RpcPool,
  chain: ChainSection,
  feed: Hex,
  signers: readonly TransactionSigner[],
): Promise<readonly [undefined, string]> {
  const { coordinator, event, periodSeconds } = await readFeedDescription(rpc, feed);
  if (coordinator !== chain.coordinator)
    throw new ConfigError({ code: "CONFIG_INVALID", message: `it asks the coordinator ${coordinator}` });
  if (event !== undefined) {
    for (const { address } of signers) {
      if (!(await readIsTrigger(rpc, feed, address))) {
        throw new ConfigError({
          code: "CONFIG_INVALID",
          message: `it does not list ${address} as a trigger: its owner calls setTrigger`,
        });
      }
    }
  }
  const schedule = periodSeconds === 0 ? "no schedule" : `a round every ${periodSeconds} s`;
  return [undefined, `${schedule}${event === undefined ? "" : `, and on an event of ${event.emitter}`}`];
}

async function checkFunds(
  rpc: RpcPool,
  address: string,
  floor: bigint,
): Promise<readonly [undefined, string]> {
  const balance = await rpc.call("eth_getBalance", [address, "latest"], bigQuantity);
  if (balance < floor) {
    throw new ChainError({
      code: "CHAIN_FUNDS_LOW",
      message: `${balance} wei, below lowFundsEther (${floor} wei): send ether to this address`,
    });
  }
  return [undefined, `${balance} wei`];
}

/** The enclave is there, and answers: it is our own configuration that it refuses. */
function refuseToken(error: unknown): never {
  if (error instanceof UpstreamError && error.details["enclaveCode"] === "INPUT_UNAUTHORIZED") {
    throw new InputError({
      code: "INPUT_UNAUTHORIZED",
      message: "the enclave does not know this callerToken: its operator file lists the SHA-256 of each",
      cause: error,
    });
  }
  throw error;
}

type Check = <T>(name: string, look: () => Promise<readonly [T, string]>) => Promise<T | undefined>;

async function checkEnclaves(config: OracleConfig, check: Check): Promise<void> {
  const policy = await check("appraisal policy", () =>
    // In a promise, so that what it throws is a finding.
    Promise.resolve().then(() => [readAppraisalPolicy(config), config.appraisalPolicy] as const),
  );
  if (policy === undefined) return;
  const verifier = createEvidenceVerifier({ policy, endorsements: createVendorSource(), now });
  for (const address of config.enclaves) {
    for (const secret of address.secrets) {
      await check(`secret ${secret.name}`, async () => {
        await readSecret(secret);
        return [undefined, `${secret.file}; brought to the enclave by the running node`] as const;
      });
    }
    await check(`enclave ${new URL(address.url).host}`, async () => {
      const session = await connectEnclave(address, verifier, {
        answerTimeoutMs: config.answerTimeoutMs,
        maxSockets: 1,
      });
      try {
        // Evidence is shown to anybody; this is not.
        await session.client.models().catch(refuseToken);
      } finally {
        session.client.close();
      }
      return [undefined, `evidence accepted, caller token too, keyset ${session.keysetId}`] as const;
    });
  }
}
