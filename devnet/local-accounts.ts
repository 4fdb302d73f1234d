/** anvil's well-known accounts as signers. Their keys are public; nothing here may ever hold value. */

import { HDNodeWallet, JsonRpcProvider, NonceManager, Mnemonic, type Signer } from "ethers";
import type { Hex } from "../protocol/bytes.ts";
import { LOCAL_MNEMONIC, type LocalAccount } from "./anvil.ts";

/** Milliseconds; ethers' default of four seconds would be most of an answer's latency. */
const POLLING_MS = 100;

export type LocalAccountIndex = (typeof LocalAccount)[keyof typeof LocalAccount];

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

export function localWallet(index: LocalAccountIndex): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(LOCAL_MNEMONIC), `m/44'/60'/0'/0/${index}`);
}

export function localAddress(index: LocalAccountIndex): Hex {
  return localWallet(index).address.toLowerCase() as Hex;
}

/** Signs with a nonce of its own count, so that several transactions can wait for the same block. */
export function localSigner(provider: JsonRpcProvider, index: LocalAccountIndex): Signer {
  return new NonceManager(localWallet(index).connect(provider));
}
