/** Shows a file on the Verify page, served by this process until it is told to end. */

import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { openBrowser } from "./open-browser.ts";
import { requirePage, servePage } from "./page-server.ts";

export interface ShownFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The document's address with the file behind `#`, as web/verify/fragment.ts reads it. */
export function toFragment({ name, bytes }: ShownFile): string {
  const gz = gzipSync(bytes).toString("base64url");
  return `/verify.html#gz=${gz}&name=${encodeURIComponent(name)}`;
}

/** @param said where the address is printed: standard error, where standard output is a program's */
export async function showFile(
  file: ShownFile,
  { signal, said }: { readonly signal: AbortSignal; readonly said: (line: string) => void },
): Promise<void> {
  await using server = await servePage(requirePage(), (_request, response, path) => {
    if (path !== "/file") return false;
    // An address with the whole file in it is too long for a command line.
    response.writeHead(302, { location: toFragment(file), "cache-control": "no-store" }).end();
    return true;
  });
  said(`The page is at ${server.url}/file until Ctrl-C. It takes no policy from here: drop yours on it.`);
  openBrowser(`${server.url}/file`);
  if (signal.aborted) return;
  await once(signal, "abort");
}
