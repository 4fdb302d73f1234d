/** Sources of Chainlink Functions as agents: what they send, what their secrets are to them, and what is refused by name. */

import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../../cli/agent/build-program.ts";
import { readProject } from "../../../cli/agent/project.ts";
import { runBuilt, runSource, type Answered } from "../../support/functions-source.ts";

const EXAMPLE = join(resolve(import.meta.dirname, "../../.."), "examples", "functions-source");
const word = (value: number): string => `0x${value.toString(16).padStart(64, "0")}`;
const PRICES: Answered = { body: '{"price":10.5}' };

describe("the example", () => {
  test("asks both markets, and gives the bytes that Functions would have brought", async () => {
    const { program } = await buildProgram(readProject(EXAMPLE));
    const { response, asked } = await runBuilt(program, {
      input: { args: ["eth & co"] },
      answer: ({ url }) => (url.startsWith("https://one.") ? { body: '{"price":11.5}' } : PRICES),
    });
    expect(response).toBe(word(1_100));
    expect(asked).toMatchObject([
      {
        url: "https://one.example/prices?asset=eth+%26+co&currency=usd",
        method: "GET",
        headers: { accept: "*/*" },
        // The header whole is the secret's, and its text is nowhere.
        secrets: { authorization: "marketKey" },
      },
      { url: "https://two.example/tickers/eth & co", secrets: {} },
    ]);
    expect(JSON.stringify(asked)).not.toContain("Bearer");
  });

  test("ends with its own error when a market fails", async () => {
    const { program } = await buildProgram(readProject(EXAMPLE));
    const { response, logs } = await runBuilt(program, {
      input: { args: ["eth"] },
      answer: ({ url }) => (url.startsWith("https://one.") ? { status: 403, body: "no" } : PRICES),
    });
    expect(response).toBe("Error: more than one market failed");
    expect(logs).toEqual(['["a market failed","403"]']);
  });
});

describe("is refused by name", () => {
  const manifest = {
    http: [{ origin: "https://one.example", methods: ["GET" as const], secrets: { "x-key": "apiKey" } }],
  };
  test.for([
    ["fetch", 'await fetch("https://one.example/")', "fetch is not there"],
    ["Deno", "Deno.env.get('HOME')", "Deno is not there"],
    ["a timer", "setTimeout(() => 1, 1)", "setTimeout is not there"],
    ["Node's require", "require('buffer')", "require is not there"],
    [
      "a secret in a URL",
      get('{ url: "https://one.example/?key=" + secrets.apiKey }'),
      "secret apiKey may stand in a header alone",
    ],
    [
      "a secret in the parameters",
      get('{ url: "https://one.example/", params: { key: secrets.apiKey } }'),
      "secret apiKey may stand in a header alone",
    ],
    [
      "a secret in a body",
      get('{ url: "https://one.example/", method: "post", data: { key: secrets.apiKey } }'),
      "secret apiKey may stand in a header alone",
    ],
    ["a secret in base64", "btoa('me:' + secrets.apiKey)", "secret apiKey may stand in a header alone"],
    ["a stream", get('{ url: "https://one.example/", responseType: "stream" }'), "a stream is not there"],
    [
      "bytes that are no UTF-8",
      get('{ url: "https://one.example/bytes", responseType: "arraybuffer" }'),
      "an arraybuffer of what is no UTF-8",
    ],
    ["a redirect", get('{ url: "https://one.example/moved" }'), "redirects are not followed"],
    [
      "an address that the manifest lacks",
      get('{ url: "https://two.example/" }'),
      "the manifest allows no GET",
    ],
  ] as const)("%s", async ([, statement, words]) => {
    const { response } = await runSource({
      source: `const it = ${statement.replace(/^await /, "await ")};\nreturn Functions.encodeString("went on");`,
      manifest,
      answer: ({ url }) => {
        if (url.startsWith("https://two."))
          return { code: "REFUSED", reason: "the manifest allows no GET of it" };
        if (url.endsWith("/moved")) return { status: 301, body: "" };
        return { body: url.endsWith("/bytes") ? "\ufffd" : "1" };
      },
    });
    expect(response).toContain(words);
    expect(response).toMatch(/^Error: /);
  });

  test.for([
    [
      "a package",
      'const { ethers } = await import("npm:ethers@6.10.0");',
      /source\.js:1:\d+: .*imports nothing.*npm:ethers/,
    ],
    ["a module by URL", '\nawait import("https://deno.land/x/y.ts");', /source\.js:2:\d+: .*imports nothing/],
    ["what does not compile", "\n\nconst = 1;", /source\.js:3:\d+/],
  ] as const)("%s, when it is built", async ([, source, words]) => {
    await expect(runSource({ source })).rejects.toThrow(
      expect.objectContaining({ code: "INPUT_INVALID", message: expect.stringMatching(words) as string }),
    );
  });

  test("a manifest of another output, since a contract would decode something else", async () => {
    await expect(runSource({ source: "return 1", manifest: { output: "(uint256 value)" } })).rejects.toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
  });
});

function get(options: string): string {
  return `await Functions.makeHttpRequest(${options})`;
}

test("the sixth request is refused as the nodes of Functions refuse it, and is not sent", async () => {
  const { response, asked } = await runSource({
    source: `let last;
for (let i = 0; i < 6; i += 1) last = await Functions.makeHttpRequest({ url: "https://one.example/" + i });
return Functions.encodeString(last.code);`,
    answer: () => ({ body: "1" }),
  });
  expect(Buffer.from(response.slice(2), "hex").toString()).toBe("429");
  expect(asked).toHaveLength(5);
});
