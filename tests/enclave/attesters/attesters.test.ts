/** The drivers against faithful fakes of the interfaces that they speak to; what they make is verified. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { verifyNitroDocumentUnder } from "../../../attestation/aws/verify-nitro-document.ts";
import { decodeCbor, isMap } from "../../../attestation/encoding/cbor.ts";
import { verifyDstackEvidenceUnder } from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { createConfigfsTsmAttester, type TsmFiles } from "../../../enclave/attesters/configfs-tsm.ts";
import { createDstackAttester } from "../../../enclave/attesters/dstack.ts";
import { createNitroAttester } from "../../../enclave/attesters/nitro.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { concatBytes, fromUtf8, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { AWS_NOW, mintAwsWorld } from "../../support/fake-aws.ts";
import { EVENTS, mintDstackQuote, toQuoteResponse } from "../../support/fake-dstack.ts";
import { FAKE_TRUST, NOW as INTEL_NOW } from "../../support/fake-intel.ts";

const REPORT_DATA = new Uint8Array(64).map((_, index) => index + 1);
const NOW = 1_795_305_600;

/** An entry of configfs-tsm as the kernel has it: `generation` counts writes, reading `outblob` makes the report. */
class FakeTsm implements TsmFiles {
  readonly entries = new Map<string, { inblob: Uint8Array; generation: number }>();
  readonly #quote: (reportData: Uint8Array) => Uint8Array;
  readonly #provider: string;
  /** Called before each read of a report: where another writer comes in between. */
  onReport: (entry: { inblob: Uint8Array; generation: number }) => void = () => undefined;

  constructor(provider: string, quote: (reportData: Uint8Array) => Uint8Array) {
    this.#provider = provider;
    this.#quote = quote;
  }

  makeEntry = (path: string): Promise<void> => {
    if (!path.startsWith("/sys/kernel/config/tsm/report/")) return Promise.reject(new Error("ENOENT"));
    this.entries.set(path, { inblob: new Uint8Array(), generation: 0 });
    return Promise.resolve();
  };
  removeEntry = (path: string): Promise<void> =>
    this.entries.delete(path) ? Promise.resolve() : Promise.reject(new Error("ENOENT"));
  #entryOf(path: string): { inblob: Uint8Array; generation: number } {
    const entry = this.entries.get(path.slice(0, path.lastIndexOf("/")));
    if (entry === undefined) throw new Error("ENOENT");
    return entry;
  }
  write = async (path: string, bytes: Uint8Array): Promise<void> => {
    const entry = await Promise.resolve(this.#entryOf(path));
    entry.inblob = bytes;
    entry.generation += 1;
  };
  read = async (path: string): Promise<Uint8Array> => await Promise.resolve(this.#readNow(path));
  #readNow = (path: string): Uint8Array => {
    const entry = this.#entryOf(path);
    switch (path.slice(path.lastIndexOf("/") + 1)) {
      case "generation":
        return toUtf8(`${entry.generation}\n`);
      case "provider":
        return toUtf8(`${this.#provider}\n`);
      case "outblob":
        this.onReport(entry);
        if (entry.inblob.length !== 64) throw new Error("EINVAL");
        return this.#quote(entry.inblob);
      case "auxblob":
        return Uint8Array.of(0xce, 0x27);
      default:
        throw new Error("ENOENT");
    }
  };
}

describe("configfs-tsm", () => {
  const quotes = async (): Promise<(reportData: Uint8Array) => Uint8Array> => {
    const simulator = await createSimulatorAttester({ platform: "configfs" });
    const made = new Map<string, Uint8Array>();
    for (const data of [REPORT_DATA, new Uint8Array(64)])
      made.set(toHex(data), await simulator.getEvidence(data));
    return (data) => made.get(toHex(data)) ?? new Uint8Array();
  };

  test("makes a TDX quote over the report data, and leaves no entry behind", async () => {
    const files = new FakeTsm("tdx_guest", await quotes());
    const { kind, bytes } = await createConfigfsTsmAttester(files).attest(REPORT_DATA);
    expect(kind).toBe("tdx");
    const verified = await verifyEvidence(bytes, {}, { now: NOW });
    expect(verified.reportData).toBe(toHex(REPORT_DATA));
    expect(files.entries.size).toBe(0);
  });

  test("asks again when another writer came in between, and never gives a report over its data", async () => {
    const files = new FakeTsm("tdx_guest", await quotes());
    let races = 3;
    files.onReport = (entry) => {
      if (races === 0) return;
      races -= 1;
      entry.inblob = new Uint8Array(64);
      entry.generation += 1;
    };
    const { bytes } = await createConfigfsTsmAttester(files).attest(REPORT_DATA);
    expect((await verifyEvidence(bytes, {}, { now: NOW })).reportData).toBe(toHex(REPORT_DATA));
  });

  test("gives up on a writer that never stops, and cleans up", async () => {
    const files = new FakeTsm("tdx_guest", await quotes());
    files.onReport = (entry) => {
      entry.generation += 1;
    };
    await expect(createConfigfsTsmAttester(files).attest(REPORT_DATA)).rejects.toMatchObject({
      code: "EVIDENCE_UNSUPPORTED",
    });
    expect(files.entries.size).toBe(0);
  });

  test("puts the host's certificates after an SEV-SNP report", async () => {
    const report = new Uint8Array(1_184).fill(2, 0, 1);
    const files = new FakeTsm("sev_guest", () => report);
    const { kind, bytes } = await createConfigfsTsmAttester(files).attest(REPORT_DATA);
    expect(kind).toBe("snp");
    expect(bytes).toEqual(concatBytes(report, Uint8Array.of(0xce, 0x27)));
  });

  test.for([
    ["a provider that is not known", "other_guest"],
    ["a report that cannot be made", "tdx_guest"],
  ] as const)("refuses %s", async ([, provider]) => {
    const files = new FakeTsm(provider, () => {
      if (provider === "tdx_guest") throw new Error("EIO");
      return new Uint8Array(8);
    });
    await expect(createConfigfsTsmAttester(files).attest(REPORT_DATA)).rejects.toMatchObject({
      code: "EVIDENCE_UNSUPPORTED",
    });
  });
});

