import "reflect-metadata";
import { Extension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { encodeEvidenceExtension, EVIDENCE_EXTENSION } from "../../attestation/ra-tls/evidence-extension.ts";
import { fromHex } from "../../protocol/bytes.ts";
import type { BoundEvidence } from "../../protocol/receipt.ts";
import type { EnclaveKeys } from "./keys.ts";

/** Kinds of evidence that are quotes in Intel's format, for which the CCC has a tag of its own. */
const INTEL_QUOTES: ReadonlySet<string> = new Set(["tdx", "sgx", "simulator"]);

const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface CertificateOptions {
  readonly keys: EnclaveKeys["tls"];
  readonly evidence: BoundEvidence;
  /** DNS names and addresses. What a client relies on is the evidence; these let it check a name as well. */
  readonly names?: readonly string[];
  /** Seconds. Its dates tell clients when to ask again; trust comes from the evidence, not from them. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A self-signed certificate of the TLS key that carries its own evidence (RA-TLS), in PEM. */
export async function issueCertificate(options: CertificateOptions): Promise<string> {
  const { kind, bytes, claims } = options.evidence;
  const extension = encodeEvidenceExtension(INTEL_QUOTES.has(kind) ? "intel-quote" : "other", {
    evidence: fromHex(bytes),
    claims: fromHex(claims),
  });
  const pkcs8 = options.keys.privateKey.export({ type: "pkcs8", format: "der" });
  const spki = options.keys.publicKey.export({ type: "spki", format: "der" });
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `01${randomBytes(15).toString("hex")}`,
      name: "CN=adyton enclave",
      notBefore: new Date(options.notBefore * 1000),
      notAfter: new Date(options.notAfter * 1000),
      signingAlgorithm: ECDSA_P256,
      keys: {
        privateKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, ECDSA_P256, false, ["sign"]),
        publicKey: await webcrypto.subtle.importKey("spki", spki, ECDSA_P256, true, ["verify"]),
      },
      extensions: [
        new SubjectAlternativeNameExtension(
          [...new Set(options.names ?? [])].map((value) => ({
            type: isIP(value) === 0 ? "dns" : "ip",
            value,
          })),
        ),
        new Extension(EVIDENCE_EXTENSION, false, extension),
      ],
    },
    webcrypto,
  );
  return certificate.toString("pem");
}
