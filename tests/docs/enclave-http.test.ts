/** docs/reference/enclave-http.md lists the routes that an enclave has, and no others. */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../devnet/throwaway-authority.ts";
import { agentSettings } from "../enclave/support/agent-network.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../enclave/support/enclave-process.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/reference/enclave-http.md"), "utf8");

interface Route {
  readonly method: string;
  readonly path: string;
}

const documented: readonly Route[] = [...page.matchAll(/^\| `(GET|POST|PUT) (\/[^`?]*)[^`]*`/gm)].map(
  ([, method = "", path = ""]) => ({ method, path }),
);

/** As the code registers them: `router.get("/v1/receipts/:id"`. */
const registered: readonly Route[] = globSync("enclave/{api,openai,agents,upgrades}/*.ts", {
  cwd: root,
}).flatMap((file) =>
  [...readFileSync(join(root, file), "utf8").matchAll(/\.(get|post|put)\(\s*"(\/[^"]+)"/g)].map(
    ([, method = "", path = ""]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/:(\w+)/g, (_, name: string) => `{${name}}`),
    }),
  ),
);

let enclave: EnclaveProcess;
beforeAll(async () => {
  const { certificate } = await createThrowawayAuthority(new Date());
  const behaviour = behaviourFile(
    { url: "https://models.example/v1", certificateAuthority: certificate },
    { time: { source: "host-clock-for-testing" }, agents: agentSettings() },
  );
  const operator = operatorFile();
  operator.callers.named = operator.callers.named.map((caller) => ({ ...caller, provisions: true }));
  enclave = await startEnclaveProcess({ behaviour, operator });
});
afterAll(async () => {
  await enclave.stop();
});

/** Names of parameters are the reader's: those in the code may differ. */
const shape = ({ method, path }: Route): string => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`;

test("each route that the code has is documented", () => {
  expect(registered.length).toBeGreaterThan(12);
  expect([...new Set(registered.map(shape))].sort()).toEqual([...new Set(documented.map(shape))].sort());
});

test("each route that is documented is there, and wants what the page says of callers", async () => {
  const open = new Set(["/v1/health", "/v1/attestation", "/v1/sealed"]);
  for (const route of documented) {
    const path = route.path.replaceAll(/\{\w+\}/g, `0x${"00".repeat(32)}`);
    const body = route.method === "GET" ? undefined : "{}";
    const known = await enclave.call(route.method, path, body, `Bearer ${CREDENTIAL}`);
    expect(known.text, shape(route)).not.toContain("no such route");
    expect(known.status, shape(route)).not.toBe(401);
    const stranger = await enclave.call(route.method, path, body, null);
    if (open.has(route.path)) expect(stranger.status, shape(route)).not.toBe(401);
    else expect(stranger.status, shape(route)).toBe(401);
  }
});
