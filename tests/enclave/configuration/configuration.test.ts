import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { configurationSchemas } from "../../../tools/write-configuration-schemas.ts";
import { codeOf } from "../../support/code-of.ts";
import { behaviourFile, modelFile, operatorFile } from "../support/configuration.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const behaviour = behaviourFile({ url: "https://model.example/v1", certificateAuthority: PEM });
const operator = operatorFile();
const read = (behaviourJson: unknown, operatorJson: unknown = operator) =>
  readConfiguration(toUtf8(JSON.stringify(behaviourJson)), toUtf8(JSON.stringify(operatorJson)));

/** Every place in a JSON value that holds something other than an object or a list. */
function* leaves(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (typeof value !== "object" || value === null) yield path;
  else for (const [key, child] of Object.entries(value)) yield* leaves(child, [...path, key]);
}

function changed(file: unknown, path: readonly (string | number)[]): unknown {
  const copy = structuredClone(file);
  let node = copy as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) node = node[step] as typeof node;
  const last = path.at(-1)!;
  const value = node[last];
  if (typeof value === "number") node[last] = value + 1;
  else if (typeof value === "boolean") node[last] = !value;
  else node[last] = `${String(value)}0`;
  return copy;
}

describe("the behaviour file", () => {
  const digest = read(behaviour).behaviourDigest;

  test("has another digest, or is refused, with any one of its values changed", () => {
    const paths = [...leaves(behaviour)];
    expect(paths.length).toBeGreaterThan(50);
    for (const path of paths) {
      let after: string | null = null;
      expect(["nothing thrown", "CONFIG_INVALID"]).toContain(
        codeOf(() => {
          after = read(changed(behaviour, path)).behaviourDigest;
        }),
      );
      expect(after, path.join(".")).not.toBe(digest);
    }
  });

  test("is refused where a member is named twice, at any depth", () => {
    const operatorBytes = toUtf8(JSON.stringify(operator));
    const text = JSON.stringify(behaviour);
    for (const doubled of [
      text.replace("{", '{"version":0,'),
      text.replace('"quorum":', '"quorum":9,"quorum":'),
    ]) {
      expect(doubled).not.toBe(text);
      expect(codeOf(() => readConfiguration(toUtf8(doubled), operatorBytes))).toBe("CONFIG_INVALID");
    }
    const twice = toUtf8(JSON.stringify(operator).replace("{", '{"public":{},'));
    expect(() => readConfiguration(toUtf8(text), twice)).toThrow(/operator file: public stands there twice/);
  });

  test("has the same digest whatever its spaces and the order of its keys", () => {
    const reversed = Object.fromEntries(Object.entries(behaviour).reverse());
    const text = toUtf8(JSON.stringify(reversed, null, 4));
    expect(readConfiguration(text, toUtf8(JSON.stringify(operator))).behaviourDigest).toBe(digest);
  });

  test.for<[string, Partial<typeof behaviour>]>([
    [
      "a quorum of more hosts than are listed",
      { time: { source: "hosts", urls: ["https://a.example/"], quorum: 2 } },
    ],
    [
      "a host listed twice",
      { time: { source: "hosts", urls: ["https://a.example/1", "https://a.example/2"], quorum: 1 } },
    ],
    ["plain HTTP to a name", { time: { source: "hosts", urls: ["http://localhost/"], quorum: 1 } }],
    [
      "a private key where a certificate belongs",
      { certificateAuthorities: ["-----BEGIN PRIVATE KEY-----"] },
    ],
    ["a field that is not known", { host: "a" } as never],
    [
      "a seed promised for a format that has none",
      {
        providers: {
          x: {
            ...behaviour.providers["stand-in"]!,
            format: "anthropic-messages",
            models: { m: modelFile("m") },
          },
        },
      },
    ],
  ])("is refused with %s", ([, change]) => {
    expect(codeOf(() => read({ ...behaviour, ...change }))).toBe("CONFIG_INVALID");
  });
});

describe("the operator file", () => {
  test("changes no behaviour, whichever of its values is changed, and only its public part has a digest", () => {
    const before = read(behaviour);
    for (const path of leaves(operator)) {
      let after: ReturnType<typeof read> | null = null;
      codeOf(() => {
        after = read(behaviour, changed(operator, path));
      });
      const configuration = after as ReturnType<typeof read> | null;
      if (configuration === null) continue;
      expect(configuration.behaviourDigest).toBe(before.behaviourDigest);
      expect(configuration.behaviour).toEqual(before.behaviour);
      expect(configuration.operatorDigest === before.operatorDigest, path.join(".")).toBe(
        path[0] !== "public",
      );
    }
  });

  test("never lets anonymous callers in by leaving something out", () => {
    const { callers, ...rest } = operator;
    expect(codeOf(() => read(behaviour, { ...rest, callers: { named: callers.named } }))).toBe(
      "CONFIG_INVALID",
    );
  });
});

test("the JSON Schemas in docs/reference are those of the code", () => {
  for (const [name, text] of Object.entries(configurationSchemas())) {
    const file = new URL(`../../../docs/reference/${name}`, import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(text));
  }
});
