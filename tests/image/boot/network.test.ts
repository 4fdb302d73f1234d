/** How the image is reached: its lease, renewed, changed and lost while the enclave runs, and on Nitro its parent instead (enclave/init). */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buildImage,
  behaviourWithoutModel,
  imageOperator,
  withOtherProgram,
} from "../support/built-image.ts";
import { startDhcpServer, type Terms } from "../support/dhcp-server.ts";
import { directBoot, fwCfg, HAS_QEMU, startMachine, WITHOUT_QEMU } from "../support/machine.ts";

if (!HAS_QEMU) process.stderr.write(`${WITHOUT_QEMU}\n`);

const folder = mkdtempSync(join(tmpdir(), "adyton-network-"));
const operator = join(folder, "operator.json");
let image: string;

beforeAll(async () => {
  if (!HAS_QEMU) return;
  const behaviour = await behaviourWithoutModel();
  const built = await buildImage({ out: join(folder, "image"), behaviour });
  image = withOtherProgram(built, join(folder, "looking"));
  writeFileSync(operator, JSON.stringify(imageOperator({ kind: "simulator", platform: "qemu" })));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.skipIf(!HAS_QEMU)("with Nitro's command line", () => {
  test("neither network nor operator's file of the machine is taken: without a parent it says so, and powers off", async () => {
    const cmdline = `${readFileSync(join(image, "cmdline"), "utf8").trim()} adyton.platform=nitro`;
    await using machine = await startMachine({ boot: directBoot(image, cmdline), devices: fwCfg(operator) });
    expect(await machine.off).toBe(0);
    expect(machine.console()).toContain("the parent does not listen for the heartbeat");
    expect(machine.console()).not.toMatch(/operator file from|starting the enclave|eth0/u);
  });
});

describe.skipIf(!HAS_QEMU)("the lease", () => {
  test("is renewed at half of its time, with what the server changed; and when refused, another one is taken", async () => {
    const first: Terms = { type: "ack", address: "10.9.0.5", seconds: 20, nameServer: "10.9.0.2" };
    const terms: readonly Terms[] = [
      first,
      { ...first, nameServer: "10.9.0.3" },
      { ...first, type: "nak" },
      { ...first, address: "10.9.0.77", seconds: 3_600 },
    ];
    await using server = await startDhcpServer((request) => terms[Math.min(request, terms.length - 1)]!);
    const options = { boot: directBoot(image), devices: fwCfg(operator), network: server.network };
    await using machine = await startMachine(options);
    // On a busy machine Node starts after the lease was renewed for the first time.
    expect(await machine.line("NETWORK")).toMatch(/eth0 10\.9\.0\.5 nameserver 10\.9\.0\.[23]/u);
    expect(await machine.line("nameserver 10.9.0.3")).toContain("eth0 10.9.0.5");
    await machine.line("the lease was lost");
    expect(await machine.line("eth0 10.9.0.77")).toBeDefined();
    expect(server.asked).toEqual(["discover", "request", "renew", "renew", "discover", "request"]);
  });

  test("is not taken from noise: frames that are short, changed or for somebody else", async () => {
    const good: Terms = { type: "ack", address: "10.9.0.5", seconds: 3_600, nameServer: "10.9.0.2" };
    await using server = await startDhcpServer(() => good);
    const options = { boot: directBoot(image), devices: fwCfg(operator), network: server.network };
    await using machine = await startMachine(options);
    const noise = Buffer.alloc(400, 0xff);
    for (let length = 14; length < noise.length; length += 13) server.send(noise.subarray(0, length));
    expect(await machine.line("NETWORK")).toContain("eth0 10.9.0.5 nameserver 10.9.0.2");
  });
});
