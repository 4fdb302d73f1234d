/** OpenAPI 3.1 of the index. A test compares it with the routes that the server has. */

const REQUEST_ID = {
  name: "requestId",
  in: "path",
  required: true,
  schema: { type: "string", pattern: "^0x[0-9a-f]{64}$" },
} as const;

const query = (name: string, schema: object, description: string): object => ({
  name,
  in: "query",
  required: false,
  schema,
  description,
});

const reply = (description: string, type = "application/json"): object => ({
  description,
  content: { [type]: { schema: type === "application/json" ? { type: "object" } : { type: "string" } } },
});

const ERRORS = {
  400: reply("a parameter is wrong"),
  404: reply("not known to this node"),
  429: reply("too many at once"),
} as const;

const UNSETTLED = reply("not settled on chain, and not its user's to carry there");

const BYTES_32 = { type: "string", pattern: "^0x[0-9a-f]{64}$" } as const;

const PAGE = [
  query("chainId", { type: "integer" }, "of this chain"),
  query("before", { type: "string", pattern: "^[0-9]+-[0-9]+-[0-9]+$" }, "the `next` of the page before"),
  query("limit", { type: "integer", minimum: 1, maximum: 500 }, "page size, 50 by default"),
] as const;

const LEDGER = [
  {
    name: "ledger",
    in: "path",
    required: true,
    schema: { type: "string", pattern: "^0x[0-9a-f]{40}$" },
  },
  query("chainId", { type: "integer" }, "of this chain, where several have a ledger at the address"),
] as const;

const QUOTE_TERMS = [
  ["chainId", { type: "integer" }, "chain of the request"],
  ["payload", { type: "string", pattern: "^0x(?:[0-9a-f]{2})*$" }, "payload of the request"],
  ["threshold", { type: "integer", minimum: 1, maximum: 8 }, "answers wanted, 1 by default"],
  ["aggregation", { enum: [0, 1, 2, 3] }, "first (default), identical, median, median of unsigned"],
  ["delivery", { enum: [0, 1, 2] }, "callback (default), hash, pull"],
  ["callbackGasLimit", { type: "integer" }, "gas of the callback, 200000 by default"],
  ["maxOutputBytes", { type: "integer" }, "longest output, 1024 by default"],
] as const;

const QUOTE_ERRORS = {
  ...ERRORS,
  503: reply("no enclave or no RPC server can be asked now"),
} as const;

