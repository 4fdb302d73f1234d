/**
 * Sources of Chainlink Functions in the agents' sandbox and in the toolkit's own (deno): the same bytes, or both none. The shapes are those of
 * Chainlink's published examples: computation, one market, several, posted data, errors of servers, custom bytes.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkDeno, loadFunctionsToolkit } from "../../oracle/functions/toolkit.ts";
import { createRandom } from "../support/random.ts";
import { runSource, type Answered } from "../support/functions-source.ts";

function hasDeno(): boolean {
  try {
    checkDeno();
    return true;
  } catch {
    console.warn(
      "SKIPPED: Functions sources beside deno. It is neither pinned for this platform nor on PATH.",
    );
    return false;
  }
}

/** The same for both worlds, by what is asked. */
function answer(method: string, path: string, body: string): Answered {
  const url = new URL(path, "http://server.example");
  switch (url.pathname) {
    case "/prices":
      return {
        body: JSON.stringify({ data: { [url.searchParams.get("id") ?? ""]: { price: 30_123.456 } } }),
      };
    case "/query":
      return { body: JSON.stringify({ asked: url.search }) };
    case "/posted":
      return { body: JSON.stringify({ method, sent: JSON.parse(body === "" ? "null" : body) as unknown }) };
    case "/text":
      return { body: "\ufeffgr\u00fc\u00df dich, \ud83e\udd89" };
    case "/html":
      return { body: "<html>no JSON</html>" };
    case "/limited":
      return { status: 429, body: '{"wait":7}' };
    case "/broken":
      return { status: 503, body: "try later" };
    default:
      return { status: 404, body: "no such page" };
  }
}

const SOURCES: Readonly<Record<string, string>> = {
  "a computation over arguments": `
    const product = args.slice(1).reduce((all, text) => all * parseInt(text), 1);
    const mean = Math.pow(product, 1 / (args.length - 1));
    console.log(\`mean \${mean.toFixed(2)}\`);
    return Functions.encodeUint256(Math.round(mean * 100));`,
  "one market": `
    const response = await Functions.makeHttpRequest({ url: \`\${args[0]}/prices\`, params: { id: args[1], convert: "USD" } });
    if (response.error) throw Error("Request failed");
    const price = response.data["data"][args[1]]["price"];
    return Functions.encodeUint256(Math.round(price * 100));`,
  "several at the same time, one of which fails": `
    const asked = [1, 2, 3].map((id) => Functions.makeHttpRequest({ url: \`\${args[0]}/prices?id=\${id}\` }));
    const all = await Promise.all([...asked, Functions.makeHttpRequest({ url: args[0] + "/broken" })]);
    const prices = all.filter((one) => !one.error).map((one, at) => one.data.data[at + 1].price);
    const errors = all.filter((one) => one.error).map(({ code, message }) => code + " " + message);
    return Functions.encodeString(JSON.stringify({ prices, errors }));`,
  "posted data": `
    const response = await Functions.makeHttpRequest({
      url: args[0] + "/posted", method: "POST",
      headers: { "Content-Type": "application/json" },
      data: { query: \`{ country(code: "\${args[1]}") { name } }\`, deep: { list: [1, 2.5, null] } },
    });
    return Functions.encodeString(JSON.stringify(response.data));`,
  "parameters with every kind of character": `
    const response = await Functions.makeHttpRequest({
      url: args[0] + "/query",
      params: { "a b": "c+d&e=f", "ü": "!'()~*-._%", "": 7, list: [1, 2] },
    });
    return Functions.encodeString(response.data.asked);`,
  text: `
    const { data } = await Functions.makeHttpRequest({ url: args[0] + "/text", responseType: "text" });
    return Functions.encodeString(data);`,
  bytes: `
    const { data } = await Functions.makeHttpRequest({ url: args[0] + "/text", responseType: "arraybuffer" });
    return data;`,
  "errors of servers": `
    const tell = async ({ error, code, message, response }) => [error, code, message, response.status, response.ok, await response.text()];
    const all = [];
    for (const page of ["/limited", "/broken", "/missing"]) all.push(await tell(await Functions.makeHttpRequest({ url: args[0] + page })));
    return Functions.encodeString(JSON.stringify(all).slice(0, 256));`,
  "an error's body as JSON": `
    const { response } = await Functions.makeHttpRequest({ url: args[0] + "/limited" });
    return Functions.encodeUint256((await response.json()).wait);`,
  "a page that is no JSON": `
    const { error, data, status } = await Functions.makeHttpRequest({ url: args[0] + "/html" });
    return Functions.encodeString(JSON.stringify({ error, data, status }));`,
  "a success whole": `
    const { error, status, statusText, data } = await Functions.makeHttpRequest({ url: args[0] + "/prices?id=1" });
    return Functions.encodeString(JSON.stringify({ error, status, statusText, data }));`,
  "a body with a GET": `
    const { error, message } = await Functions.makeHttpRequest({ url: args[0] + "/query", data: { a: 1 } });
    return Functions.encodeString(JSON.stringify({ error, message }));`,
  "a sixth request": `
    const codes = [];
    for (let at = 0; at < 6; at += 1) codes.push((await Functions.makeHttpRequest({ url: args[0] + "/query?" + at })).code ?? "ok");
    return Functions.encodeString(codes.join());`,
  "a URL that is too long, and a body": `
    const long = await Functions.makeHttpRequest({ url: args[0] + "/query?" + "x".repeat(2048) });
    const large = await Functions.makeHttpRequest({ url: args[0] + "/posted", method: "post", data: { x: "x".repeat(2048) } });
    return Functions.encodeString([long.code, long.message, large.code, large.message].join());`,
  "bytes of its own": `
    const bytes = new Uint8Array(64);
    new DataView(bytes.buffer).setFloat64(8, Math.PI);
    bytes.set(Functions.encodeInt256(-5n), 32);
    return bytes;`,
  "arguments in bytes": `
    return Functions.encodeString(bytesArgs.map((hex) => hex.length).join("-") + typeof args[9] + JSON.stringify(secrets));`,
  "an ArrayBuffer": "return new Uint8Array([1, 2, 3]).buffer;",
  "the largest answer": "return new Uint8Array(256).fill(7);",
  "an answer that is too large": "return new Uint8Array(257);",
  "a text for an answer": 'return "text";',
  nothing: "",
  "an error": 'throw Error("not today");',
  "a thrown text": 'throw "not today";',
  "a thrown number": "throw 7;",
  "a name that the source declares itself": `
    const args = ["mine"]; const console = { log: () => undefined }; console.log("x");
    return Functions.encodeString(args[0]);`,
  types: "const twice = (value: number): number => value * 2;\nreturn Functions.encodeUint256(twice(21));",
};

