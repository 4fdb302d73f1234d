/** The prover on this machine: where what it makes is kept, and what it uses, as the system counts it. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeDevelopmentSrs } from "../../coprocessor/prover/srs.ts";

export const CACHE = join(import.meta.dirname, "../../cache");
const TICKS_PER_SECOND = 100;
const POLL_MS = 50;

export function developmentSrs(log2Gates: number): string {
  const srs = join(CACHE, `development-srs-${log2Gates}`);
  if (!existsSync(join(srs, "bn254_g1.dat"))) makeDevelopmentSrs(srs, log2Gates);
  return srs;
}

export interface Usage {
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/** Of a process on Linux, from /proc, until it is gone. */
export function watchUsage(): { readonly start: (pid: number) => void; readonly stop: () => Usage } {
  let timer: NodeJS.Timeout | undefined;
  let usage: Usage = { cpuSeconds: 0, peakMb: 0 };
  const read = (pid: number): void => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      // User and system time: fields 14 and 15 of proc_pid_stat(5).
      const ticks = Number(fields[11]) + Number(fields[12]);
      if (peak === undefined) return;
      usage = { cpuSeconds: ticks / TICKS_PER_SECOND, peakMb: Math.round(Number(peak) / 1024) };
    } catch {
      clearInterval(timer);
    }
  };
  return {
    start: (pid) => {
      timer = setInterval(() => {
        read(pid);
      }, POLL_MS);
    },
    stop: () => {
      clearInterval(timer);
      return usage;
    },
  };
}
