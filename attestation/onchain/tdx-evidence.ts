import * as AbiParameters from "ox/AbiParameters";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { malformed } from "../encoding/malformed.ts";
import { SGX_REPORT_BODY_BYTES } from "../intel/quote-layout.ts";
import { parseQuote, type Quote } from "../intel/quote.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import { toFixedWidthEcdsa } from "../x509/signature.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface TdxEvidenceOptions {
  /**
   * Whether the PCK CA's certificate travels along: the first time, or never again once the contract remembers its key
   * (`IntermediateRemembered`).
   */
  readonly intermediate: "include" | "omit";
}

/** `TdxEvidence` of contracts/src/interfaces/ITdxVerifier.sol. */
const TDX_EVIDENCE = [
  {
    type: "tuple",
    components: [
      { name: "quote", type: "bytes" },
      { name: "leaf", type: "bytes" },
      { name: "leafR", type: "bytes32" },
      { name: "leafS", type: "bytes32" },
      { name: "issuerX", type: "bytes32" },
      { name: "issuerY", type: "bytes32" },
      { name: "intermediate", type: "bytes" },
      { name: "intermediateR", type: "bytes32" },
      { name: "intermediateS", type: "bytes32" },
    ],
  },
] as const;

/** Order of P-256 (FIPS 186-5, SEC 2 §2.4.2). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Between body and QE report: length of the signature data (4), signature (64), key (64), type (2) and size (4). */
const SIGNATURE_HEAD_BYTES = 138;

/** After the QE report: its signature (64) and the length of the authentication data (2). */
const QE_TAIL_BYTES = 66;

const latin1 = new TextDecoder("latin1");
const ZERO_WORD: Hex = `0x${"00".repeat(32)}`;

/**
 * The evidence that `TdxVerifier` takes on chain, from a TDX quote of version 4 or 5 that carries its PCK chain.
 *
 * Holds on return: the bytes are in the contract's form. Judged by nobody: the contract does, and believes no part of it.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for a quote that is not TDX
 */
export function encodeTdxEvidence(quote: Bytes, { intermediate }: TdxEvidenceOptions): Bytes {
  const parsed = parseQuote(quote);
  if (parsed.bodyType === "sgx") {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "only TDX quotes are admitted on chain",
    });
  }
  const { leaf, issuer } = readChain(parsed);
  const leafSignature = toLowS(leaf.signature);
  const issuerSignature = toLowS(issuer.signature);
  const isIncluded = intermediate === "include";
  const encoded = AbiParameters.encode(TDX_EVIDENCE, [
    {
      quote: toHex(withoutCertificates(quote, parsed)),
      leaf: toHex(leaf.tbs),
      leafR: leafSignature.r,
      leafS: leafSignature.s,
      issuerX: toHex(issuer.publicKey.key.subarray(1, 33)),
      issuerY: toHex(issuer.publicKey.key.subarray(33, 65)),
      intermediate: isIncluded ? toHex(issuer.tbs) : "0x",
      intermediateR: isIncluded ? issuerSignature.r : ZERO_WORD,
      intermediateS: isIncluded ? issuerSignature.s : ZERO_WORD,
    },
  ]);
  return fromHex(encoded);
}

/** The quote up to the end of the QE authentication data; the certificates travel as DER. */
function withoutCertificates(quote: Bytes, { signed, qeAuthenticationData }: Quote): Bytes {
  const end =
    signed.length +
    SIGNATURE_HEAD_BYTES +
    SGX_REPORT_BODY_BYTES +
    QE_TAIL_BYTES +
    qeAuthenticationData.length;
  return quote.subarray(0, end);
}

function readChain({ pckChain }: Quote): { readonly leaf: Certificate; readonly issuer: Certificate } {
  if (pckChain === null) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the quote brings no PCK chain, which a contract needs in it",
    });
  }
  const certificates = splitPem(latin1.decode(pckChain), "CERTIFICATE").map((body) =>
    parseCertificate(fromBase64(body)),
  );
  // By name and not by place: some quotes carry leaf, root, intermediate.
  const leaf = certificates.find(({ basicConstraints }) => !basicConstraints.isCa);
  const issuer = certificates.find(
    ({ subject, basicConstraints }) => basicConstraints.isCa && subject === leaf?.issuer,
  );
  if (leaf === undefined || issuer?.publicKey.kind !== "P-256")
    throw malformed("quote carries no PCK certificate with its issuer");
  return { leaf, issuer };
}

/** r and s of a DER signature; of s and n - s, which are the same statement, the lower. */
function toLowS(signature: Bytes): { readonly r: Hex; readonly s: Hex } {
  const fixed = toFixedWidthEcdsa(signature, "P-256");
  const s = BigInt(toHex(fixed.subarray(32)));
  const low = s > P256_ORDER / 2n ? P256_ORDER - s : s;
  return { r: toHex(fixed.subarray(0, 32)), s: `0x${low.toString(16).padStart(64, "0")}` };
}
