import { JsonRpcProvider, NonceManager, Wallet, type Signer } from "ethers";
import { FunctionsClient } from "../../oracle/functions/client.ts";
import type { LoadedToolkit } from "../../oracle/functions/toolkit.ts";
import { ConfigError } from "../../protocol/errors.ts";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../devnet/local-chain.ts";
import { localWallet } from "../../devnet/local-accounts.ts";
import { readInputText } from "../input-file.ts";
import type { FunctionsFile } from "./functions-file.ts";

/** Milliseconds between looks at the chain: a local one, and one whose endpoint counts calls. */
const LOCAL_POLL_MS = 100;
const PUBLIC_POLL_MS = 2_000;

export interface FunctionsConnection {
  readonly client: FunctionsClient;
  readonly provider: JsonRpcProvider;
  readonly signer: Signer;
}

/** @throws {ConfigError} CONFIG_INVALID when the file's key cannot be read */
export function connectFunctions(file: FunctionsFile, loaded: LoadedToolkit): FunctionsConnection {
  const pollMs = file.chainId === LOCAL_CHAIN_ID ? LOCAL_POLL_MS : PUBLIC_POLL_MS;
  const provider = new JsonRpcProvider(file.rpcUrl, file.chainId, {
    staticNetwork: true,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: pollMs,
  });
  const privateKey = readKey(file);
  const { rpcUrl, router, linkToken, donId } = file;
  return {
    client: new FunctionsClient({ loaded, rpcUrl, privateKey, router, linkToken, donId, pollMs }),
    provider,
    signer: new NonceManager(new Wallet(privateKey, provider)),
  };
}

function readKey({ keyFile, chainId }: FunctionsFile): string {
  if (keyFile === null && chainId === LOCAL_CHAIN_ID) return localWallet(LocalAccount.asker).privateKey;
  try {
    const key = readInputText(keyFile ?? "").trim();
    return new Wallet(key).privateKey;
  } catch {
    // The cause is left out: a parser's complaint may quote the key.
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "keyFile must name a file with a private key, 32 bytes of hex",
      details: { keyFile: keyFile ?? "null" },
    });
  }
}
