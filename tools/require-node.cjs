// Runs before anything written in TypeScript: on a platform for which the lockfile pins no Node, whatever `node` is
// on PATH serves, and an old one would only say "unknown file extension".
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `adyton: Node 24 or newer is needed, this is ${process.version} (${process.platform}-${process.arch}).\n` +
      "On Linux x64 and arm64, `npm ci` brings Node 24 by itself (were optional dependencies left out?).\n" +
      "Elsewhere, install Node 24 and put it first on PATH.\n",
  );
  process.exit(69);
}
