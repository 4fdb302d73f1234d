// In an image in place of the enclave: lists what is there when the enclave would start.

import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

const read = (path) => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    return error.code;
  }
};

const open = (path) => {
  try {
    openSync(path, "r");
    return "opened";
  } catch (error) {
    return error.code;
  }
};

const files = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder === "/" ? "" : folder}/${entry.name}`;
    if (["/proc", "/sys", "/dev"].includes(path)) return [];
    return entry.isDirectory() ? files(path) : [path];
  });

const look = () => ({
  files: files("/"),
  // eslint-disable-next-line no-restricted-properties -- whether it is empty is what is looked at
  environment: Object.keys(process.env),
  command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  pid: process.pid,
  processes: readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => read(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim())
    .filter((line) => line !== ""),
  modules: read("/proc/modules")
    .split("\n")
    .map((line) => line.split(" ")[0]),
  mounts: read("/proc/mounts")
    .split("\n")
    .map((line) => line.split(" ").slice(1, 4).join(" ")),
  settings: {
    modulesDisabled: read("/proc/sys/kernel/modules_disabled"),
    kexecDisabled: read("/proc/sys/kernel/kexec_load_disabled"),
    sysrq: read("/proc/sys/kernel/sysrq"),
    // What lockdown=confidentiality closes even to root.
    kernelMemory: open("/proc/kcore"),
    core: /^Max core file size\s+(\S+)/m.exec(read("/proc/self/limits"))?.[1],
  },
  addresses: Object.entries(networkInterfaces()).map(([name, [first]]) => `${name} ${first.address}`),
  resolver: read("/etc/resolv.conf"),
  tsm: existsSync("/sys/kernel/config/tsm/report"),
});

process.stdout.write(`LOOK ${JSON.stringify(look())}\n`);
// Stays, and says when the network changes.
let before = "";
setInterval(() => {
  const now = `${look().addresses.join()} ${read("/etc/resolv.conf").replaceAll("\n", ",")}`;
  if (now !== before) process.stdout.write(`NETWORK ${now}\n`);
  before = now;
}, 200);
