/** What the commands do with the page: serve it to this machine, show a file on it, and compare a server's with their own. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servePage, type PageServer } from "../../cli/page/page-server.ts";
import { toFragment } from "../../cli/page/show-file.ts";
import { startDesk } from "../../cli/up/desk.ts";
import { judgePage, type PageList } from "../../cli/verify/page.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import { pageHash, PLACEHOLDER } from "../../protocol/page-hash.ts";
import { readFragment } from "../../web/verify/fragment.ts";
import { startLocalServer, type LocalServer } from "../support/local-server.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const FILES: Readonly<Record<string, string>> = {
  "verify.html": `<meta content="${PLACEHOLDER}">`,
  "assets/verify-1.js": "judge();",
};

/** A page as the build leaves it: the hash stands in its documents and in its list. */
function built(files: Readonly<Record<string, string>>): { list: PageList; served: Record<string, string> } {
  const listed = Object.entries(files).map(([path, text]) => ({ path, sha256: digest(text) }));
  const list = { version: 1, hash: pageHash(listed), files: listed } as const;
  const served = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replace(PLACEHOLDER, list.hash)]),
  );
  return { list, served: { ...served, "page.json": JSON.stringify(list) } };
}

const OWN = built(FILES);

describe("a server's page", () => {
  const judged = async (served: Readonly<Record<string, string>>) => {
    await using server = await startLocalServer(
      Object.fromEntries(Object.entries(served).map(([path, body]) => [`/at/${path}`, { body }])),
    );
    return await judgePage(`${server.url}/at/verify.html`, OWN.list);
  };

  test("is the page of this version when every byte is", async () => {
    expect(await judged(OWN.served)).toMatchObject({ same: true, files: 2, differing: [] });
  });

  const other = built({ ...FILES, "assets/verify-1.js": "accept();" });
  const more = built({ ...FILES, "assets/more-2.js": "send();" });
  const less = Object.fromEntries(
    Object.entries(OWN.served).filter(([path]) => path !== "assets/verify-1.js"),
  );
  test.for([
    [
      "a changed file, with a list that keeps the old hashes",
      { ...OWN.served, "assets/verify-1.js": "accept();" },
      "differs",
    ],
    ["another page that is in order by itself", other.served, "differs"],
    ["a file beside", more.served, "not expected"],
    ["a missing file", less, "missing"],
    [
      "a document that shows the hash twice",
      { ...OWN.served, "verify.html": (OWN.served["verify.html"] ?? "").repeat(2) },
      "differs",
    ],
  ] as const)("is another with %s", async ([, served, how]) => {
    const verdict = await judged(served);
    expect(verdict.same).toBe(false);
    expect(verdict.differing.map((file) => file.how)).toContain(how);
  });

  test.for([
    ["no list", {}, "INPUT_NOT_FOUND"],
    ["a list that is none", { "page.json": "[]" }, "INPUT_INVALID"],
  ] as const)("with %s is no page", async ([, served, code]) => {
    await expect(judged(served)).rejects.toMatchObject({ code });
  });
});

test("a file behind # is the file", async () => {
  const bytes = new TextEncoder().encode('{"version":2}');
  const { hash, pathname } = new URL(toFragment({ name: "a & b.json", bytes }), "http://localhost");
  expect(pathname).toBe("/verify.html");
  expect(await readFragment(hash)).toEqual([{ name: "a & b.json", bytes, origin: "link" }]);
});

describe("the page of a local network", () => {
  let folder: string;
  let oracle: LocalServer;
  let desk: PageServer;
  let plain: PageServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-desk-"));
    mkdirSync(join(folder, "assets"));
    for (const [path, text] of Object.entries(OWN.served)) writeFileSync(join(folder, path), text);
    writeFileSync(join(folder, "local.html"), "Try");
    writeFileSync(join(folder, "secret.txt"), "secret");
    oracle = await startLocalServer({ "/v1/requests?limit=1": { body: '{"requests":[]}' } });
    const network = {
      oracleUrl: oracle.url,
      rpcUrl: "http://127.0.0.1:9",
      chainId: 31_337n,
      models: [],
      contracts: {},
    };
    desk = await startDesk({
      folder,
      network: network as unknown as NetworkFile,
      // Nothing below gets as far as the chain.
      provider: null as unknown as JsonRpcProvider,
      freeAccounts: [4],
      port: 0,
    });
    plain = await servePage(folder, () => false);
  });
  afterAll(async () => {
    await desk[Symbol.asyncDispose]();
    await plain[Symbol.asyncDispose]();
    await oracle[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test("has the node's index, accounts, and documents that ask nobody else", async () => {
    const document = await fetch(`${desk.url}/local.html`);
    expect(document.headers.get("content-security-policy")).toContain("connect-src 'self'");
    const judging = await fetch(`${desk.url}/verify.html`);
    expect(judging.headers.get("content-security-policy")).toContain("connect-src 'none'");
    expect(await (await fetch(`${desk.url}/v1/requests?limit=1`)).json()).toEqual({ requests: [] });
    expect(await (await fetch(`${desk.url}/local/network`)).json()).toMatchObject({
      chainId: "31337",
      accounts: [{ address: expect.stringMatching(/^0x/) as string }],
    });
    expect((await fetch(`${plain.url}/local/network`)).status).toBe(404);
  });

  test("breaks its line off with the node's, so that the page sees the loss", async () => {
    const node = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("event: changed\ndata:\n\n");
    });
    await new Promise<void>((listening) => node.listen(0, "127.0.0.1", listening));
    const { port } = node.address() as AddressInfo;
    await using followed = await startDesk({
      folder,
      network: {
        contracts: {},
        chainId: 1n,
        oracleUrl: `http://127.0.0.1:${port}`,
      } as unknown as NetworkFile,
      provider: null as unknown as JsonRpcProvider,
      freeAccounts: [],
      port: 0,
    });
    const reader = (await fetch(`${followed.url}/v1/live`)).body?.getReader();
    const { value } = (await reader?.read()) as { value: Uint8Array };
    expect(new TextDecoder().decode(value)).toContain("changed");
    node.closeAllConnections();
    await expect(reader?.read()).rejects.toThrow();
    node.close();
  });

  const ask = (headers: Readonly<Record<string, string>>): Promise<number> =>
    send(desk.url, { method: "POST", path: "/local/ask", headers });
  test.for([
    ["another site's script", { "content-type": "application/json", origin: "https://evil.example" }, 403],
    ["another site's form", { "content-type": "text/plain" }, 403],
    ["nobody's", { "content-type": "application/json" }, 403],
    ["a name that points here", { host: "evil.example", "content-type": "application/json" }, 421],
  ] as const)("takes no question of %s", async ([, headers, status]) => {
    expect(await ask(headers)).toBe(status);
  });

  test("reads a question of its own page, and says what is wrong with it", async () => {
    const reply = await fetch(`${desk.url}/local/ask`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: desk.url },
      body: JSON.stringify({ question: "Is it?", model: "", returns: "(bool" }),
    });
    expect(reply.status).toBe(400);
  });

  test.for(["/secret.txt", "/../secret.txt", "/assets/%2e%2e/secret.txt", "/assets/../../secret.txt"])(
    "gives nothing but the page: %s",
    async (path) => {
      expect(await send(plain.url, { method: "GET", path, headers: {} })).toBe(404);
    },
  );
});

/** As `fetch` would not: with any host, and a path that stays as it is. */
async function send(
  url: string,
  options: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    httpRequest({ hostname, port, ...options }, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}
