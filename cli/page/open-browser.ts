/** Opens an address in the reader's browser, where there is one. */

import { spawn } from "node:child_process";

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  // `start` is of the shell, and takes its first quoted argument for a title.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Never fails: whoever has no browser here has the address that was printed. */
export function openBrowser(url: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const opener = spawn(command, [...args, url], { detached: true, stdio: "ignore" });
  opener.on("error", () => {
    process.stderr.write(`adyton: no browser opens here (${command} is missing): open ${url} yourself\n`);
  });
  opener.unref();
}
