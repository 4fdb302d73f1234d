/**
 * The script that each node of Chainlink Functions runs: it asks the enclave for its answer and returns the bytes as they are. The enclave gives
 * every node the same bytes, so the network agrees; it signs them, so the network is believed in nothing.
 *
 * Limits of Functions: 5 HTTP calls, 10 seconds in all, 2,048 bytes of request body. Compiled into one line of JavaScript by
 * tools/write-functions-script.ts; only this function's body travels, so it uses nothing from outside.
 */

/** What Functions gives a script, as far as this one uses it. */
export interface FunctionsSurroundings {
  readonly Functions: {
    readonly makeHttpRequest: (request: FunctionsHttpRequest) => Promise<FunctionsHttpReply>;
  };
  readonly secrets: Readonly<Record<string, string>>;
  readonly bytesArgs: readonly string[];
}

export interface FunctionsHttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly timeout: number;
}

export interface FunctionsHttpReply {
  readonly error: boolean;
  readonly status?: number;
  readonly code?: string;
  readonly data?: { readonly response?: string };
  readonly response?: { readonly status?: number };
}

export async function askEnclave({
  Functions,
  secrets,
  bytesArgs,
}: FunctionsSurroundings): Promise<Uint8Array> {
  const { enclaveUrl, enclaveCredential } = secrets;
  if (enclaveUrl === undefined || enclaveCredential === undefined)
    throw Error("adyton: secrets need enclaveUrl and enclaveCredential");
  const toBytes = (hex = ""): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const stream = new Blob([toBytes(bytesArgs[0])]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const deflated = new Uint8Array(await new Response(stream).arrayBuffer());
  const data = { call: btoa(String.fromCharCode(...deflated)) };
  if (JSON.stringify(data).length > 2048) throw Error("adyton: the question is too long for Functions");
  // A second is left for starting and for returning.
  const end = performance.now() + 9000;
  let last = "no reply";
  for (let call = 0; call < 5; call++) {
    const left = end - performance.now();
    if (left < 300) break;
    const reply = await Functions.makeHttpRequest({
      url: enclaveUrl + "/v1/functions/answers",
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer " + enclaveCredential },
      data,
      timeout: Math.min(left, 4000),
    });
    const response = reply.error ? undefined : reply.data?.response;
    if (response !== undefined) return toBytes(response);
    // Networks differ in where they put the status of a refusal.
    const status = Number(reply.error ? (reply.response?.status ?? reply.code) : reply.status) || 0;
    last = status === 202 ? "the model is slow" : status === 0 ? "no reply" : `HTTP ${status}`;
    // A question that the enclave refuses for good is not asked again.
    if (status >= 400 && status < 500 && status !== 429) break;
    // The enclave has held a call that it answers with 202; after a failure it is for us to wait.
    if (status !== 202) await new Promise((done) => setTimeout(done, 500));
  }
  throw Error("adyton: " + last);
}
