/**
 * A CRE workflow that carries a contract's question to an enclave, and what the enclave signed back. It is believed in nothing: the
 * contract checks the enclave's signature, whoever brings it. Apache-2.0.
 */

import {
  bytesToHex,
  ConfidentialHTTPClient,
  EVMClient,
  type EVMLog,
  getNetwork,
  handler,
  logTriggerConfig,
  ok,
  prepareReportRequest,
  Runner,
  type Runtime,
  text,
} from "@chainlink/cre-sdk";
import { decodeAbiParameters, encodeAbiParameters, type Hex, keccak256, toBytes } from "viem";
import { z } from "zod";

const Config = z.object({
  chainSelectorName: z.string(),
  isTestnet: z.boolean(),
  /** A contract that inherits CreOracleConsumer. */
  consumer: z.string(),
  /** `adyton front`, with a public certificate. */
  frontUrl: z.string(),
  /** For checking the answer (about 100,000) and for `_onAnswer`. */
  gasLimit: z.string(),
  /** Who owns the secret ENCLAVE_CREDENTIAL in the vault. */
  owner: z.string(),
});
type Config = z.infer<typeof Config>;

const QUESTION_ASKED = keccak256(toBytes("QuestionAsked(bytes32,uint64,bytes)"));
/** An execution has 15 calls and five minutes; a call waits for 50 seconds. */
const MAX_CALLS = 5;
/** What CreOracleConsumer takes. */
const MAX_RESPONSE_BYTES = 4238;

/** One stored block of RFC 1951 §3.2.4: the front inflates it, and QuickJS needs no compressor. */
function stored(bytes: Uint8Array): Uint8Array {
  const length = bytes.length;
  const block = new Uint8Array(length + 5);
  block.set([1, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255]);
  block.set(bytes, 5);
  return block;
}

function ask(runtime: Runtime<Config>, call: Hex): Hex {
  const question = Uint8Array.from(Buffer.from(call.slice(2), "hex"));
  const bodyString = JSON.stringify({
    call: Buffer.from(stored(question)).toString("base64"),
    maxResponseBytes: MAX_RESPONSE_BYTES,
  });
  let last = "no reply";
  for (let attempt = 0; attempt < MAX_CALLS; attempt++) {
    // One call for the whole network. The credential is filled in inside Chainlink's enclave: no node sees it.
    const reply = new ConfidentialHTTPClient()
      .sendRequest(runtime, {
        request: {
          url: `${runtime.config.frontUrl}/v1/functions/answers`,
          method: "POST",
          bodyString,
          timeout: "60s",
          multiHeaders: {
            "content-type": { values: ["application/json"] },
            authorization: { values: ["Bearer {{.ENCLAVE_CREDENTIAL}}"] },
            prefer: { values: ["wait=50"] },
          },
        },
        vaultDonSecrets: [{ key: "ENCLAVE_CREDENTIAL", owner: runtime.config.owner }],
      })
      .result();
    if (ok(reply) && reply.statusCode === 200) return (JSON.parse(text(reply)) as { response: Hex }).response;
    last = reply.statusCode === 202 ? "the model is slow" : `HTTP ${reply.statusCode}`;
    // Nothing but patience helps against these.
    if (reply.statusCode >= 400 && reply.statusCode < 500 && reply.statusCode !== 429) break;
  }
  throw new Error(`adyton: ${last}`);
}

const onQuestion = (runtime: Runtime<Config>, log: EVMLog): string => {
  const { config } = runtime;
  const [, topic] = log.topics;
  if (topic === undefined) throw new Error("adyton: an event without its request");
  const requestId = bytesToHex(topic) as Hex;
  const [, call] = decodeAbiParameters([{ type: "uint64" }, { type: "bytes" }], bytesToHex(log.data) as Hex);
  const response = ask(runtime, call);
  const payload = encodeAbiParameters([{ type: "bytes32" }, { type: "bytes" }], [requestId, response]);
  const report = runtime.report(prepareReportRequest(payload)).result();
  const sent = new EVMClient(networkOf(config).chainSelector.selector)
    .writeReport(runtime, { receiver: config.consumer, report, gasConfig: { gasLimit: config.gasLimit } })
    .result();
  runtime.log(`brought the answer to ${requestId}: transaction status ${sent.txStatus}`);
  return requestId;
};

function networkOf({ chainSelectorName, isTestnet }: Config) {
  const network = getNetwork({ chainFamily: "evm", chainSelectorName, isTestnet });
  if (network === undefined) throw new Error(`adyton: CRE knows no chain ${chainSelectorName}`);
  return network;
}

const init = (config: Config) => {
  const evm = new EVMClient(networkOf(config).chainSelector.selector);
  const trigger = logTriggerConfig({ addresses: [config.consumer as Hex], topics: [[QUESTION_ASKED]] });
  return [handler(evm.logTrigger(trigger), onQuestion)];
};

export async function main() {
  const runner = await Runner.newRunner<Config>({ configSchema: Config });
  await runner.run(init);
}
