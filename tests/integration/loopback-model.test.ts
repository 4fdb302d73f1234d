/** `ADYTON_MODEL_URL` on this machine's loopback, in plain HTTP, as README promises: it starts and answers. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { wallClock } from "../../cli/clock.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import { startNetwork } from "../../devnet/start.ts";
import { runAdyton } from "../support/adyton-command.ts";

test("a model over http on the loopback answers a contract", { timeout: 300_000 }, async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        id: "local-1",
        object: "chat.completion",
        model: "llama",
        choices: [
          { index: 0, finish_reason: "stop", message: { role: "assistant", content: "Yes, it is." } },
        ],
        usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(join(tmpdir(), "adyton-loopback-"));
  const network = await startNetwork({
    environment: {
      keys: {},
      provider: null,
      modelUrl: `http://localhost:${(server.address() as AddressInfo).port}/v1`,
      modelName: "llama",
      modelCaFile: null,
    },
    folder: join(folder, "network"),
    now: wallClock,
    signal: new AbortController().signal,
    onStep: () => undefined,
  });
  onTestFinished(async () => {
    await network.stop();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, "network.json");
  writeNetworkFile(file, network.file);
  const { code, stdout } = await runAdyton(["ask", "Is water wet?", "--network", file, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ status: "ok", answer: "Yes, it is.", delivered: true });
  expect(code).toBe(0);
  expect(asked).toContain("/v1/chat/completions");
});
