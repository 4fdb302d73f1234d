/**
 * Cases of tinfoil-conformance that are files of theirs: `ADYTON_SUITES` names a folder of checkouts, `owner+name` each
 * (docs/reference/vectors.md, Other projects' suites).
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseAmdEndorsements } from "../../../attestation/amd/amd-endorsements.ts";
import { AMD_ROOTS } from "../../../attestation/amd/roots.ts";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { INTEL_TRUST } from "../../../attestation/intel/trust.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { parseCertificates } from "../../../attestation/x509/pem-or-der.ts";
import { createTrustAnchor } from "../../../attestation/x509/trust-anchor.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { SUITES_FOLDER, VECTORS_FOLDER } from "../../support/vectors/config.ts";
import { outcomeOf } from "../../support/outcome-of.ts";

interface TinfoilInput {
  readonly quote_b64?: string;
  readonly attestation_doc_b64?: string;
  readonly vcek_der_b64?: string;
  readonly amd_root_ca_pem?: string;
  readonly ask_pem?: string;
  readonly collateral: Record<string, string | undefined>;
  readonly expiration_check_date_unix: number;
}

const CHECKOUT = join(SUITES_FOLDER, "tinfoilsh+tinfoil-conformance");

describe.skipIf(!existsSync(CHECKOUT))(
  "tinfoilsh/tinfoil-conformance 13a81ec: its inputs, read in place",
  () => {
    const bytes = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, "base64"));
    const anchorOf = (text: string) =>
      createTrustAnchor("the suite's own", parseCertificates(toUtf8(text))[0]!.publicKey.spkiHex);
    const bundle = join(VECTORS_FOLDER, "collateral/bundles/sgx-00606a000000-tcb2023-01-18-e14-v3-5716.json");

    async function verifyTdx({
      quote_b64,
      collateral: given,
      expiration_check_date_unix: now,
    }: TinfoilInput): Promise<unknown> {
      const known = JSON.parse(readFileSync(bundle, "utf8")) as Record<string, string>;
      const hex = (base64 = ""): string => Buffer.from(base64, "base64").toString("hex");
      const signed = (text = "", name: string) => ({
        body: text.slice(text.indexOf(`"${name}":`) + name.length + 3, text.lastIndexOf(',"signature"')),
        signature: (JSON.parse(text) as { readonly signature: string }).signature,
      });
      const tcbInfo = signed(given["tcb_info_json"], "tcbInfo");
      const identity = signed(given["qe_identity_json"], "enclaveIdentity");
      const chain = (name: string): string | undefined => given[`${name}_pem`] ?? known[name];
      const root = given["intel_root_ca_pem"];
      return await verifyTdQuote("tdx", bytes(quote_b64 ?? ""), {
        endorsements: parseIntelEndorsements({
          pck_crl_issuer_chain: chain("pck_crl_issuer_chain"),
          tcb_info_issuer_chain: chain("tcb_info_issuer_chain"),
          qe_identity_issuer_chain: chain("qe_identity_issuer_chain"),
          root_ca_crl: hex(given["root_crl_der_b64"]),
          pck_crl: hex(given["pck_crl_der_b64"]),
          tcb_info: tcbInfo.body,
          tcb_info_signature: tcbInfo.signature,
          qe_identity: identity.body,
          qe_identity_signature: identity.signature,
        }),
        now,
        trust: root === undefined ? INTEL_TRUST : { ...INTEL_TRUST, anchor: anchorOf(root) },
      });
    }

    async function verifySnp(input: TinfoilInput): Promise<unknown> {
      const { attestation_doc_b64 = "", vcek_der_b64 = "", amd_root_ca_pem: root, ask_pem: ask } = input;
      const roots =
        root === undefined ? AMD_ROOTS : AMD_ROOTS.map((own) => ({ ...own, anchor: anchorOf(root) }));
      const certificates = [bytes(vcek_der_b64), ...(ask === undefined ? [] : [toUtf8(ask)])];
      return await verifySnpReportUnder(roots, new Uint8Array(gunzipSync(bytes(attestation_doc_b64))), {
        endorsements: parseAmdEndorsements({ certificates, crls: [] }),
        now: input.expiration_check_date_unix,
      });
    }

    test.for([
      ["attestation-tdx/310-wrong-quote-version", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/311-wrong-tee-type-sgx", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/313-wrong-qe-vendor", "EVIDENCE_UNSUPPORTED"],
      ["attestation-tdx/314-truncated-quote", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/320-pck-leaf-sig-broken", "EVIDENCE_CHAIN_INVALID"],
      // Its collateral has no issuer chains: the one that stands in for them holds the intermediate, whole.
      ["attestation-tdx/321-pck-intermediate-sig-broken", "genuine"],
      ["attestation-tdx/323-pck-chain-byte-changed", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/328-pck-crl-expired", "ENDORSEMENT_EXPIRED"],
      ["attestation-tdx/330-quote-sig-broken-via-header", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/331-quote-sig-broken-via-body", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/333-ak-mismatch", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/334-intermediate-revoked", "EVIDENCE_CA_REVOKED"],
      ["attestation-tdx/336-qe-identity-mrsigner-mismatch", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/337-qe-identity-field-mismatch", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/347-ak-binding-invalid", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/349-qe-identity-version-invalid", "ENDORSEMENT_MALFORMED"],
      ["attestation-tdx/350-tcb-uptodate", "genuine"],
      ["attestation-tdx/361-tcb-configuration-needed", "genuine"],
      ["attestation-tdx/362-tcb-config-and-sw-hardening-needed", "genuine"],
      ["attestation-tdx/390-public-api-tcb-uptodate", "genuine"],
      // A policy's matter here: genuine, and refused by its rules (docs/reference/vectors.md).
      ["attestation-tdx/346-tcb-eval-data-number-too-low", "genuine"],
      ["attestation-tdx/364-tcb-out-of-date-config-needed", "genuine"],
      ["attestation-tdx/365-tcb-swhardening-needed-policy-rejected", "genuine"],
      ["attestation-tdx/401-td-attributes-debug-bit-set", "genuine"],
      ["attestation-tdx/403-td-attributes-sec-reserved-lower-set", "genuine"],
      ["attestation-tdx/404-td-attributes-sec-bit29-reserved-set", "genuine"],
      ["attestation-tdx/412-xfam-fp-sse-not-set", "genuine"],
      ["attestation-tdx/413-xfam-forbidden-bit-set", "genuine"],
      ["attestation-sev/200-real-sev-snp-happy", "genuine"],
      ["attestation-sev/210-wrong-report-version", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/220-signature-byte-flipped", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/221-signed-region-measurement-tampered", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/231-vcek-signature-tampered", "EVIDENCE_CHAIN_INVALID"],
      ["attestation-sev/240-vcek-expired", "EVIDENCE_CHAIN_EXPIRED"],
      ["attestation-sev/410-host-data-pin-mismatch", "genuine"],
      ["attestation-sev/420-report-data-pin-mismatch", "genuine"],
      ["attestation-sev/440-author-key-digest-pin-mismatch", "genuine"],
      ["attestation-sev/450-tcb-bl-spl-below-min", "genuine"],
      ["attestation-sev/460-measurement-pin-match", "genuine"],
      ["attestation-sev/461-all-pins-match", "genuine"],
      ["attestation-sev/601-synth-reserved-mbo-cleared", "genuine"],
      ["attestation-sev/602-synth-reserved-mbz-set", "genuine"],
      ["attestation-sev/604-synth-baseline-accept", "genuine"],
      ["attestation-sev/700-vcek-hwid-mismatch", "EVIDENCE_PLATFORM_MISMATCH"],
      ["attestation-sev/702-vcek-ucode-spl-mismatch", "EVIDENCE_TCB_MISMATCH"],
      ["attestation-sev/703-vcek-missing-hwid-extension", "EVIDENCE_CHAIN_INVALID"],
    ] as const)("%s", async ([path, expected]) => {
      const input = JSON.parse(
        readFileSync(join(CHECKOUT, "vectors", path, "input.json"), "utf8"),
      ) as TinfoilInput;
      const verify = input.quote_b64 === undefined ? verifySnp : verifyTdx;
      expect(await outcomeOf(async () => await verify(input))).toBe(expected);
    });
  },
);
