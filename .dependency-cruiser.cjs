// DESIGN: which folder may import which. `npm run check:boundaries` runs these rules over the tree, and
// over tests/support/boundary-fixture, whose planted violation must fail.
const OURS =
  "^(protocol|attestation|endorsements|client|runtime|enclave|oracle|coprocessor|contracts|devnet|image|cli|web)/";
/** Development dependencies that the published package carries in dist/vendor (tools/package/vendor.ts). */
const BUNDLED =
  "node_modules/(@modelcontextprotocol/server|aws4fetch|@noble/(curves|hashes)|@zkpassport/poseidon2|canonicalize|cborg|commander|ethers|fflate|hpke|jose|ox|picocolors|zod)/";
const COMPOSITION_ROOTS = "^((enclave|oracle|cli)/main|cli/light)\\.ts$";

/** A rule that `folder` may import none of our folders except `allowed`. */
const only = (folder, allowed) => ({
  name: `${folder}-imports-only-${allowed.join("-") || "nothing"}`,
  severity: "error",
  from: { path: `^${folder}/` },
  to: { path: OURS, pathNot: `^(${[folder, ...allowed].join("|")})/` },
});

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "contracts/bindings" },
    },
    {
      name: "no-dev-dependency-in-shipped-code",
      severity: "error",
      // A page is bundled: what it is made of travels inside of it.
      from: { path: OURS, pathNot: "^web/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm-peer"], pathNot: BUNDLED },
    },
    {
      name: "light-commands-reach-no-node",
      comment: "what `npm install adyton` brings is enough for them; the others need adyton-node",
      severity: "error",
      from: { path: "^cli/(ask|init|inspect|mcp|policy|receipt|replay|result|verify)/" },
      to: {
        path: "^oracle/(?!http/page-files)|^(enclave|coprocessor)/|^devnet/(?!liveness|local-accounts|local-chain|network-file)",
        reachable: true,
      },
    },
    only("protocol", []),
    only("attestation", ["protocol"]),
    only("endorsements", ["protocol", "attestation"]),
    only("image", ["protocol", "attestation"]),
    only("runtime", ["protocol"]),
    only("enclave", [
      "protocol",
      "attestation",
      "endorsements",
      "runtime",
      "coprocessor/ledger",
      "coprocessor/snapshots",
      "coprocessor/epochs",
      "client",
    ]),
    only("client", ["protocol", "attestation", "endorsements"]),
    only("oracle", [
      "protocol",
      "attestation",
      "endorsements",
      "client",
      "contracts",
      "runtime",
      "coprocessor/ledger",
      "coprocessor/snapshots",
      "coprocessor/epochs",
    ]),
    only("devnet", [
      "protocol",
      "attestation",
      "endorsements/files",
      "client",
      "runtime",
      "enclave",
      "oracle",
      "contracts",
    ]),
    only("coprocessor", ["protocol", "attestation", "endorsements/files"]),
    only("web", ["protocol", "attestation", "runtime"]),
    {
      name: "pure-folders-open-nothing",
      comment: "protocol, attestation and runtime run in a browser: no file, socket, clock or process",
      severity: "error",
      from: { path: "^(protocol|attestation|runtime)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "ethers-only-in-oracle-chain-devnet-and-cli",
      severity: "error",
      from: { path: OURS, pathNot: "^(oracle/chain|devnet|cli|contracts/bindings)/" },
      to: { path: "node_modules/ethers/" },
    },
    {
      name: "x509-library-only-where-devnet-issues",
      comment:
        "what verifies certificates is not written by the hand that issues them; the measured bundle has neither",
      severity: "error",
      from: { path: OURS, pathNot: "^devnet/" },
      to: { path: "node_modules/@peculiar/x509/" },
    },
    {
      name: "store-libraries-only-in-oracle-store",
      severity: "error",
      from: { path: OURS, pathNot: "^oracle/(store|engine)/" },
      to: { path: "node_modules/(@electric-sql/pglite|pg-boss|kysely|pg)/" },
    },
    {
      name: "simulators-only-from-composition-roots",
      severity: "error",
      from: { path: OURS, pathNot: `${COMPOSITION_ROOTS}|/simulator[/.]` },
      to: { path: "^enclave/attesters/simulator" },
    },
    {
      name: "nobody-imports-a-composition-root",
      severity: "error",
      from: {},
      to: { path: COMPOSITION_ROOTS },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "contracts/bindings|^(dist|out|cache)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
