/**
 * The commands of our pages that the walk does not type, each with its reason: it needs hardware, a chain with money, an account
 * somewhere, or servers that are nobody's. Every other command is typed (parts.ts); tests/docs/walk.test.ts holds the two together.
 */

export interface NotTyped {
  readonly page: string;
  readonly command: string;
  readonly reason: string;
}

const DEBIAN = "needs Debian's archive, for minutes: `npm run test:image` builds, measures and boots images";
const TEE = "needs a confidential machine, or an account of a cloud";
const CHAIN =
  "needs a node's configuration for a chain with money; the rehearsal types the same command on a local chain";

const rows = (page: string, reason: string, commands: readonly string[]): readonly NotTyped[] =>
  commands.map((command) => ({ page, command, reason }));

export const NOT_TYPED: readonly NotTyped[] = [
  ...rows(
    "docs/how-to/ask-about-pages-and-files.md",
    "needs pages and files that are nobody's; tests/integration/up.test.ts types the same commands with some of its own",
    [
      'adyton ask "Has the bridge opened?" --returns "(bool opened, string<=200 why)" --page https://news.example/bridge',
      'adyton ask "What does the invoice charge?" --document invoice.pdf --image photo.png',
    ],
  ),
  ...rows(
    "docs/how-to/ask-from-an-application.md",
    "needs an enclave with a name of its own, and a certificate for the front",
    [
      "adyton front --enclave https://10.0.0.5:8443 --policy policy.json --rpc https://… --certificate fullchain.pem --key privkey.pem --port 443 --host 0.0.0.0",
    ],
  ),
  ...rows(
    "docs/how-to/bring-your-own-key.md",
    "needs an enclave for a provider whose key one has; tests/cli/seal-key types it against an enclave of its own",
    [
      "adyton seal-key https://enclave.example:8443 --policy policy.json --key-file openai.key --model openai/gpt-5.1 --input-tokens 2000000 --output-tokens 200000 --days 7",
    ],
  ),
  ...rows(
    "docs/how-to/charge-per-call.md",
    "needs a facilitator, a token and an enclave with a name; tests/docs/charge-per-call.test.ts types what needs none",
    [
      "adyton front --enclave https://10.0.0.5:8443 --policy policy.json --rpc https://… --certificate fullchain.pem --key privkey.pem --charge charge.json",
      'adyton identity https://front.example --name "Oracle of Delphi" --description "Answers of attested models" --charges --registration eip155:11155111:0x8004a6090Cd10A7288092483047B097295Fb8847:7',
    ],
  ),
  ...rows(
    "docs/how-to/chainlink-functions.md",
    "needs an enclave with a name of its own and Chainlink's nodes, which were shut down; tests/functions runs both on a local chain",
    [
      "adyton front --enclave https://10.0.0.5:8443 --policy policy.json --rpc https://… --port 8787",
      "adyton functions secrets --don-gateway https://01.functions-gateway.testnet.chain.link/ --minutes 4320 --functions functions.json",
    ],
  ),
  ...rows("docs/how-to/deploy-on-google-cloud.md", TEE, [
    "npm run build:image -- --behaviour behaviour.json --out image",
    "sh enclave/deploy/gcp/start.sh PROJECT ZONE BUCKET image operator.json",
  ]),
  ...rows(
    "docs/how-to/grant-an-agent.md",
    "needs a grant on a chain; tests/integration/treasury-guard types it on a local network",
    [
      "adyton agent act examples/treasury-guard --account 0x… --grant 0x… --rpc https://… --key sender.key --enclave https://… --policy policy.json --credential credential.txt",
    ],
  ),
  ...rows(
    "docs/how-to/call-tools-from-an-agent.md",
    "needs a server of tools; tests/integration/agent.test.ts types it for a project with a secret",
    ["npm run -s adyton -- agent keep . --secret tools-token=token.txt"],
  ),
  ...rows(
    "docs/how-to/run-a-functions-source.md",
    "tests/cli/agent/functions-source.test.ts builds the same project, and runs it",
    ["npm run -s adyton -- agent build examples/functions-source"],
  ),
  ...rows("docs/how-to/deploy-on-nitro.md", TEE, [
    "npm run build:image -- --behaviour behaviour.json --nitro-kernel bzImage --nitro-driver nsm.ko --out image",
    "sh enclave/deploy/nitro/start.sh image operator.json 2 1024",
  ]),
  ...rows("docs/how-to/deploy-on-your-own-host.md", TEE, [
    "npm run build:image -- --behaviour behaviour.json --out image",
    "sh enclave/deploy/direct/start-tdx.sh image OVMF.fd operator.json",
    "sh enclave/deploy/direct/start-snp.sh image OVMF.amdsev.fd operator.json",
  ]),
  ...rows(
    "docs/how-to/receipts-in-cose-and-the-log.md",
    "needs the files that the page's program fetched; tests/cli/verify types both on receipts of its own",
    [
      "adyton verify receipt.cose --receipt receipt.json --policy policy.json",
      "adyton verify receipt.json --log-proof receipt.tlog-proof --policy policy.json",
    ],
  ),
  ...rows("docs/how-to/reference-values.md", DEBIAN, [
    "npm run build:image -- --behaviour behaviour.json --out image",
    "adyton image measure image --platform nitro",
    "adyton image measure image --platform tdx",
    "adyton image measure image --platform tdx --mrtd $MRTD --rtmr0 any --policy policy.json",
    "adyton image measure image --platform tdx --mrtd $MRTD --rtmr0 $ZERO --json > measured.json",
    "adyton image measure image --platform tdx --mrtd $MRTD --rtmr0 $ZERO --simulator --policy simulated-policy.json",
    "sh enclave/deploy/local/start.sh image operator.json &",
    "adyton verify https://127.0.0.1:8443 --policy simulated-policy.json",
    "adyton verify https://127.0.0.1:8443 --policy simulated-policy.json --from-source . --platform tdx --behaviour behaviour.json --mrtd $MRTD --rtmr0 $ZERO",
    "cp -r image changed",
    "printf ' ' >> changed/cmdline",
    "adyton image measure changed --platform tdx --mrtd $MRTD --rtmr0 $ZERO --json > changed.json",
    "sh enclave/deploy/local/start.sh changed changed-operator.json &",
  ]),
  ...rows(
    "docs/how-to/keep-a-node.md",
    "tests/docs/keep-a-node.test.ts and run-a-node.test.ts type it on stores and a node of their own",
    [
      "adyton oracle drain --token-file my-node/admin.token",
      "tar -czf store.tgz -C my-node store",
      "rm -rf my-node/store",
      "tar -xzf store.tgz -C my-node",
      "pg_dump --format=custom --file=adyton.dump postgresql://adyton@db.example/adyton",
      "pg_restore --exit-on-error --no-owner --dbname=postgresql://adyton@db.example/restored adyton.dump",
      "adyton oracle key my-node/next.json --password-file my-node/next.password --fund",
      "adyton oracle check --config my-node/oracle.json",
      "adyton oracle run --config my-node/oracle.json",
    ],
  ),
  ...rows(
    "docs/how-to/prove-a-model.md",
    "needs a trainer's file; tests/coprocessor/models build and run those of three trainers",
    [
      "adyton model build model.txt --name Fraud --out contracts",
      "adyton model run model.txt --features '[0.5, -1, 3.25, 0, 0, 0, 0, 0]'",
    ],
  ),
  ...rows(
    "docs/how-to/prove-a-model.md",
    "needs a trainer's file; tests/models/proven-scores.test.ts proves scores",
    [
      "adyton model commit model.onnx --features '[0.5, -1, 3.25, 0, 0, 0, 0, 0]'",
      "adyton srs make-dev srs --gates 15",
      "adyton model prove model.onnx --inputs inputs.json --srs srs --verifier Verifier.sol",
      "adyton model verify model.onnx --proof scores.json --rpc URL --verifier ADDRESS",
    ],
  ),
  ...rows("docs/how-to/reference-values.md", "README's part types it", ["npm ci"]),
  ...rows("docs/how-to/run-a-node.md", "asks; tests/cli/oracle/node-questions.test.ts answers", [
    "adyton oracle init my-server --ask",
  ]),
  ...rows("docs/how-to/run-a-node.md", CHAIN, [
    "adyton oracle check --config oracle.json",
    "adyton oracle run --config oracle.json",
    "adyton oracle requests --phase refused",
    "adyton oracle retry 0x… --token-file admin.token",
    "adyton oracle drain --token-file admin.token",
  ]),
  ...rows("docs/how-to/run-a-node.md", "needs a PostgreSQL server; tests/oracle/store run on one", [
    "createdb -h db.example -U adyton -E UTF8 -T template0 adyton",
  ]),
  ...rows(
    "docs/how-to/run-a-prover.md",
    "needs a proven ledger on a chain; `npm run test:epochs` proves epochs of one",
    ["adyton epoch prove --rpc URL --ledger ADDRESS --transitions FILE_OR_URL… --srs srs --payee ADDRESS"],
  ),
  ...rows("docs/how-to/run-a-prover.md", "170 MB, which `npm ci` brings to a clone", [
    "npm install @aztec/bb.js@5.0.0 @noir-lang/noir_js@1.0.0-beta.26 @noir-lang/noir_wasm@1.0.0-beta.26",
  ]),
  ...rows("docs/how-to/publish-a-release.md", "publishes", [
    "npm publish adyton-0.2.0.tgz --provenance --access public",
    "npm publish adyton-node-0.2.0.tgz --provenance --access public",
  ]),
  ...rows(
    "docs/how-to/serve-the-index.md",
    "needs PostgreSQL, which the walk has not got; tests/oracle/serving opens the same store",
    ["adyton oracle serve --config oracle.json"],
  ),
  ...rows("docs/how-to/verify-evidence.md", "asks servers of vendors, or of nobody", [
    "adyton verify quote.bin --online",
    "adyton verify quote.bin --online https://pccs.example:8081",
  ]),
  ...rows(
    "docs/how-to/verify-in-the-browser.md",
    "serves until Ctrl-C, for a browser: `npm run test:web` opens it",
    [
      "npx vite preview --outDir dist/web --config tools/web/vite.config.ts",
      "adyton verify receipt.json --open",
      "adyton verify --page https://oracle.example/",
    ],
  ),
  ...rows("docs/how-to/verify-in-the-browser.md", "tests/web build it", ["npm run build:web"]),
  ...rows(
    "docs/how-to/upgrade-an-enclave.md",
    "needs owners' keys and witnesses; tests/cli/upgrade type it on a file of their own",
    [
      "adyton upgrade authority behaviour.json",
      "adyton upgrade propose --from-policy old-policy.json --from-behaviour old-behaviour.json --to-policy new-policy.json --to-behaviour new-behaviour.json --sequence 1 --out upgrade.json",
      "adyton upgrade announce upgrade.json --log log --name owners.example/upgrades --key log.key",
      "adyton upgrade hand-over --from https://old:8443 --to https://new:8443 --from-policy old-policy.json --to-policy new-policy.json --log log/upgrades.jsonl --announced announced --head head --credential-file operator.credential",
    ],
  ),
  ...rows(
    "docs/tutorials/a-ledger.md",
    "needs a ledger with rows: tests/integration/ledger.test.ts, which the walk types, runs it on the one that it fills",
    ["node examples/read-ledger.ts RPC LEDGER ACCOUNT LOCAL_KEY"],
  ),
];
