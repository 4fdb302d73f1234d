/** anvil's well-known accounts as signers. Their keys are public; nothing here may ever hold value. */

import { HDNodeWallet, JsonRpcProvider, NonceManager, Mnemonic, type Signer } from "ethers";
import type { Hex } from "../protocol/bytes.ts";
import { LOCAL_MNEMONIC } from "./local-chain.ts";

/** Milliseconds; ethers' default of four seconds would be most of an answer's latency. */
const POLLING_MS = 100;

export function connectLocally(rpcUrl: string, chainId: bigint): JsonRpcProvider {
  return new JsonRpcProvider(rpcUrl, chainId, {
    staticNetwork: true,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: POLLING_MS,
    // Or each call waits 10 ms for others to come along.
    batchMaxCount: 1,
  });
}

/** @param index of `LocalAccount`, or of the accounts after them, which nothing uses */
export function localWallet(index: number): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(LOCAL_MNEMONIC), `m/44'/60'/0'/0/${index}`);
}

export function localAddress(index: number): Hex {
  return localWallet(index).address.toLowerCase() as Hex;
}

/** Signs with a nonce of its own count, so that several transactions can wait for the same block. */
export function localSigner(provider: JsonRpcProvider, index: number): Signer {
  return new NonceManager(localWallet(index).connect(provider));
}
