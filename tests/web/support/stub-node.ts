/** A node's answers for the pages that list and show requests, without a node: also what a hostile one would say. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { parseReceipt } from "../../../protocol/receipt.ts";
import { STUB_TOKEN, stubConsole } from "./stub-console.ts";
import { stubContracts } from "./stub-contracts.ts";

const RECEIPT = readFileSync(new URL("../../../examples/evidence/simulated-receipt.json", import.meta.url));
const { requestId } = parseReceipt(new Uint8Array(RECEIPT)).answer;
const HASH = `0x${"ab".repeat(32)}`;
const ADDRESS = `0x${"cd".repeat(20)}`;

export const STUB_REQUEST = requestId;

/** A script, a bidirectional override, an invisible letter and a Cyrillic one. */
export const HOSTILE =
  '<img src=x onerror="window.ran=1"><script>window.ran=1</script>\u202egnp\u200b p\u0430ypal';

export interface StubOptions {
  /** What stands in every text of the index. */
  readonly text: string;
}

export function stubAnswers({ text }: StubOptions): Readonly<Record<string, unknown>> {
  const row = (index: number) => ({
    requestId: index === 0 ? requestId : `0x${index.toString(16).padStart(64, "0")}`,
    chainId: 31_337,
    phase: ["settled", "sent", "asked", "seen", "refused"][index % 5],
    consumer: ADDRESS,
    blockNumber: 100 - index,
    logIndex: 0,
    deadline: 1_793_500_000,
    fee: "1000000000000000",
    lastError: index % 5 === 4 ? text : null,
    blockTime: 1_793_491_000 - index,
    model: `stand-in/${text}`,
    asked: text,
    status: index % 5 === 0 ? "ok" : null,
    settlement: index % 5 === 0 ? { kind: "fulfilled" } : null,
    answeredAt: index % 5 === 0 ? 1_793_491_003 : null,
  });
  return {
    "/v1/requests": { requests: Array.from({ length: 20 }, (_, index) => row(index)), next: null },
    "/v1/admissions": {
      admissions: [
        {
          event: "admitted",
          chainId: 31_337,
          blockNumber: 5,
          keysetId: HASH,
          policyId: HASH,
          expiresAt: 1_893_500_000,
          platform: HASH,
          tx: HASH,
        },
      ],
    },
    "/v1/contracts": { chains: [stubContracts(text)] },
    [`/v1/requests/${requestId}`]: {
      ...row(0),
      request: {
        policyId: HASH,
        threshold: 1,
        fee: "1000000000000000",
        callbackGasLimit: 200_000,
        deadline: 1_793_500_000,
      },
      requestTx: HASH,
      refusal: text,
      answer: { reason: text, keysetId: HASH, settlesFrom: 0, answer: {}, admission: null },
      settlement: {
        kind: "fulfilled",
        status: 1,
        keysetId: HASH,
        answeredAt: 1_793_491_003,
        outputHash: HASH,
        callbackSucceeded: true,
        tx: HASH,
        blockNumber: 102,
        deliveredAgainTx: null,
      },
      transactions: [HASH],
    },
    "/local/network": {
      chainId: "31337",
      rpcUrl: "http://127.0.0.1:8545",
      contracts: { coordinator: ADDRESS, concierge: ADDRESS },
      models: ["stand-in/stand-in-1"],
      servesFiles: true,
      accounts: [{ address: ADDRESS, privateKey: HASH }],
    },
  };
}

export interface StubNode extends AsyncDisposable {
  readonly url: string;
  /** Questions that the page asked. */
  readonly questions: readonly unknown[];
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

export async function startStubNode(folder: string, options: StubOptions): Promise<StubNode> {
  const answers = stubAnswers(options);
  const questions: unknown[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/v1/live") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      return;
    }
    if (pathname === "/local/ask") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        questions.push(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ requestId }));
      });
      return;
    }
    if (pathname === "/v1/console") {
      const isAllowed = request.headers.authorization === `Bearer ${STUB_TOKEN}`;
      response.writeHead(isAllowed ? 200 : 401, { "content-type": "application/json" });
      response.end(JSON.stringify(isAllowed ? stubConsole(options.text) : {}));
      return;
    }
    const answer = pathname === `/v1/receipts/${requestId}` ? RECEIPT : answers[pathname];
    if (answer !== undefined) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
      return;
    }
    try {
      const name = pathname === "/" ? "index.html" : pathname.slice(1);
      const content = readFileSync(join(folder, name));
      response
        .writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" })
        .end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
