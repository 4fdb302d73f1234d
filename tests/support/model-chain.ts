/** Models as contracts on a local chain, compiled as a stranger would compile them. */

import { ethers } from "ethers";
import type { SolidityModel } from "../../coprocessor/models/write-solidity.ts";
import { startAnvil, type Anvil } from "../../devnet/anvil.ts";
import { compileSource } from "./compile-source.ts";

/** Asks a model about many inputs in one call. */
const BATCH = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
interface IScored { function score(bytes calldata features) external view returns (int256[] memory); }
contract Batch {
    function all(IScored model, bytes calldata inputs, uint256 width) external view returns (int256[][] memory scores) {
        scores = new int256[][](inputs.length / width);
        for (uint256 i = 0; i < scores.length; ++i) scores[i] = model.score(inputs[i * width:(i + 1) * width]);
    }
}`;

export interface ModelChain {
  readonly provider: ethers.JsonRpcProvider;
  readonly deploy: (source: string, contract: string, args?: readonly unknown[]) => Promise<ethers.Contract>;
  readonly deployModel: (model: SolidityModel) => Promise<ethers.Contract>;
  readonly scoreAll: (
    model: ethers.Contract,
    inputs: readonly (readonly number[])[],
  ) => Promise<readonly (readonly number[])[]>;
  readonly stop: () => Promise<void>;
}

export async function startModelChain(): Promise<ModelChain> {
  const anvil: Anvil = await startAnvil({
    args: ["--gas-limit", "30000000000"],
  });
  const provider = new ethers.JsonRpcProvider(anvil.url, undefined, {
    cacheTimeout: -1,
    pollingInterval: 50,
  });
  const signer = await provider.getSigner(0);
  const send = async (data: string): Promise<string> => {
    const sent = await signer.sendTransaction({ data, gasLimit: 16_000_000n });
    const receipt = await sent.wait();
    if (receipt?.contractAddress == null) throw new Error("not deployed");
    return receipt.contractAddress;
  };
  const deploy: ModelChain["deploy"] = async (source, contract, args = []) => {
    const { abi, bytecode } = compileSource(source, contract);
    const factory = new ethers.ContractFactory(abi, bytecode, signer);
    const deployed = await factory.deploy(...args, { gasLimit: 16_000_000n });
    await deployed.waitForDeployment();
    return new ethers.Contract(await deployed.getAddress(), abi, signer);
  };
  const batch = await deploy(BATCH, "Batch");
  return {
    provider,
    deploy,
    deployModel: async (model) => {
      const addresses: string[] = [];
      for (const data of model.data) addresses.push(await send(data));
      return await deploy(model.source, model.name, [addresses]);
    },
    scoreAll: async (model, inputs) => {
      const scores: (readonly number[])[] = [];
      for (let at = 0; at < inputs.length; at += 1_000) {
        const some = inputs.slice(at, at + 1_000);
        const width = (some[0]?.length ?? 0) * 4;
        const packed = ethers.concat(some.map(packFeatures));
        const all = (await batch.getFunction("all").staticCall(model.target, packed, width, {
          gasLimit: 25_000_000_000n,
        })) as bigint[][];
        scores.push(...all.map((row) => row.map(Number)));
      }
      return scores;
    },
    stop: async () => {
      provider.destroy();
      await anvil.stop();
    },
  };
}

export function packFeatures(features: readonly number[]): string {
  return ethers.solidityPacked(
    features.map(() => "int32"),
    features,
  );
}
