/** The prover's process fails in the ways in which processes fail, and the epoch is proven when it is tried again. */

import { beforeAll, describe, expect, test } from "vitest";
import { solveWitness, proveWitness, type ProvingKey } from "../../coprocessor/prover/prove.ts";
import { ProverError } from "../../protocol/errors.ts";
import { ATTACKED, HONEST } from "./circuit-attacks.ts";
import { proverOptions, provingKey } from "./prover.ts";

const TOO_FEW_MB = 60;

describe("a proof", () => {
  const options = proverOptions(16);
  let key: ProvingKey;
  let witness: Uint8Array;

  beforeAll(async () => {
    key = await provingKey(ATTACKED, options);
    witness = await solveWitness(key.circuit, HONEST["a write that two sign"]?.() ?? {});
  });
  const failure = async (change: Partial<typeof options> & { onStart?: (pid: number) => void }) =>
    await proveWitness(key, witness, { ...options, ...change }).then(
      () => null,
      (error: unknown) => error,
    );

  test("whose process is killed fails for now, and is made when it is tried again", async () => {
    const error = await failure({
      onStart: (pid) => {
        process.kill(pid, "SIGKILL");
      },
    });
    expect(error).toBeInstanceOf(ProverError);
    expect(error).toMatchObject({ retryable: true });
    expect(await proveWitness(key, witness, options)).toMatch(/^0x/);
  });

  test("in too little memory fails for now, and says so", async () => {
    expect(await failure({ memoryMb: TOO_FEW_MB })).toMatchObject({
      code: "PROVER_OUT_OF_MEMORY",
      retryable: true,
    });
  });

  test("without a reference string is not begun", async () => {
    await expect(provingKey(ATTACKED, { ...options, srs: "/nowhere" })).rejects.toMatchObject({
      code: "PROVER_SRS_UNKNOWN",
    });
  });

  test("with a reference string that is too short is not begun, and says how long it must be", async () => {
    const { srs } = proverOptions(14);
    await expect(provingKey(ATTACKED, { ...options, srs })).rejects.toMatchObject({
      code: "PROVER_SRS_TOO_SMALL",
      retryable: false,
      message: expect.stringContaining("srs make-dev FOLDER --gates 15") as string,
    });
  });

  test("is made in a process of its own, whose lines are heard", async () => {
    const pids: number[] = [];
    const heard: string[] = [];
    await proveWitness(key, witness, {
      ...options,
      onStart: (pid) => pids.push(pid),
      onProgress: ({ phase, detail }) => heard.push(`${phase} ${detail ?? ""}`),
    });
    expect(pids).toHaveLength(1);
    expect(pids).not.toContain(process.pid);
    expect(heard[0]).toBe("proof ");
    expect(heard.length).toBeGreaterThan(1);
  });
});
