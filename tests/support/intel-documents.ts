/** The fake Intel's collateral as a service and a folder have it, under names by which Intel's CAs are recognised. */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { NamedFile } from "../../attestation/endorsements/files/named-file.ts";
import type { FakeIntel } from "./fake-intel.ts";
import type { LocalAnswer } from "./local-server.ts";

export const FMSPC_PATH = "00aabbccddee";

const text = (intel: FakeIntel, member: string): string => String(intel.collateral[member]);
const der = (intel: FakeIntel, member: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(text(intel, member), "hex"));
const chain = (intel: FakeIntel, member: string): string => encodeURIComponent(text(intel, member));

export const signedTcbInfo = (intel: FakeIntel): string =>
  `{"tcbInfo":${text(intel, "tcb_info")},"signature":"${text(intel, "tcb_info_signature")}"}`;

export const signedIdentity = (intel: FakeIntel): string =>
  `{"enclaveIdentity":${text(intel, "qe_identity")},"signature":"${text(intel, "qe_identity_signature")}"}`;

/** What a PCCS answers, by path: hex where PCS has DER. */
export function pcsDocuments(intel: FakeIntel, tee: "sgx" | "tdx"): Record<string, LocalAnswer> {
  return {
    "/sgx/certification/v4/rootcacrl": { body: text(intel, "root_ca_crl") },
    "/sgx/certification/v4/pckcrl?ca=platform&encoding=der": {
      headers: { "SGX-PCK-CRL-Issuer-Chain": chain(intel, "pck_crl_issuer_chain") },
      body: der(intel, "pck_crl"),
    },
    [`/${tee}/certification/v4/tcb?fmspc=${FMSPC_PATH}&update=standard`]: {
      headers: { "TCB-Info-Issuer-Chain": chain(intel, "tcb_info_issuer_chain") },
      body: signedTcbInfo(intel),
    },
    [`/${tee}/certification/v4/qe/identity?update=standard`]: {
      headers: { "SGX-Enclave-Identity-Issuer-Chain": chain(intel, "qe_identity_issuer_chain") },
      body: signedIdentity(intel),
    },
  };
}

/** The same as single files. */
export function pcsFiles(intel: FakeIntel): readonly NamedFile[] {
  const file = (name: string, bytes: Uint8Array<ArrayBuffer>): NamedFile => ({ name, bytes });
  return [
    file("chain.pem", toUtf8(text(intel, "pck_crl_issuer_chain") + text(intel, "tcb_info_issuer_chain"))),
    file("root.crl", der(intel, "root_ca_crl")),
    file("pck.der", der(intel, "pck_crl")),
    file("tcb.json", toUtf8(signedTcbInfo(intel))),
    file("qe.json", toUtf8(signedIdentity(intel))),
  ];
}

export function bundleFile(intel: FakeIntel, name = "bundle.json"): NamedFile {
  return { name, bytes: toUtf8(JSON.stringify(intel.collateral)) };
}
