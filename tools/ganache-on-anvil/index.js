/**
 * What @chainlink/functions-toolkit 0.3.2 asks of ganache (its dist/localFunctionsTestnet.js), given by anvil: a workspace of
 * this name takes the place of 170 MB that nothing else needs (docs/adr/0005-functions-toolkit.md).
 */
import { spawn } from "node:child_process";

/** anvil's first account: its key is public, its ether worthless. */
const ACCOUNT = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const SECRET_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** @param options `attach`: a chain is there already; `anvilArgs`: further arguments for one of our own. */
function server(options = {}) {
  let child;
  return {
    provider: { getInitialAccounts: () => ({ [ACCOUNT]: { secretKey: SECRET_KEY } }) },
    listen(port, _host, done) {
      if (options.attach === true) {
        done(null);
        return;
      }
      child = spawn("anvil", ["--port", String(port), "--host", "127.0.0.1", ...(options.anvilArgs ?? [])]);
      child.once("error", done);
      child.stdout.on("data", (text) => {
        if (String(text).includes("Listening on")) done(null);
      });
    },
    close() {
      return new Promise((resolve) => {
        if (child === undefined || child.exitCode !== null) {
          resolve();
          return;
        }
        child.once("exit", resolve);
        child.kill();
      });
    },
  };
}

export default { server };
