import { Wallet } from "ethers";
import { readFile } from "node:fs/promises";
import { fromHex, type Hex, isHex, toHex } from "../../../protocol/bytes.ts";
import { ConfigError } from "../../../protocol/errors.ts";
import { RemoteSigner, type RemoteSignerConfig } from "./remote-signer.ts";
import { signRecoverably } from "./secp256k1.ts";
import type { TransactionSigner } from "./transaction-signer.ts";
import { signTransaction } from "./transaction-bytes.ts";

type KeyFileConfig =
  | { readonly kind: "keystore"; readonly file: string; readonly passwordFile: string }
  | { readonly kind: "raw"; readonly file: string };

export type TransmitterKeyConfig = KeyFileConfig | ({ readonly kind: "remote" } & RemoteSignerConfig);

/**
 * The key from its file: an ethers (web3 secret storage) keystore, or for development 32 bytes of hex; or the one that a
 * remote signer keeps, which need not be up yet.
 *
 * @throws {ConfigError} CONFIG_INVALID when a file cannot be read, holds no key, or the password is wrong
 */
export async function loadSigner(config: TransmitterKeyConfig): Promise<TransactionSigner> {
  if (config.kind === "remote") return new RemoteSigner(config);
  try {
    return fromWallet(await loadWallet(config));
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "the transmitter key cannot be loaded: check the file, its form and the password file",
      details: { file: config.file, kind: config.kind },
      // A parser's complaint may quote the key: only its kind is told.
      cause: cause instanceof Error ? new Error(kindOf(cause)) : undefined,
    });
  }
}

function kindOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

async function loadWallet(config: KeyFileConfig): Promise<Pick<Wallet, "address" | "privateKey">> {
  const text = await readFile(config.file, "utf8");
  if (config.kind === "raw") return new Wallet(toHex(fromHex(text.trim().toLowerCase(), 32)));
  const password = (await readFile(config.passwordFile, "utf8")).replace(/\r?\n$/, "");
  return Wallet.fromEncryptedJson(text, password);
}

function fromWallet(wallet: Pick<Wallet, "address" | "privateKey">): TransactionSigner {
  const privateKey = fromHex(wallet.privateKey, 32);
  return {
    address: lowerHex(wallet.address),
    check: () => Promise.resolve(),
    sign: (transaction) =>
      Promise.resolve(signTransaction(transaction, (digest) => signRecoverably(digest, privateKey))),
  };
}

function lowerHex(text: string): Hex {
  const lower = text.toLowerCase();
  if (!isHex(lower)) throw new TypeError("expected hex");
  return lower;
}
