import { toUtf8 } from "../../protocol/bytes.ts";
import { parseJsonEvidence, tryParseJsonEvidence } from "./json-evidence.ts";

/** Bytes that may be evidence, and the JSON value that they are: parsed once, whichever kinds ask for it. */
export class EvidenceInput {
  /** A value inside of a larger JSON document, which is no other form of evidence. */
  readonly isMember: boolean;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #json: { readonly value: unknown } | undefined;

  /** @param source bytes, copied: the caller's buffer could change while they are judged */
  constructor(source: Uint8Array | { readonly json: unknown }) {
    this.isMember = !(source instanceof Uint8Array);
    if (source instanceof Uint8Array) this.#bytes = new Uint8Array(source);
    else this.#json = { value: source.json };
  }

  /** Of a member of a document, the JSON text that it would have by itself. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#bytes ??= toUtf8(JSON.stringify(this.#json?.value));
    return this.#bytes;
  }

  /** Undefined where the bytes are not JSON. */
  get json(): unknown {
    this.#json ??= { value: tryParseJsonEvidence(this.bytes) };
    return this.#json.value;
  }

  /** @throws {EvidenceError} EVIDENCE_MALFORMED where the bytes are not JSON */
  requireJson(): unknown {
    return this.json ?? parseJsonEvidence(this.bytes);
  }
}

/** The input of recognisers and parsers: bytes alone, or bytes that another reader may have parsed as JSON before. */
export type EvidenceBytes = Uint8Array | EvidenceInput;

export function toEvidenceInput(evidence: EvidenceBytes): EvidenceInput {
  return evidence instanceof EvidenceInput ? evidence : new EvidenceInput(evidence);
}
