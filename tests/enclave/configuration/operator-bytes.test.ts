/** No field of the operator file changes what a provider is sent: each is changed in turn, and the bytes compared. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../../enclave/configuration/operator.ts";
import { callFor, prompt, TEXT, toWire } from "../support/calls.ts";
import { behaviourFile, CREDENTIAL, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess } from "../support/enclave-process.ts";
import { startFixedProvider, type FixedProvider } from "../support/fixed-provider.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";

const MODEL = "provider/model";

let provider: FixedProvider;
let behaviour: BehaviourFile;
beforeAll(async () => {
  provider = await startFixedProvider("hello");
  const file = behaviourFile(provider);
  const [standIn] = Object.values(file.providers);
  behaviour = {
    ...file,
    time: { source: "host-clock-for-testing" },
    providers: { provider: { ...standIn!, models: { model: modelFile("model") } } },
  };
});
afterAll(async () => {
  await provider.stop();
});

/** With every field there is. */
function fullOperator(): OperatorFile {
  const operator = operatorFile();
  const quota = { requestsPerMinute: 600, concurrent: 8 };
  return {
    ...operator,
    listen: { ...operator.listen, names: ["enclave.example"] },
    callers: {
      anonymous: quota,
      keyOwners: quota,
      named: operator.callers.named.map((caller) => ({ ...caller, provisions: true })),
    },
  };
}

type Path = readonly (string | number)[];

function* leaves(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== "object" || value === null) yield path;
  else for (const [key, child] of Object.entries(value)) yield* leaves(child, [...path, key]);
}

function changed(operator: OperatorFile, path: Path): OperatorFile {
  const copy = structuredClone(operator);
  let node = copy as unknown as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) node = node[step] as typeof node;
  const last = path.at(-1)!;
  const value = node[last];
  if (typeof value === "number") node[last] = value + 1;
  else if (typeof value === "boolean") node[last] = !value;
  else if (/^0x/.test(String(value))) node[last] = `0x${"7".repeat(String(value).length - 2)}`;
  else node[last] = `${String(value)}0`;
  return copy;
}

const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
const question = encodePayload({
  type: PayloadType.inference,
  prompt: prompt({ models: [MODEL], format: TEXT }),
});
const answerCall = toWire(callFor(question, { deadline }));
const chatCall = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "hi" }] });

/** What the provider is sent for the same two calls; null where the file is refused, and no call served. */
async function bytesSent(operator: OperatorFile): Promise<readonly (string | null)[] | null> {
  const enclave = await startEnclaveProcess({ behaviour, operator }).catch(() => null);
  if (enclave === null) return null;
  const sent: (string | null)[] = [];
  try {
    for (const [path, body] of [
      ["/v1/answers", answerCall],
      ["/v1/chat/completions", chatCall],
    ] as const) {
      provider.received.length = 0;
      const { status } = await enclave.call("POST", path, body, `Bearer ${CREDENTIAL}`);
      sent.push(status === 200 ? provider.received.join("") : null);
    }
  } finally {
    await enclave.stop();
  }
  return sent;
}

test(
  "each field, changed, leaves the bytes as they are, or no call is served",
  { timeout: 600_000 },
  async () => {
    const operator = fullOperator();
    const before = await bytesSent(operator);
    expect(before).toHaveLength(2);
    expect(before?.every((text) => text?.startsWith("POST /v1/chat/completions ") === true)).toBe(true);
    const paths = [...leaves(operator)].map((path) => path.join("."));
    expect(paths.length).toBeGreaterThan(18);
    const outcomes: Record<string, string> = {};
    for (const path of leaves(operator)) {
      const after = await bytesSent(changed(operator, path));
      const served = after?.map((text, index) =>
        text === null ? "refused" : text === before?.[index] ? "same" : "CHANGED",
      );
      outcomes[path.join(".")] = served?.join(", ") ?? "not started";
    }
    expect(Object.values(outcomes).filter((outcome) => outcome.includes("CHANGED"))).toEqual([]);
    // Most changes do not keep anything from being served: the comparison is not an empty one.
    const same = Object.values(outcomes).filter((outcome) => outcome.includes("same"));
    expect(same.length, JSON.stringify(outcomes, null, 2)).toBeGreaterThan(12);
    expect(outcomes).toMatchObject({
      "public.payee": "same, same",
      "public.coordinators.0.coordinator": "refused, same",
      "callers.named.0.credentialSha256": "refused, refused",
      "callers.named.0.quota.concurrent": "same, same",
      version: "not started",
    });
  },
);
