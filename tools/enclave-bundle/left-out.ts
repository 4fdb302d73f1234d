/**
 * The parts of its packages that the enclave's bundle leaves out: parts of express that no route of ours can reach. Whatever is left
 * out refuses: should one be reached after all, the call fails, and nothing else happens in its place.
 * tests/enclave/bundle.test.ts walks every route of the bundle.
 */

import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

/** Refuses when it is called, and so does everything in it. */
const refusing = (name: string): string => `
function leftOut() { throw new Error(${JSON.stringify(`${name} is left out of the enclave`)}); }
module.exports = new Proxy(leftOut, {
  get: (target, key) => (typeof key === "symbol" || key === "__esModule" || key in target ? target[key] : leftOut),
});`;

/** Package → what stands in its place, and why nobody misses it. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  // Bodies are read by enclave/api/request-body.ts. It would bring every character set that there is.
  "body-parser": refusing("body-parser"),
  // The query parser is "simple", which is Node's own.
  qs: refusing("qs"),
  // No file is sent, no cookie set, no attachment made, no entity tagged, no range served.
  "serve-static": refusing("serve-static"),
  send: refusing("send"),
  cookie: refusing("cookie"),
  "cookie-signature": refusing("cookie-signature"),
  "content-disposition": refusing("content-disposition"),
  etag: refusing("etag"),
  "range-parser": refusing("range-parser"),
  // `request.is`, `response.format` and `app.listen`, which are not used.
  "type-is": refusing("type-is"),
  "http-errors": refusing("http-errors"),
  once: refusing("once"),
  // No proxy is trusted: what it compiles of an empty list is this.
  "proxy-addr": "exports.compile = () => () => false;",
  // Silent without the variable DEBUG, and the environment is wiped.
  debug: "const silent = () => {}; silent.enabled = false; module.exports = () => silent;",
  // Warns developers on stderr of functions that will go.
  depd: "const silent = () => {}; silent.function = (f) => f; silent.property = () => {}; module.exports = () => silent;",
};

/** Media types that the enclave sends or is asked for; the database knows two thousand more. */
const MEDIA_TYPES = ["application/json", "application/octet-stream", "text/html", "text/plain"];

/** Exact names of packages, not of files in them. */
const names = new RegExp(`^(?:${Object.keys(LEFT_OUT).join("|")})$`);

export const leaveOut: Plugin = {
  name: "leave-out",
  setup(bundler) {
    bundler.onResolve({ filter: names }, ({ path }) => ({ path, namespace: "left-out" }));
    bundler.onLoad({ filter: /./, namespace: "left-out" }, ({ path }) => ({
      contents: LEFT_OUT[path] ?? "",
      loader: "js",
    }));
    bundler.onLoad({ filter: /[/\\]mime-db[/\\]db\.json$/ }, ({ path }) => {
      const all = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
      const kept = MEDIA_TYPES.map((type) => {
        if (all[type] === undefined) throw new Error(`no such media type: ${type}`);
        return [type, all[type]];
      });
      return { contents: JSON.stringify(Object.fromEntries(kept)), loader: "json" };
    });
    // Zod speaks forty languages; the enclave's errors are in one. The others would be a third of what is measured.
    bundler.onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};
