/**
 * The image started by direct boot, without a TEE: what it needs to start, what it refuses, and what is inside when it runs.
 * `npm run test:image` runs all of tests/image/boot; `.ci/run` runs this file.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { answerCall, toWire } from "../../enclave/support/calls.ts";
import { CREDENTIAL } from "../../enclave/support/configuration.ts";
import { runAdyton } from "../../support/adyton-command.ts";
import {
  buildImage,
  imageBehaviour,
  imageOperator,
  readManifest,
  withOtherProgram,
} from "../support/built-image.ts";
import {
  directBoot,
  drive,
  fwCfg,
  HAS_QEMU,
  MEMORY_MB,
  startMachine,
  WITHOUT_QEMU,
  type Machine,
} from "../support/machine.ts";

if (!HAS_QEMU) process.stderr.write(`${WITHOUT_QEMU}\n`);

let folder: string;
let image: string;
let operator: string;
let model: StandInModel;

function writeOperator(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

beforeAll(async () => {
  if (!HAS_QEMU) return;
  folder = mkdtempSync(join(tmpdir(), "adyton-image-"));
  model = await startStandInModel(new Date());
  image = await buildImage({ out: join(folder, "image"), behaviour: imageBehaviour(model) });
  operator = writeOperator("operator.json", imageOperator({ kind: "simulator", platform: "qemu" }));
});
afterAll(async () => {
  if (!HAS_QEMU) return;
  await model.stop();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!HAS_QEMU)("the image, by direct boot", () => {
  // The goal is 40 MB. libsecp256k1, the sandbox and the snapshots' worker took the enclave's bundle from 0.8 to 2.9 MB.
  test("is at most 40 MB of initrd", () => {
    const initrd = readManifest(image).files.find(({ path }) => path === "initrd.zst");
    process.stdout.write(`initrd.zst: ${initrd?.bytes ?? 0} bytes\n`);
    expect(initrd?.bytes).toBeLessThanOrEqual(40_000_000);
  });

  test("takes the operator's file by fw_cfg, is verified with a policy, and answers", async () => {
    await using machine = await startMachine({ boot: directBoot(image), devices: fwCfg(operator) });
    await machine.line('"event":"listening"');
    process.stdout.write(`listening after ${machine.seconds()} s, with ${MEMORY_MB} MB\n`);
    const url = `https://127.0.0.1:${machine.port}`;
    const policy = join(folder, "policy.json");
    expect(await runAdyton(["verify", url, "--init-policy", policy])).toMatchObject({ code: 4 });
    const accepted = await runAdyton(["verify", url, "--policy", policy, "--json"]);
    expect(accepted).toMatchObject({ code: 0 });
    const other = join(folder, "other-policy.json");
    writeFileSync(
      other,
      readFileSync(policy, "utf8").replace(/("rtMr2":\s*\{\s*"oneOf":\s*\[\s*"0x)../, "$100"),
    );
    expect(await runAdyton(["verify", url, "--policy", other])).toMatchObject({ code: 2 });
    const reply = await ask(machine);
    expect(reply).toMatchObject({ status: 200 });
    expect(reply.text).toContain('"signature"');
  });

  test("takes the operator's file from a drive that holds it and zeros", async () => {
    const padded = Buffer.alloc(1024 * 1024);
    readFileSync(operator).copy(padded);
    writeFileSync(join(folder, "operator.img"), padded);
    const devices = drive(join(folder, "operator.img"));
    await using machine = await startMachine({ boot: directBoot(image), devices });
    expect(await machine.line("operator file from")).toContain("/dev/vda");
    await machine.line('"event":"listening"');
  });

  test("says what is missing without an operator's file, and powers off", async () => {
    await using machine = await startMachine({ boot: directBoot(image) });
    expect(await machine.off).toBe(0);
    expect(machine.console()).toContain("no operator file: give one by fw_cfg (opt/org.adyton.operator)");
    expect(machine.console()).not.toContain("starting the enclave");
  });

  test("refuses an operator's file that is too long", async () => {
    const long = writeOperator("long.json", { filler: "x".repeat(262_144) });
    await using machine = await startMachine({ boot: directBoot(image), devices: fwCfg(long) });
    expect(await machine.off).toBe(0);
    expect(machine.console()).toContain("the operator file is longer than 262144 bytes");
  });

  test("says when the memory is too small to unpack it, and powers off", async () => {
    const boot = directBoot(image);
    await using machine = await startMachine({ boot, devices: fwCfg(operator), memoryMb: 256 });
    await machine.off;
    expect(machine.console()).toMatch(/not unpacked whole|Out of memory|write error/);
    expect(machine.console()).not.toContain("starting the enclave");
  });

  test("does not run without the evidence that its operator chose, and leaves nothing running", async () => {
    const none = writeOperator("tsm.json", imageOperator({ kind: "configfs-tsm" }));
    await using machine = await startMachine({ boot: directBoot(image), devices: fwCfg(none) });
    await machine.off;
    expect(machine.console()).toContain("the kernel has no configfs-tsm, or no provider for it");
    expect(machine.console()).not.toContain('"event":"listening"');
  });
});

describe.skipIf(!HAS_QEMU)("inside the image, when the enclave starts", () => {
  let seen: Record<string, unknown>;

  beforeAll(async () => {
    const looking = withOtherProgram(image, join(folder, "looking"));
    await using machine = await startMachine({ boot: directBoot(looking), devices: fwCfg(operator) });
    const line = await machine.line("LOOK ");
    seen = JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>;
  });

  test("nothing can be run but Node", () => {
    expect(seen["files"]).toEqual([
      "/adyton/behaviour.json",
      "/adyton/enclave.mjs",
      "/etc/hosts",
      "/etc/nsswitch.conf",
      "/etc/passwd",
      "/etc/resolv.conf",
      ...readManifest(image)
        .initrd.map(({ path }) => `/${path}`)
        .filter((path) => path.startsWith("/lib")),
      "/run/operator.json",
      "/usr/bin/node",
    ]);
  });

  test("Node is the first process, with an empty environment, beside the one that keeps the lease", () => {
    expect(seen["environment"]).toEqual([]);
    expect(seen["pid"]).toBe(1);
    expect(seen["processes"]).toHaveLength(2);
    expect((seen["processes"] as string[])[1]).toBe("/init");
    expect(seen["command"]).toEqual([
      ...["/usr/bin/node", "--disable-sigusr1", "--max-semi-space-size=8", "/adyton/enclave.mjs"],
      ...["--behaviour", "/adyton/behaviour.json", "--operator", "/run/operator.json"],
    ]);
  });

  test("the kernel is closed: no module, no other kernel, no memory read, no core", () => {
    expect(seen["settings"]).toEqual({
      modulesDisabled: "1",
      kexecDisabled: "1",
      sysrq: "0",
      kernelMemory: "EPERM",
      core: "0",
    });
  });

  test("no disk is mounted", () => {
    expect(seen["mounts"]).toEqual([
      expect.stringMatching(/^\/ rootfs /),
      expect.stringMatching(/^\/dev devtmpfs .*nosuid,noexec/),
      expect.stringMatching(/^\/proc proc .*nosuid,nodev,noexec/),
      expect.stringMatching(/^\/sys sysfs .*nosuid,nodev,noexec/),
      expect.stringMatching(/^\/run tmpfs .*nosuid,nodev,noexec/),
      expect.stringMatching(/^\/sys\/kernel\/config configfs .*nosuid,nodev,noexec/),
    ]);
  });
});

function ask(machine: Machine): Promise<{ readonly status: number; readonly text: string }> {
  const call = answerCall({}, { deadline: BigInt(Math.floor(new Date().getTime() / 1000) + 600) });
  const headers = { "content-type": "application/json", authorization: `Bearer ${CREDENTIAL}` };
  return new Promise((resolve, reject) => {
    const client = request(
      `https://127.0.0.1:${machine.port}/v1/answers`,
      { method: "POST", headers, rejectUnauthorized: false, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, text });
        });
      },
    );
    client.on("error", reject);
    client.end(toWire(call));
  });
}
