/**
 * Whoever reaches an enclave's port without a credential, as a process of its own: `node crowd.ts URL SILENT LOOPS`. Opens SILENT
 * connections that say nothing, and asks for evidence in LOOPS loops without a pause. Says "ready" when all were opened.
 */

import { request } from "node:https";
import { connect } from "node:net";

const [url = "", silent = "0", loops = "0"] = process.argv.slice(2);
const { hostname, port } = new URL(url);

function hold(onOpen: () => void): void {
  const socket = connect({ host: hostname, port: Number(port) });
  socket.once("connect", onOpen);
  socket.on("error", () => undefined);
}

function loop(): void {
  const path = new URL(`/v1/attestation?nonce=0x${"ab".repeat(32)}`, url);
  const call = request(path, { rejectUnauthorized: false, agent: false }, (response) => {
    response.resume();
    response.once("close", loop);
  });
  call.once("error", loop);
  call.end();
}

const opened = Array.from({ length: Number(silent) }, () => new Promise<void>(hold));
for (let count = 0; count < Number(loops); count += 1) loop();
await Promise.all(opened);
process.stdout.write("ready\n");
