/** enclave/init as C: what gcc's analyzer says of it, and its reader of what others send, under sanitizers. */

import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reply, type Terms } from "../../image/support/dhcp-server.ts";

const sources = join(import.meta.dirname, "../../../enclave/init");
const folder = mkdtempSync(join(tmpdir(), "adyton-init-c-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** With the kernel's headers, which come with every C compiler of a distribution. */
const HAS_GCC =
  spawnSync("gcc", ["-E", "-include", "linux/if_packet.h", "-x", "c", "/dev/null", "-o", "/dev/null"])
    .status === 0;
if (!HAS_GCC)
  process.stderr.write("SKIPPED: no gcc with the kernel's headers, so enclave/init was not analyzed\n");

describe.skipIf(!HAS_GCC)("enclave/init", () => {
  test.for([
    ["init", (name: string) => name !== "nsm.c"],
    ["nsm", (name: string) => ["nsm.c", "system.c"].includes(name)],
  ] as const)(
    "%s has nothing that gcc's warnings and analyzer object to",
    { timeout: 300_000 },
    ([program, has]) => {
      writeFileSync(
        join(folder, "image.h"),
        '#define MODULE_NAMES "a", "b"\n#define NODE_ARGUMENTS "/usr/bin/node", "x"\n#define EGRESS_HOSTS "a.example 443", ""\n',
      );
      const args = [
        ...["-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static", "-O1"],
        ...["-Wall", "-Wextra", "-Werror", "-fanalyzer", "-I", sources, "-I", folder],
        ...[...globSync("*.c", { cwd: sources }).filter(has), "entry.S"].map((name) => join(sources, name)),
      ];
      const { status, stderr } = spawnSync("gcc", [...args, "-o", join(folder, program)]);
      expect(stderr.toString()).toBe("");
      expect(status).toBe(0);
    },
  );
});

/** ff:ff… to a server, from the client of harness.c: what a server's answer is made of. */
const QUERY = Buffer.alloc(14 + 20 + 8 + 240);
QUERY.set([0x50, 0x51, 0x52, 0x53, 0x54, 0x55], 6);
QUERY.set([1, 2, 3, 4], 14 + 28 + 4);
QUERY.set([0x50, 0x51, 0x52, 0x53, 0x54, 0x55], 14 + 28 + 28);

const TERMS: Terms = { type: "ack", address: "10.9.0.5", seconds: 600, nameServer: "10.9.0.2" };
/** Without Ethernet's header, as a packet socket gives it. */
const packet = (type = 5, terms: Terms = TERMS): Buffer =>
  Buffer.from(reply(QUERY, type, terms).subarray(14));

describe.skipIf(!HAS_GCC)("the reader of DHCP replies", () => {
  const program = join(folder, "harness");

  beforeAll(() => {
    copyFileSync(join(import.meta.dirname, "harness.c"), join(folder, "harness.c"));
    const { stderr } = spawnSync(
      "gcc",
      [
        ...[
          "-g",
          "-fsanitize=address,undefined",
          "-fno-sanitize-recover=all",
          "-Wno-builtin-declaration-mismatch",
        ],
        ...[
          "-I",
          sources,
          join(folder, "harness.c"),
          join(sources, "dhcp-message.c"),
          join(folder, "bytes.c"),
        ],
        ...["-o", program],
      ].flatMap((argument) => (argument.endsWith("bytes.c") ? [writeBytes(argument)] : [argument])),
    );
    expect(stderr.toString()).toBe("");
  }, 120_000);

  /** The one function of system.c that it needs, without the system calls beside it. */
  function writeBytes(file: string): string {
    writeFileSync(
      file,
      "int bytes_equal(const void *a, const void *b, unsigned long n) { return __builtin_memcmp(a, b, n) == 0; }\n",
    );
    return file;
  }

  function read(packets: readonly Uint8Array[]): {
    readonly query: string;
    readonly results: readonly string[];
  } {
    const input = Buffer.concat(
      packets.map((bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])),
    );
    const { status, stdout, stderr } = spawnSync(program, { input });
    expect(stderr.toString()).toBe("");
    expect(status).toBe(0);
    const [query = "", ...results] = stdout.toString().trim().split("\n");
    return { query, results };
  }

  test("takes an offer, an acknowledgement and a refusal, with what they say", () => {
    const { results } = read([packet(2), packet(5), packet(6)]);
    expect(results).toEqual([2, 5, 6].map((type) => `${type} 0500090a 00ffffff 0100090a 0200090a 600 0`));
  });

  test("writes a query with right checksums, which asks again for the address that it has", () => {
    const query = Buffer.from(read([]).query, "hex");
    const sum = (bytes: Buffer, start = 0): number => {
      let total = start;
      for (let at = 0; at < bytes.length; at += 2) total += bytes.readUInt16BE(at);
      while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
      return total;
    };
    expect(sum(query.subarray(0, 20))).toBe(0xffff);
    expect(sum(query.subarray(20), sum(query.subarray(12, 20)) + 17 + query.length - 20)).toBe(0xffff);
    expect(query.subarray(28 + 12, 28 + 16)).toEqual(Buffer.from([10, 9, 0, 1]));
  });

  test.for<[string, (bytes: Buffer) => unknown]>([
    ["of another transaction", (bytes) => (bytes[28 + 4] = 9)],
    ["for another card", (bytes) => (bytes[28 + 28] = 9)],
    ["from another port", (bytes) => (bytes[21] = 66)],
    ["that is a query", (bytes) => (bytes[28] = 1)],
    ["without the cookie", (bytes) => (bytes[28 + 236] = 0)],
    ["that is a fragment", (bytes) => (bytes[6] = 0x20)],
    ["with another header checksum", (bytes) => (bytes[10] = (bytes[10] ?? 0) ^ 1)],
    ["whose option is longer than it", (bytes) => (bytes[28 + 241] = 255)],
    ["of a type that no server sends", (bytes) => (bytes[28 + 242] = 3)],
  ])("takes none %s", ([, change]) => {
    const bytes = packet();
    change(bytes);
    expect(read([bytes]).results).toEqual(["none"]);
  });

  test("reads no byte that is not there, whatever it is given", () => {
    const whole = packet();
    const cut = Array.from({ length: whole.length + 1 }, (_, length) => whole.subarray(0, length));
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    const changed = fc.sample(changes, { numRuns: 2_000, seed: SEED }).map((edits) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of edits) bytes[at] = value;
      return bytes;
    });
    const random = fc.sample(fc.uint8Array({ maxLength: 600 }), { numRuns: 1_000, seed: SEED });
    const { results } = read([...cut, ...changed, ...random]);
    expect(results, `seed ${SEED}`).toHaveLength(cut.length + changed.length + random.length);
    expect(results.filter((result) => result !== "none").length).toBeGreaterThan(100);
  });
});

const SEED = 20_261_129;
