/** Milliseconds of work in this thread. */

export async function time(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

export async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) times.push(await time(work));
  return times.sort((a, b) => a - b)[count >> 1] ?? Number.NaN;
}
