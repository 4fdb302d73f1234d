/** `adyton oracle peer-key`: the key that a node signs with what it tells other operators' nodes. */

import { generateKeyPairSync } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { readPeerKey } from "../../oracle/peers/message-signature.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";

const OWNER_ONLY = 0o600;

/**
 * Makes the key where there is none yet.
 *
 * @returns its public part, as other operators' configurations name it
 * @throws {InputError} INPUT_INVALID when the file holds something else
 */
export function createPeerKey(file: string): string {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(file, privateKey.export({ format: "pem", type: "pkcs8" }), {
      mode: OWNER_ONLY,
      flag: "wx",
    });
  }
  try {
    return readPeerKey(readInputText(file)).name;
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${file} is there already, and is no Ed25519 key in PEM: nothing was changed`,
      cause,
    });
  }
}
