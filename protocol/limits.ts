/** Every limit of the protocol, in one place, each with its unit and its reason. */

/** Bytes. A payload fits a request body, an event and a transaction with room to spare. */
export const MAX_PAYLOAD_BYTES = 65_536;
/**
 * Bytes of a payload of an off-chain call, which goes into no event and no transaction: images and documents fit, and a receipt that holds
 * call and forwarded request in hex is still one read into memory.
 */
export const MAX_CALL_PAYLOAD_BYTES = 2 * 1024 * 1024;
/** Bytes of `output`; a request may ask for less with `maxOutputBytes`. */
export const MAX_OUTPUT_BYTES = 65_536;
/** Arrays and objects inside each other in any JSON that is read: a reader that recurses never runs out of stack. */
export const MAX_JSON_DEPTH = 128;
export const MAX_MESSAGES = 64;
/** Pages, images, documents and reads of one prompt. */
export const MAX_PARTS = 32;
/** Bytes of a part's URL, signature or label: what browsers and servers take of a URL. */
export const MAX_PART_TEXT_BYTES = 2_048;
/** Seconds that an enclave's clock and a chain's may differ. */
export const CLOCK_TOLERANCE_SECONDS = 300;
/** Seconds from `requestedAt` to `deadline`: an enclave remembers each request for that long. */
export const MAX_LIFETIME_SECONDS = 7 * 24 * 60 * 60;
/** Keysets that commit to one request. */
export const MAX_QUORUM_LEAVES = 8;
/** Models of one panel: more would only multiply the price. */
export const MAX_PANEL_MODELS = 7;
export const MIN_CHOICES = 2;
export const MAX_CHOICES = 64;
/** Bytes of an output type's text, and how deep its tuples nest: a parser's work stays bounded. */
export const MAX_OUTPUT_TYPE_BYTES = 2_048;
export const MAX_OUTPUT_TYPE_DEPTH = 4;
export const MAX_TUPLE_FIELDS = 32;
/** Digits after the point of a `fixedMxN`, as in Solidity. */
export const MAX_DECIMALS = 80;
export const MAX_FIXED_ARRAY_LENGTH = 256;
/** Characters of a `provider/model` name. */
export const MAX_MODEL_NAME_LENGTH = 128;
/** Answers under one batch signature. */
export const MAX_BATCH_ANSWERS = 256;
export const MAX_TRANSCRIPT_EVENTS = 4_096;
/** Bytes of a receipt file: all bodies of a long agent run, and still one read into memory. */
export const MAX_RECEIPT_BYTES = 16 * 1024 * 1024;
/** Bytes that Chainlink Functions brings to a contract. */
export const MAX_FUNCTIONS_RESPONSE_BYTES = 256;
/** Bytes of a response that CRE brings: the 142 of an answer, and 4,096 of output, in a report of 5 KB. */
export const MAX_CRE_RESPONSE_BYTES = 4_238;
