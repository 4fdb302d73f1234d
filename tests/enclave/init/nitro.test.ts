/**
 * What enclave/init does on AWS Nitro, as a process of this machine: heartbeat, operator's file, and the ways in and out. There is no
 * vsock here: fake-vsock.c stands in for it with sockets of a folder. Everything else is the image's own code.
 */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const sources = join(import.meta.dirname, "../../../enclave/init");
const HAS_GCC =
  spawnSync("gcc", ["-E", "-include", "linux/vm_sockets.h", "-x", "c", "/dev/null", "-o", "/dev/null"], {
    stdio: "ignore",
  }).status === 0;
if (!HAS_GCC) process.stderr.write("SKIPPED: no gcc, so Nitro's part of enclave/init was not run\n");

const built = mkdtempSync(join(tmpdir(), "adyton-nitro-c-"));
const program = join(built, "harness");
/** Of the loopback's second host, which the image's list has for api.example. */
const ADDRESS = "127.0.1.2";
let port: number;

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return free;
}

function compile(...args: readonly string[]): void {
  const flags = ["-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static", "-O1", "-Wall", "-Werror"];
  const { stderr } = spawnSync("gcc", [...flags, "-I", built, "-I", sources, ...args], { cwd: built });
  expect(stderr.toString()).toBe("");
}

beforeAll(async () => {
  if (!HAS_GCC) return;
  port = await freePort(ADDRESS);
  const hosts = [`aaa.example ${port}`, `api.example ${port}`, ""].map((entry) => JSON.stringify(entry));
  writeFileSync(join(built, "image.h"), `#define EGRESS_HOSTS ${hosts.join(", ")}\n`);
  for (const name of ["fake-vsock.c", "nitro-harness.c"])
    copyFileSync(join(import.meta.dirname, name), join(built, name));
  // Its `fail` powers the machine off: under another name it is never called.
  compile("-Dfail=power_off", "-c", join(sources, "system.c"), "-o", "system.o");
  const parts = ["nitro.c", "tunnel.c", "operator-file.c", "entry.S"].map((name) => join(sources, name));
  compile("nitro-harness.c", "fake-vsock.c", ...parts, "system.o", "-o", program);
}, 120_000);
afterAll(() => {
  rmSync(built, { recursive: true });
});

let folder: string;
const running: ChildProcess[] = [];
const servers: Server[] = [];
const sockets: Socket[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-nitro-"));
});
afterEach(() => {
  for (const { pid } of running.splice(0)) endGroup(pid);
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

/** Also of what carries, which outlives its parent in the image. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

interface Running {
  /** Resolves with the first line that has `text`. */
  readonly said: (text: string) => Promise<string>;
  readonly code: Promise<number | null>;
}

function run(part: string, argument: string): Running {
  const child = spawn(program, [folder, part, argument], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  running.push(child);
  let text = "";
  const heard = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    for (const look of heard) look();
  });
  return {
    code: new Promise((resolve) => child.once("exit", resolve)),
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.includes(wanted)) resolve(text);
        };
        heard.add(look);
        look();
        child.stdout.once("close", () => {
          reject(new Error(`it ended, and never said "${wanted}": ${text}`));
        });
      }),
  };
}

/** What the parent listens on (`parent-PORT` of the fake), or a server of the loopback. */
async function serve(
  at: string | readonly [string, number],
  answer: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    answer(socket);
  });
  servers.push(server);
  if (typeof at === "string") server.listen(join(folder, at));
  else server.listen(at[1], at[0]);
  await once(server, "listening");
  return server;
}

async function reach(at: string | readonly [string, number]): Promise<Socket> {
  const options = typeof at === "string" ? { path: join(folder, at) } : { host: at[0], port: at[1] };
  for (;;) {
    const socket = connect({ ...options, allowHalfOpen: true });
    sockets.push(socket);
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      // A local socket whose queue is full says so at once, where TCP and vsock would wait.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await setImmediate();
    }
  }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** Resolves when the other end says no more, or breaks off. */
const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    for (const event of ["end", "close"]) socket.once(event, resolve);
    socket.on("error", () => undefined).resume();
  });

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(!HAS_GCC)("the heartbeat", () => {
  test("goes to the parent as nitro-cli waits for it, and its echo is waited for", async () => {
    const beats: Buffer[] = [];
    await serve("parent-9000", (socket) =>
      socket.once("data", (beat: Buffer) => {
        beats.push(beat);
        socket.write(beat);
      }),
    );
    expect(await run("heart", "").code).toBe(0);
    expect(Buffer.concat(beats)).toEqual(Buffer.from([0xb7]));
  });

  test("that nobody listens for, or that comes back as another one, is said, and ends the machine", async () => {
    const alone = run("heart", "");
    await alone.said("the parent does not listen for the heartbeat");
    expect(await alone.code).toBe(3);
    await serve("parent-9000", (socket) => socket.end(Buffer.from([0xb8])));
    const other = run("heart", "");
    await other.said("does not answer the heartbeat");
    expect(await other.code).toBe(3);
  });
});

