/** Operators that share nothing but the chain, a policy, and a list of each other's nodes. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createPeerKey } from "../../../cli/oracle/create-peer-key.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { freePort } from "../../chaos/free-port.ts";
import type { OracleProcess } from "../../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../../oracle/support/stand-in-enclave.ts";
import { TRANSMITTER_KEYS, until } from "../../oracle/support/test-chain.ts";
import type { Testbed } from "../../integration/support/testbed.ts";

/** Of anvil's next accounts, as its documentation tells them. */
const KEYS: readonly Hex[] = [
  ...TRANSMITTER_KEYS,
  "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/** Long enough for a busy machine to commit, short enough to wait for. */
export const TURN_SECONDS = 5;

export interface Operator {
  readonly name: string;
  readonly enclave: StandInEnclave;
  readonly url: string;
  readonly keyFile: string;
  readonly node: () => OracleProcess;
  readonly isDown: () => boolean;
  /** Starts its node, or starts it again. */
  start(): Promise<void>;
  /** As a power cut does. */
  kill(): Promise<void>;
}

export async function createOperators(bed: Testbed, names: readonly string[]): Promise<Operator[]> {
  const drafts = await Promise.all(
    names.map(async (name, index) => {
      const folder = join(bed.directory, name);
      mkdirSync(folder, { recursive: true });
      const keyFile = join(folder, "peer.key");
      return { name, index, keyFile, key: createPeerKey(keyFile), port: await freePort() };
    }),
  );
  return drafts.map(({ name, index, keyFile, key, port }) => {
    const enclave = bed.enclaves[index];
    const transmitter = KEYS[index];
    if (enclave === undefined || transmitter === undefined) throw new RangeError("no enclave, or no account");
    const peers = drafts
      .filter((draft) => draft.key !== key)
      .map((draft) => ({ name: draft.name, key: draft.key, url: `http://127.0.0.1:${draft.port}` }));
    let running: OracleProcess | undefined;
    const node = (): OracleProcess => {
      if (running === undefined) throw new Error(`the node of ${name} is down`);
      return running;
    };
    return {
      isDown: () => running === undefined,
      ...{ name, enclave, keyFile, node, url: `http://127.0.0.1:${port}` },
      start: async () => {
        running = await bed.startNode({
          name,
          enclaves: [enclave],
          keys: [transmitter],
          chainChange: { turnSeconds: TURN_SECONDS, settleSeconds: 5 },
          change: { http: { host: "127.0.0.1", port }, operators: { keyFile, spares: 1, peers } },
        });
        await until(`${name} to be ready`, isReady(node().url), 240_000);
      },
      kill: async () => {
        await node().stop("SIGKILL");
        running = undefined;
      },
    };
  });
}

function isReady(url: string): () => Promise<true | undefined> {
  return async () => {
    const response = await fetch(`${url}/v1/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  };
}
