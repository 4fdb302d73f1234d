/**
 * All that a program sees, as types. Every call is recorded, and results come in the
 * order in which the calls were made, so that `Promise.race` takes the earlier call and never the faster one.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Hex = `0x${string}`;

/** What a program exports as its default. */
export type Main<Input extends Json = Json, Output extends Json = Json> = (
  input: Input,
  host: Host,
) => Output | Promise<Output>;

export interface Host {
  readonly run: {
    readonly id: Hex;
    readonly program: Hex;
    /** Seconds; the same for the whole run, and what `Date` says. */
    readonly now: number;
    readonly trigger: Trigger;
    /** That the answer is bound to, on the chain that asked; null off chain. */
    readonly block: { readonly number: string; readonly hash: Hex } | null;
  };
  /** `feeWei` and `seconds`: as of the last call that came back. */
  readonly left: {
    readonly gas: number;
    readonly calls: number;
    readonly feeWei: string;
    readonly seconds: number;
  };
  model(question: ModelQuestion): Promise<ModelReply>;
  /**
   * `returns`: an output type, such as `(bool flagged, string reason)`. An answer that does not fit it, or whose encoding has more
   * than 65,536 bytes, is a BAD_RESPONSE.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what `returns` says, in the words of types
  model<Value extends Json>(
    question: ModelQuestion & { readonly returns: string },
  ): Promise<ModelReply & { readonly value: Value }>;
  /** Several models, one answer: whole, of one of them, by the rules of docs/explanation/panels.md. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as for `model`
  panel<Value extends Json>(
    models: readonly string[],
    rule: PanelRule,
    question: Omit<ModelQuestion, "model"> & { readonly returns: string },
  ): Promise<{ readonly value: Value; readonly agreed: number }>;
  /** Asks a model, runs the tools that it calls, and asks again, until it answers; at most `maxSteps` times (8). */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as for `model`
  loop<Value extends Json>(
    options: Omit<ModelQuestion, "tools"> & {
      readonly tools: Readonly<Record<string, Tool>>;
      readonly returns: string;
      readonly maxSteps?: number;
    },
  ): Promise<{ readonly value: Value; readonly steps: number }>;
  http(request: HttpRequest): Promise<HttpResponse>;
  /** State of a chain, by a server that the manifest lets it ask: proven, and never on the server's word. */
  chain(options: ChainOptions): Chain;
  /** Tools of a server of the Model Context Protocol, over streamable HTTP. */
  mcp(options: McpOptions): Mcp;
  log(...values: readonly Json[]): void;
  /** Seconds, by the enclave's clock, now; recorded. */
  clock(): Promise<number>;
}

export type Trigger = "request" | "slot" | "event" | "http";
export type PanelRule = "majority" | "median" | "unanimous";

export interface ModelQuestion {
  /** One of the manifest's; its first where none is named. */
  readonly model?: string;
  readonly messages: readonly Message[];
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly effort?: "none" | "low" | "medium" | "high" | "xhigh" | "max";
  readonly tools?: Readonly<Record<string, Omit<Tool, "run">>>;
}

export type Message =
  | { readonly role: "system" | "user"; readonly content: string }
  /** `reply`: the model's reply that this message repeats, where it called tools. */
  | { readonly role: "assistant"; readonly content: string; readonly reply?: ModelReply }
  | { readonly role: "tool"; readonly call: ModelToolCall; readonly content: string };

export interface ModelToolCall {
  readonly id: string | null;
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly arguments: string;
  readonly signature?: string;
}

export interface ModelReply {
  readonly text: string;
  readonly toolCalls: readonly ModelToolCall[];
  readonly returnedModel: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  /** The provider's own items, to be handed back unread with the results of tools. */
  readonly carry: Json;
}

export interface Tool {
  readonly description: string;
  /** A JSON Schema whose root is an object. */
  readonly parameters: Json;
  readonly run: (args: Json) => Json | Promise<Json>;
}