export const OPENAPI = {
  openapi: "3.1.0",
  info: {
    title: "Adyton oracle",
    version: "1",
    description:
      "What was asked, what became of it on chain, and the receipts. Public data; read-only but for /v1/admin.",
  },
  components: { securitySchemes: { admin: { type: "http", scheme: "bearer" } } },
  paths: {
    "/v1/health": {
      get: {
        summary: "whether every chain is followed and an enclave is verified",
        responses: { 200: reply("ok"), 503: reply("degraded") },
      },
    },
    "/v1/ready": {
      get: {
        summary: "whether a request could be answered now",
        responses: { 200: reply("ready"), 503: reply("not ready") },
      },
    },
    "/v1/metrics": {
      get: { summary: "Prometheus metrics", responses: { 200: reply("metrics", "text/plain") } },
    },
    "/v1/openapi.json": { get: { summary: "this document", responses: { 200: reply("OpenAPI") } } },
    "/v1/contracts": {
      get: {
        summary:
          "what this node serves on each chain, as the chain has it, half a minute old at most: policies with their rules, ledgers, agents' accounts",
        responses: {
          200: reply("{chains: [{chainId, coordinator, registry, policies, ledgers, agents}]}"),
          404: ERRORS[404],
          429: ERRORS[429],
        },
      },
    },
    "/v1/quote": {
      get: {
        summary: "the node's price list; with parameters, what one request must offer",
        parameters: QUOTE_TERMS.map(([name, schema, description]) => query(name, schema, description)),
        responses: {
          200: reply("{models, chains}, or {chainId, fee, gasPriceCap, escrow}"),
          ...QUOTE_ERRORS,
        },
      },
      post: {
        summary: "what one request must offer, for payloads that do not fit into a URL",
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["chainId", "payload"],
                properties: Object.fromEntries(QUOTE_TERMS.map(([name, schema]) => [name, schema])),
              },
            },
          },
        },
        responses: { 200: reply("{chainId, fee, gasPriceCap, escrow}"), ...QUOTE_ERRORS },
      },
    },
    "/v1/ledgers/{ledger}/transitions": {
      get: {
        summary:
          "writes of a proven ledger that this node's enclaves signed and that are not settled, for whoever proves epochs",
        parameters: LEDGER,
        responses: { 200: reply("{signers, transitions}"), ...QUOTE_ERRORS },
      },
    },
    "/v1/ledgers/{ledger}/writes": {
      post: {
        summary:
          "names the row of a proven ledger that a request's answer is for; the request's context confirms it",
        parameters: LEDGER,
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["requestId", "localKey", "seq"],
                properties: { requestId: BYTES_32, localKey: BYTES_32, seq: { type: "string" } },
              },
            },
          },
        },
        responses: { 204: { description: "taken" }, ...ERRORS },
      },
    },
    "/v1/requests": {
      get: {
        summary: "requests, newest first",
        parameters: [
          ...PAGE,
          query(
            "phase",
            { enum: ["seen", "asked", "answered", "refused", "sent", "settled"] },
            "in this phase",
          ),
          query("consumer", { type: "string", pattern: "^0x[0-9a-f]{40}$" }, "asked by this contract"),
          query("keysetId", BYTES_32, "answered here, or settled on chain, by this keyset"),
          query("status", { type: "integer" }, "answered here with this status"),
          query("settlement", { enum: ["fulfilled", "refunded", "cancelled"] }, "ended on chain in this way"),
          query("callback", { enum: ["failed"] }, "whose callback failed and was not delivered again"),
          query(
            "model",
            { type: "string", maxLength: 128 },
            "of models whose name holds this, where the question is public",
          ),
          query("since", { type: "integer" }, "asked in a block of this time or later, in seconds"),
        ],
        responses: { 200: reply("{requests, next}"), 400: ERRORS[400], 429: ERRORS[429] },
      },
    },
    "/v1/live": {
      get: {
        summary: "server-sent events: `changed`, when a request is new or has moved on",
        responses: { 200: reply("events", "text/event-stream"), 429: ERRORS[429] },
      },
    },
    "/v1/admissions": {
      get: {
        summary: "admissions of keysets on chain, and their ends, newest first",
        parameters: [
          ...PAGE,
          query("keysetId", BYTES_32, "of this keyset"),
          query("policyId", BYTES_32, "under this policy"),
        ],
        responses: { 200: reply("{admissions, next}"), 400: ERRORS[400], 429: ERRORS[429] },
      },
    },
    "/v1/requests/{requestId}": {
      get: {
        summary:
          "a request with its answer (its status in words, and from when on it settles; the output once the chain has it, or at once where its user carries it there), leaves, settlement and transactions",
        parameters: [REQUEST_ID],
        responses: { 200: reply("request"), ...ERRORS },
      },
    },
    "/v1/answers/{requestId}": {
      get: {
        summary:
          "the signed answer, for a contract call by the user (pull); of other deliveries once settled",
        parameters: [REQUEST_ID],
        responses: {
          200: reply("{request, answer, output, signature, stateBlockNumber}, as IAnswerChecker takes them"),
          ...ERRORS,
          409: UNSETTLED,
        },
      },
    },
    "/v1/receipts/{requestId}": {
      get: {
        summary:
          "the receipt file, or its COSE twin (application/eat+cwt) while its enclave lives; but for pull, once settled",
        parameters: [REQUEST_ID],
        responses: { 200: reply("receipt"), ...ERRORS, 409: UNSETTLED },
      },
    },
    "/v1/peers/shares": {
      post: {
        summary:
          "leaves and answers of quorums, from the node of another operator: signed (RFC 9421), and only where operators are configured",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { type: "object", required: ["shares"] } } },
        },
        responses: {
          200: reply("{results}: kept, later or refused, in the order of the shares"),
          ...ERRORS,
          401: reply("not signed by a listed node"),
        },
      },
    },
    "/v1/admin/dead-letters": {
      get: {
        summary: "jobs that failed for good",
        security: [{ admin: [] }],
        responses: { 200: reply("jobs") },
      },
    },
    "/v1/admin/requests/{requestId}/retry": {
      post: {
        summary: "take a request up again",
        parameters: [REQUEST_ID],
        security: [{ admin: [] }],
        responses: { 202: reply("queued"), ...ERRORS, 409: reply("settled") },
      },
    },
    "/v1/admin/chains/{chainId}/accept-reorg": {
      post: {
        summary: "follow a history that drops what counted as settled",
        parameters: [{ name: "chainId", in: "path", required: true, schema: { type: "integer" } }],
        security: [{ admin: [] }],
        responses: { 202: reply("accepted"), ...ERRORS },
      },
    },
    "/v1/admin/drain": {
      post: {
        summary: "take no more work, finish what is under way, and exit",
        security: [{ admin: [] }],
        responses: { 202: reply("draining") },
      },
    },
  },
} as const;
