import type { Host } from "../../agent/agent.d.ts";

export type Source = { readonly source: string; readonly says: string };

/** Characters of each: what a model reads is paid for, and a source that talks long drowns the others. */
const MOST_SHOWN = 4_000;

/** Those that answered, in the order in which they were named. */
export async function readSources(urls: readonly string[], host: Host): Promise<readonly Source[]> {
  const pages = await Promise.all(
    urls.map(async (url): Promise<Source | null> => {
      try {
        const { status, text } = await host.http({ url });
        return status === 200 ? { source: url, says: text.slice(0, MOST_SHOWN) } : null;
      } catch {
        return null;
      }
    }),
  );
  return pages.filter((page) => page !== null);
}