describe.skipIf(!HAS_GCC)("the operator's file", () => {
  /** The harness says nothing before it listens: the fake's socket is there then. */
  const send = async (bytes: string): Promise<void> => {
    await expect
      .poll(() => existsSync(join(folder, "enclave-7000")), { interval: 2, timeout: 20_000 })
      .toBe(true);
    const socket = await reach("enclave-7000");
    socket.on("error", () => undefined);
    socket.end(bytes);
  };

  test("is taken from the parent, once", async () => {
    const target = join(folder, "operator.json");
    const { code } = run("operator", target);
    await send('{"version":1}');
    expect(await code).toBe(0);
    expect(readFileSync(target, "utf8")).toBe('{"version":1}');
  });

  test("is waited for again after what is none: nothing, a page, another format", async () => {
    const target = join(folder, "operator.json");
    const running = run("operator", target);
    await send("");
    await running.said("is no JSON object");
    await send("GET / HTTP/1.1\r\n\r\n");
    await send('{"version":1}');
    expect(await running.code).toBe(0);
    expect(readFileSync(target, "utf8")).toBe('{"version":1}');
  });

  test("is refused when it is longer than 256 KiB", async () => {
    const running = run("operator", join(folder, "operator.json"));
    await send(`{"filler":"${"x".repeat(262_144)}"}`);
    await running.said("longer than 262144 bytes");
    expect(await running.code).toBe(3);
  });
});

describe.skipIf(!HAS_GCC)("the way in", () => {
  test("brings each byte both ways, many connections at once, and a closed end as one", async () => {
    const echo = await serve(["127.0.0.1", 0], (socket) => socket.pipe(socket));
    const { said } = run("inward", String((echo.address() as AddressInfo).port));
    await said("open");
    const sent = Array.from({ length: 40 }, () => randomBytes(200_000));
    const came = await Promise.all(
      sent.map(async (bytes) => {
        const socket = await reach("enclave-8443");
        socket.end(bytes);
        return await readAll(socket);
      }),
    );
    expect(came.map(digest)).toEqual(sent.map(digest));
  });

  test("goes on after ends that break off, servers that are not there, and more connections than it has room for", async () => {
    let isDeaf = true;
    const server = await serve(["127.0.0.1", 0], (socket) => {
      if (isDeaf) socket.resetAndDestroy();
      else socket.pipe(socket);
    });
    const { said } = run("inward", String((server.address() as AddressInfo).port));
    await said("open");
    for (let count = 0; count < 10; count += 1) {
      const socket = await reach("enclave-8443");
      const ended = gone(socket);
      socket.write("x".repeat(100_000));
      await ended;
    }
    isDeaf = false;
    // 128 are carried at once: the others wait, and are carried when those have ended.
    const many: Socket[] = [];
    while (many.length < 160) many.push(await reach("enclave-8443"));
    const answers = many.map((socket, index) => {
      socket.end(`question ${index}`);
      return readAll(socket);
    });
    expect((await Promise.all(answers)).map(String)).toEqual(many.map((_, index) => `question ${index}`));
  });
});

describe.skipIf(!HAS_GCC)("the way out", () => {
  test("leads a name of the behaviour file to the parent's port for it, and no other", async () => {
    const came: string[] = [];
    const answering = (name: string) => async (socket: Socket) => {
      came.push(`${name}: ${String(await readAll(socket))}`);
      socket.end(`from ${name}`);
    };
    await serve("parent-20000", (socket) => void answering("aaa")(socket));
    await serve("parent-20001", (socket) => void answering("api")(socket));
    const hosts = join(folder, "hosts");
    await run("tunnel", hosts).said("open");
    expect(readFileSync(hosts, "utf8")).toBe(
      "127.0.0.1 localhost\n127.0.1.1 aaa.example\n127.0.1.2 api.example\n",
    );
    const socket = await reach([ADDRESS, port]);
    socket.end("hello");
    expect(String(await readAll(socket))).toBe("from api");
    expect(came).toEqual(["api: hello"]);
    await expect(reach(["127.0.1.3", port])).rejects.toThrow("ECONNREFUSED");
  });

  test("ends a connection that the parent does not take, and goes on", async () => {
    await run("tunnel", join(folder, "hosts")).said("open");
    await gone(await reach([ADDRESS, port]));
    await serve("parent-20001", (socket) => socket.end("there"));
    expect(String(await readAll(await reach([ADDRESS, port])))).toBe("there");
  });
});
