import { expect, test } from "vitest";
import { keepCertificate } from "../../../enclave/identity/keep-certificate.ts";

const DAY_MS = 86_400_000;

/** Runs until `rounds` pauses are over. */
async function keep(
  outcomes: readonly ("renewed" | "failed")[],
): Promise<{ waits: number[]; said: string[] }> {
  const waits: number[] = [];
  const said: string[] = [];
  const left = [...outcomes];
  await keepCertificate({
    lifetimeMs: DAY_MS,
    renew: () => (left.shift() === "failed" ? Promise.reject(new Error("no report")) : Promise.resolve()),
    pause: (ms) => {
      waits.push(ms);
      return left.length === 0 ? Promise.reject(new Error("stopping")) : Promise.resolve();
    },
    say: ({ event }) => said.push(String(event)),
  });
  return { waits, said };
}

test("a certificate is renewed at half of its life", async () => {
  expect(await keep(["renewed", "renewed"])).toEqual({
    waits: [DAY_MS / 2, DAY_MS / 2, DAY_MS / 2],
    said: [],
  });
});

test("a renewal that fails is told and tried again, ever less often, and ends nothing", async () => {
  const { waits, said } = await keep(["failed", "failed", "renewed", "renewed"]);
  expect(waits).toEqual([DAY_MS / 2, 10_000, 20_000, DAY_MS / 2, DAY_MS / 2]);
  expect(said).toEqual(["certificate not renewed", "certificate not renewed", "certificate renewed"]);
  const endless = await keep(Array.from({ length: 12 }, () => "failed" as const));
  expect(endless.waits.at(-1)).toBe(600_000);
});