/** Every encoder over many values, and whether it throws, as one digest: deno starts once. */
function generated(seed: number): string {
  const random = createRandom(seed);
  const integer = (): string => {
    const bits = Math.floor(random() * 260);
    let value = 1n;
    for (let bit = 0; bit < bits; bit += 1) value = value * 2n + (random() < 0.5 ? 0n : 1n);
    return `${random() < 0.5 ? "-" : ""}${value}n`;
  };
  const text = (): string =>
    JSON.stringify(
      String.fromCharCode(
        ...Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 0x1_0000)),
      ),
    );
  const values = Array.from({ length: 120 }, (_, at) => {
    if (at % 4 === 0) return text();
    if (at % 4 === 1) return String((random() - 0.3) * 2 ** Math.floor(random() * 80));
    return at % 4 === 2 ? integer() : String(Math.floor((random() - 0.4) * 1e9));
  });
  return `
    const values = [${values.join(", ")}, NaN, Infinity, -0, null, undefined, true, {}, 2n ** 256n, 2n ** 256n - 1n, -(2n ** 255n), 2n ** 255n];
    let digest = 0xcbf29ce484222325n;
    const eat = (byte) => { digest = ((digest ^ BigInt(byte)) * 0x100000001b3n) % (1n << 64n); };
    for (const value of values) {
      for (const encode of ["encodeUint256", "encodeInt256", "encodeString"]) {
        try {
          for (const byte of Functions[encode](value)) eat(byte);
        } catch (error) {
          for (const char of error.message) eat(char.charCodeAt(0));
        }
      }
      eat(Math.round(Math.abs(Math.sin(Number(typeof value === "number" ? value : 1)) * 255)) || 0);
    }
    return Functions.encodeUint256(digest);`;
}

describe.skipIf(!hasDeno())("the same bytes as the toolkit's simulation", () => {
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const answered = answer(request.method ?? "", request.url ?? "", body);
        response.writeHead(answered.status ?? 200, { "content-type": "application/json" }).end(answered.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function compare(source: string): Promise<void> {
    const input = { args: [origin, "17", "4"], bytesArgs: ["0x01", "0xffff"] };
    const { toolkit } = loadFunctionsToolkit();
    const theirs = await toolkit.simulateScript({ source, secrets: {}, ...input });
    const ours = await runSource({
      source,
      input,
      answer: ({ url, method, body }) => {
        const { pathname, search } = new URL(url);
        return answer(method, pathname + search, typeof body === "string" ? body : "");
      },
    });
    if (theirs.responseBytesHexstring === undefined)
      expect(ours.response).toBe(`Error: ${theirs.errorString ?? ""}`);
    else expect(ours.response).toBe(theirs.responseBytesHexstring);
  }

  test.for(Object.entries(SOURCES))("%s", async ([, source]) => {
    await compare(source);
  });

  test.for([1, 2, 3])("encoders over generated values, seed %i", async (seed) => {
    await compare(generated(seed));
  });
});
