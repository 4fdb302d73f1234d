/** What enclave, oracle, contracts and verifiers agree on. Reference: docs/reference/protocol.md. */

export * from "./answer.ts";
export * from "./batch.ts";
export * from "./bytes.ts";
export * from "./canonical-json.ts";
export * from "./claims.ts";
export * from "./cose-receipt.ts";
export * from "./domain.ts";
export * from "./enclave-api.ts";
export * from "./errors.ts";
export * from "./functions-answer.ts";
export * from "./functions-request.ts";
export * from "./keyset.ts";
export * from "./limits.ts";
export * from "./merkle-tree.ts";
export * from "./output-abi.ts";
export * from "./output-type.ts";
export * from "./packed-words.ts";
export * from "./payload.ts";
export * from "./prompt.ts";
export * from "./receipt-log.ts";
export * from "./receipt.ts";
export * from "./request.ts";
export * from "./sealed-payload.ts";
export * from "./sealed-secret.ts";
export * from "./struct-hash.ts";
export * from "./transcript.ts";