export interface HttpRequest {
  readonly url: string;
  readonly method?: HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes as it is; anything else as JSON. */
  readonly body?: Json;
  /** Of a header, the name of the secret that fills it: its value is never seen by the program. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** undefined where the text is no JSON. */
  readonly json: Json | undefined;
  readonly server: { readonly host: string; readonly spkiHash: Hex };
}

export interface McpOptions {
  /** As the manifest has it. */
  readonly url: string;
  /** As for `http`: they fill headers of each request. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** One session, for as long as the run lasts: the first use greets the server, with two requests more. */
export interface Mcp {
  /** All that the server has, also those that the manifest does not let the program call. */
  tools(): Promise<readonly McpTool[]>;
  /** One of the tools that the manifest names. An error of the server's is a BAD_RESPONSE; one of the tool's has `isError`. */
  call(tool: string, args?: { readonly [name: string]: Json }): Promise<McpResult>;
}

export interface McpTool {
  readonly name: string;
  readonly description: string;
  /** A JSON Schema whose root is an object. */
  readonly inputSchema: Json;
}

export interface McpResult {
  readonly content: readonly { readonly [name: string]: Json }[];
  readonly structuredContent: { readonly [name: string]: Json } | null;
  readonly isError: boolean;
}

export interface ChainOptions {
  /** Of a JSON-RPC server; the manifest has its origin, and POST. */
  readonly rpc: string;
  /**
   * The block that is read: `host.run.block` for the chain that asked, and nothing that a server says then counts beside its hash.
   * Without it one of the server's, `confirmations` (2) behind its latest and at most `maxAgeSeconds` (120) old: that the chain has
   * such a block is the server's word.
   */
  readonly at?: { readonly number: string; readonly hash: Hex } | null;
  /** Of the chain, for views that ask for it; the program's word, as its RPC server is. */
  readonly chainId?: number;
  readonly confirmations?: number;
  readonly maxAgeSeconds?: number;
}

/** One block, for as long as the run lasts. */
export interface Chain {
  block(): Promise<{ readonly number: string; readonly hash: Hex; readonly timestamp: number }>;
  /** Decimal numbers; a `codeHash` of zeros where there is no such account. */
  account(
    address: Hex,
  ): Promise<{ readonly nonce: string; readonly balance: string; readonly codeHash: Hex }>;
  /** The word in a slot of an account's storage. */
  storage(address: Hex, slot: Hex): Promise<Hex>;
  /**
   * All logs of an account that fit, from `fromBlock` to `toBlock` (the pinned one), within the 64 blocks that end with the pinned one:
   * each block is linked to it, and all of its receipts are under its root, so that none is left out.
   */
  logs(filter: LogFilter): Promise<readonly ChainLog[]>;
  /**
   * What a view returns, such as `balanceOf(address) returns (uint256)`: run over proven state. Numbers are decimal strings, and
   * `ufixed256x18` in place of `uint256` writes 18 decimals out. A view that reverts throws `REVERTED`.
   */
  call(to: Hex, signature: string, args?: readonly Json[]): Promise<readonly Json[]>;
}

export interface LogFilter {
  readonly address: Hex;
  /** In their places; null: any. */
  readonly topics?: readonly (Hex | null)[];
  /** Decimal. */
  readonly fromBlock: string;
  readonly toBlock?: string;
}

export interface ChainLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: string;
  readonly blockHash: Hex;
  readonly transactionIndex: number;
  readonly logIndex: number;
}

export type CallErrorCode =
  | "REFUSED"
  | "OUT_OF_BUDGET"
  | "OUT_OF_TIME"
  | "UNREACHABLE"
  | "TIMEOUT"
  | "BAD_RESPONSE"
  | "TOO_LARGE"
  | "MODEL_REFUSED"
  | "REVERTED";

/** Thrown by calls. */
export interface CallError extends Error {
  readonly code: CallErrorCode;
  /** Whoever runs the machine could have made it happen. */
  readonly hostCausable: boolean;
}
