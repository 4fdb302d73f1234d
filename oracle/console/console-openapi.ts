/** OpenAPI 3.1 of the console's listener. A test compares it with the routes that the listener has. */

const reply = (description: string): object => ({
  description,
  content: { "application/json": { schema: { type: "object" } } },
});

export const CONSOLE_OPENAPI = {
  openapi: "3.1.0",
  info: {
    title: "Adyton oracle, console",
    version: "1",
    description: "What a node shows its operator. Read-only.",
  },
  components: { securitySchemes: { console: { type: "http", scheme: "bearer" } } },
  paths: {
    "/v1/console": {
      get: {
        summary:
          "chains, queue, enclaves, keys and what they cost, the last two hours by the minute, and the alerts that stand; wei as decimal strings",
        security: [{ console: [] }],
        responses: {
          200: reply("the node's state"),
          401: reply("the token is missing or wrong"),
          429: reply("too many at once"),
        },
      },
    },
    "/v1/openapi.json": { get: { summary: "this document", responses: { 200: reply("OpenAPI") } } },
  },
} as const;
