/** The built page's files, and the headers that keep each of them to itself: a node serves them, and so do commands on their own. */

import { existsSync } from "node:fs";
import { join } from "node:path";

/** Scripts, styles and fonts of this server and no other; the documents say it again for file servers that send no header. */
const COMMON_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; worker-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The document at the root. */
export const LISTING = "index.html";

/** Documents that may ask the server they came from: what judges, and its worker, can connect to nobody. */
const ASKING: ReadonlySet<string> = new Set([LISTING, "local.html", "console.html"]);

export const PAGE_FILE = /^\/(?:(?:[a-z-]+\.html)|page\.json|assets\/[A-Za-z0-9._-]+)?$/;

/** Where the page is: beside the built code in the package, in `dist` of a checkout. */
export function findPageFolder(): string | null {
  const root = join(import.meta.dirname, "../..");
  return (
    [join(root, "web"), join(root, "dist/web")].find((folder) => existsSync(join(folder, "page.json"))) ??
    null
  );
}

export function pageHeaders(name: string): Readonly<Record<string, string>> {
  const connect = ASKING.has(name) ? "'self'" : "'none'";
  return {
    "content-security-policy": `${COMMON_POLICY}; connect-src ${connect}`,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    // The names of assets hold a hash of their content.
    "cache-control": name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  };
}