describe("dstack", () => {
  const folders: string[] = [];
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** A guest agent on a Unix socket. */
  async function startAgent(
    status: number,
    reply: Uint8Array,
  ): Promise<{ socket: string; asked: unknown[] }> {
    const folder = mkdtempSync(join(tmpdir(), "adyton-dstack-"));
    folders.push(folder);
    const socket = join(folder, "dstack.sock");
    const asked: unknown[] = [];
    const server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        asked.push({ path: request.url, body: JSON.parse(text) as unknown });
        response.writeHead(status).end(reply);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return { socket, asked };
  }

  test("asks the agent for a quote over the report data, and passes on quote and event log alone", async () => {
    const intel = await mintDstackQuote(EVENTS);
    const { socket, asked } = await startAgent(200, toQuoteResponse(intel.quote, EVENTS));
    const { kind, bytes } = await createDstackAttester(socket).attest(REPORT_DATA);
    expect(kind).toBe("dstack");
    const context = { endorsements: intel.endorsements(), now: INTEL_NOW, trust: FAKE_TRUST };
    expect((await verifyDstackEvidenceUnder(bytes, context)).kind).toBe("dstack");
    expect(Object.keys(JSON.parse(fromUtf8(bytes)) as object)).toEqual(["quote", "event_log"]);
    expect(asked).toEqual([{ path: "/GetQuote", body: { report_data: toHex(REPORT_DATA).slice(2) } }]);
  });

  test.for([
    ["an agent that fails", 500, toUtf8("{}")],
    ["a reply that is no quote", 200, toUtf8('{"quote":"zz","event_log":"[]"}')],
    ["a reply that is not JSON", 200, toUtf8("<html>")],
  ] as const)("refuses %s", async ([, status, reply]) => {
    const { socket } = await startAgent(status, reply);
    await expect(createDstackAttester(socket).attest(REPORT_DATA)).rejects.toMatchObject({
      code: "EVIDENCE_UNSUPPORTED",
    });
  });

  test("refuses where there is no agent", async () => {
    await expect(createDstackAttester("/nowhere/dstack.sock").attest(REPORT_DATA)).rejects.toMatchObject({
      code: "EVIDENCE_UNSUPPORTED",
    });
  });
});

describe("nitro", () => {
  const limits = { maxBytes: 4_096, maxDepth: 3, maxItems: 16, containers: "definite" } as const;
  const byteString = (bytes: Uint8Array): Uint8Array =>
    concatBytes(Uint8Array.of(0x59, bytes.length >> 8, bytes.length & 0xff), bytes);
  const text = (name: string): Uint8Array => concatBytes(Uint8Array.of(0x60 | name.length), toUtf8(name));

  test("asks the module in its CBOR, and what comes back verifies over the report data", async () => {
    let roots: Awaited<ReturnType<typeof mintAwsWorld>>["roots"] = [];
    const attester = createNitroAttester(async (request) => {
      const message = decodeCbor(new Uint8Array(request), limits);
      const fields = isMap(message) ? message.get("Attestation") : undefined;
      if (!isMap(fields)) throw new Error("no Attestation request");
      expect([...fields.keys()]).toEqual(["user_data", "nonce", "public_key"]);
      const world = await mintAwsWorld({ fields: { user_data: fields.get("user_data") } });
      roots = world.roots;
      const inner = concatBytes(Uint8Array.of(0xa1), text("document"), byteString(world.document));
      return concatBytes(Uint8Array.of(0xa1), text("Attestation"), inner);
    });
    const { kind, bytes } = await attester.attest(REPORT_DATA);
    expect(kind).toBe("nitro");
    const verified = await verifyNitroDocumentUnder(roots, bytes, { now: AWS_NOW });
    expect(verified.reportData).toBe(toHex(REPORT_DATA));
  });

  test.for([
    ["an error of the module", concatBytes(Uint8Array.of(0xa1), text("Error"), text("InvalidOperation"))],
    ["another response", concatBytes(Uint8Array.of(0xa1), text("GetRandom"), Uint8Array.of(0xa0))],
  ] as const)("refuses %s", async ([, response]) => {
    const attester = createNitroAttester(() => Promise.resolve(response));
    await expect(attester.attest(REPORT_DATA)).rejects.toMatchObject({ code: "EVIDENCE_UNSUPPORTED" });
  });

  test("refuses where there is no module", async () => {
    await expect(createNitroAttester().attest(REPORT_DATA)).rejects.toMatchObject({
      code: "EVIDENCE_UNSUPPORTED",
    });
  });
});
