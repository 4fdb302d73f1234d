/** Every statement that this keyset's answer key has signed, in order, for as long as the keyset lives. */

import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import {
  encodeConsistencyProof,
  encodeInclusionProof,
  signCheckpoint,
  statementLeaf,
} from "../../protocol/receipt-log.ts";
import type { Identity } from "../identity/identity.ts";
import { HashList } from "./hash-list.ts";
import { MerkleLog } from "./merkle-log.ts";

/** Statements whose place is known by their requestId: those whose leaves are kept. 32 bytes each. */
const KEPT_IDS = 131_072;

/** The part of an identity that a log has. */
export interface LogIdentity extends Pick<Identity, "keysetId"> {
  readonly keys: Pick<Identity["keys"], "log">;
}

export class StatementLog {
  readonly #identity: LogIdentity;
  readonly #tree = new MerkleLog();
  readonly #ids = new HashList();

  constructor(identity: LogIdentity) {
    this.#identity = identity;
  }

  /** Before the signature leaves: nothing is signed that is not in the log. */
  append(requestId: Hex, digest: Hex): void {
    this.#tree.append(statementLeaf(digest));
    this.#ids.push(fromHex(requestId, 32));
    this.#ids.dropBefore(this.#ids.length - KEPT_IDS);
  }

  /** A C2SP checkpoint. @param size of the tree, now or earlier @throws {InputError} for a size that it never had */
  checkpoint(size = this.#tree.size): string {
    const { keysetId, keys } = this.#identity;
    return signCheckpoint(keysetId, { size, root: this.#tree.root(size) }, keys.log);
  }

  /**
   * A C2SP proof that the statement about `requestId` is in the log.
   *
   * @throws {InputError} INPUT_NOT_FOUND for one that was not signed here, or is older than what is kept
   */
  inclusion(requestId: Hex): string {
    const index = this.#ids.lastIndexOf(fromHex(requestId, 32));
    if (index === null)
      throw new InputError({ code: "INPUT_NOT_FOUND", message: "the log keeps no statement with this id" });
    return encodeInclusionProof(index, this.#tree.inclusionProof(index), this.checkpoint());
  }

  /** A C2SP checkpoint of size `to`, and the proof that it continues the one of size `from`. @throws {InputError} */
  consistency(from: number, to = this.#tree.size): string {
    return encodeConsistencyProof(from, this.#tree.consistencyProof(from, to), this.checkpoint(to));
  }
}
