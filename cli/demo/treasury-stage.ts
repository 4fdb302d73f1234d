/** The treasury of examples/treasury-guard on a local network: a pool, a loan, an account with money and a grant, and the guard's project. */

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AbiCoder, id, MaxUint256 } from "ethers";
import {
  AgentAccount__factory,
  TreasuryPool__factory,
  TreasuryToken__factory,
} from "../../contracts/bindings/factories/index.ts";
import type { AgentAccount } from "../../contracts/bindings/index.ts";
import { localWallet } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { NOTICES_PATH } from "../../devnet/stand-in-pages.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { buildProgram } from "../agent/build-program.ts";
import { readProject } from "../agent/project.ts";
import { packageRoot } from "../package-root.ts";

export const UNIT = 10n ** 18n;
export const DEBT = 1_000n * UNIT;
/** What the grant lets a repayment, and a window, be at most. */
export const MOST = 500n * UNIT;
export const RUN_FEE = 10n ** 15n;
/** Seconds. */
export const SLOT = 50n;

export interface TreasuryStage {
  readonly account: AgentAccount;
  /** Moves the price, and names the newest notice. */
  readonly setPosition: (collateral: bigint, notice: number) => Promise<void>;
  readonly debt: () => Promise<bigint>;
  /** Of the account, in tokens. */
  readonly balance: () => Promise<bigint>;
  readonly grantId: Hex;
  readonly project: string;
  /** Brings the chain to the beginning of its next slot. */
  readonly nextSlot: () => Promise<void>;
}

/** @param network one with sources */
export async function stageTreasury(network: LocalNetwork, folder: string): Promise<TreasuryStage> {
  const { provider, deployment } = network;
  // Counts no nonces by itself: `adyton agent act` sends from the same account.
  const owner = localWallet(LocalAccount.asker).connect(provider);
  const account = await new AgentAccount__factory(owner).deploy(
    deployment.enclaveRegistry,
    await owner.getAddress(),
    0,
  );
  const address = await account.getAddress();
  const token = await new TreasuryToken__factory(owner).deploy(address, DEBT);
  const pool = await new TreasuryPool__factory(owner).deploy(await token.getAddress(), DEBT, 2n * DEBT);
  await pool.waitForDeployment();
  const project = join(folder, "treasury-guard");
  const names = { pool: await pool.getAddress(), token: await token.getAddress(), account: address };
  writeProject(project, network, names);
  const { program } = await buildProgram(readProject(project));
  const grant = grantFor({ ...names, programHash: program.hash, policyId: deployment.policyId });
  const approve = token.interface.encodeFunctionData("approve", [names.pool, MaxUint256]);
  for (const sent of [
    await owner.sendTransaction({ to: address, value: UNIT }),
    await account.callAsOwner({ target: names.token, value: 0n, data: approve }),
    await account.propose(grant),
  ])
    await sent.wait();
  const type = account.interface.getFunction("propose").inputs[0];
  const grantId = keccak(fromHex(AbiCoder.defaultAbiCoder().encode([type ?? ""], [grant])));
  return {
    account,
    setPosition: async (collateral, notice) => {
      await (await pool.set(collateral, notice)).wait();
    },
    debt: async () => await pool.debt(),
    balance: async () => await token.balanceOf(address),
    grantId,
    project,
    nextSlot: async () => {
      const now = BigInt((await provider.getBlock("latest"))?.timestamp ?? 0);
      await provider.send("evm_increaseTime", [Number(SLOT - (now % SLOT))]);
      await provider.send("evm_mine", []);
    },
  };
}

function writeProject(
  folder: string,
  { sourcesOrigin, model }: LocalNetwork,
  names: { readonly pool: string; readonly token: string; readonly account: string },
): void {
  cpSync(join(packageRoot(), "examples", "treasury-guard"), folder, { recursive: true });
  const origin = sourcesOrigin ?? "";
  const lower = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, value.toLowerCase()]));
  const settings = { rpc: `${origin}/rpc`, ...lower, notices: `${origin}${NOTICES_PATH}` };
  writeFileSync(
    join(folder, "src/settings.ts"),
    `export const settings = ${JSON.stringify(settings)} as const;\n`,
  );
  const project = JSON.parse(readFileSync(join(folder, "agent.json"), "utf8")) as { manifest: object };
  const http = [
    { origin, methods: ["POST"], pathPrefix: "/rpc" },
    { origin, methods: ["GET"], pathPrefix: NOTICES_PATH },
  ];
  const manifest = { ...project.manifest, models: [model.models[0]], http };
  writeFileSync(join(folder, "agent.json"), JSON.stringify({ ...project, manifest }));
}

const word = (value: bigint | string): string => `0x${BigInt(value).toString(16).padStart(64, "0")}`;

function grantFor({
  pool,
  token,
  account,
  programHash,
  policyId,
}: Readonly<Record<"pool" | "token" | "account" | "programHash" | "policyId", string>>) {
  const selector = (signature: string): string => id(signature).slice(0, 10);
  const atMost = { word: 0, rule: 1, values: [word(MOST)] };
  return {
    ...{ programHash, policyId, validUntil: 2n ** 40n - 1n, slotSeconds: SLOT, lifetimeSeconds: 0n },
    ...{ windowSeconds: 86_400n, maxCalls: 2n, maxIdleClaims: 144n, followsPolicy: false },
    ...{ fee: RUN_FEE, gasPriceCap: 10n ** 11n, valuePerWindow: UNIT / 2n, callers: [] },
    permissions: [
      { target: pool, selector: selector("repay(uint256)"), minGas: 100_000n, limits: [atMost] },
      {
        target: pool,
        selector: selector("swap(uint256,address)"),
        minGas: 100_000n,
        // What a swap brings goes to the account, and to nobody else.
        limits: [atMost, { word: 1, rule: 0, values: [word(account)] }],
      },
    ],
    tokens: [{ token, perWindow: MOST }],
  };
}
