/**
 * Intel's Provisioning Certification Service, or a cache of it (PCCS) that speaks the same protocol.
 *
 * Source: Intel SGX and TDX Provisioning Certification Service, API version 4 (Get Revocation List, Get TCB Info, Get
 * Enclave Identity); Intel DCAP PCCS design guide §3 for the root CA's list.
 */

import {
  parseIntelEndorsements,
  type IntelCollateral,
  type IntelEndorsements,
} from "../attestation/intel/intel-endorsements.ts";
import { splitSignedResponse } from "../attestation/intel/signed-json.ts";
import type { UnixSeconds } from "../attestation/time/unix-time.ts";
import { toHex } from "../protocol/bytes.ts";
import { EndorsementError } from "../protocol/errors.ts";
import { DocumentCache, type Dated } from "./document-cache.ts";
import { fetchDocument, type HttpDocument, type HttpOptions } from "./http-document.ts";
import type { IntelNeed } from "../attestation/endorsements/needs.ts";

export const INTEL_PCS_URL = "https://api.trustedservices.intel.com";
const INTEL_ROOT_CRL_URL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

export interface IntelPcsOptions extends HttpOptions {
  /** Base URL: Intel's own, or a PCCS such as `https://localhost:8081`. */
  readonly url: string;
  /** Which of Intel's TCB evaluation data: `early` at its publication, `standard` once platforms had time to update. */
  readonly update: "early" | "standard";
}

export interface IntelPcs {
  /** @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED */
  readonly find: (need: IntelNeed, now: UnixSeconds) => Promise<IntelEndorsements>;
}

export function createIntelPcs(options: IntelPcsOptions): IntelPcs {
  const cache = new DocumentCache<IntelEndorsements>();
  return {
    find: async (need, now) =>
      await cache.get(
        `${need.tee} ${need.fmspc} ${need.pckCa}`,
        now,
        async () => await fetchAll(need, options),
      ),
  };
}

async function fetchAll(need: IntelNeed, options: IntelPcsOptions): Promise<Dated<IntelEndorsements>> {
  const value = parseIntelEndorsements(await fetchIntelCollateral(need, options));
  const ends = [value.tcbInfo, value.qeIdentity, ...value.crls].map(({ nextUpdate }) => nextUpdate);
  return { value, until: Math.min(...ends) };
}

/**
 * The QuoteCollateralV3 of a platform model, as fetched.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED
 */
export async function fetchIntelCollateral(
  need: IntelNeed,
  options: IntelPcsOptions,
): Promise<IntelCollateral> {
  const base = options.url.replace(/\/+$/, "");
  const get = async (path: string): Promise<HttpDocument> => await fetchDocument(`${base}${path}`, options);
  const api = `/${need.tee}/certification/v4`;
  const query = `update=${options.update}`;
  const [rootCrl, pckCrl, tcbInfo, identity] = await Promise.all([
    base === INTEL_PCS_URL
      ? fetchDocument(INTEL_ROOT_CRL_URL, options)
      : get("/sgx/certification/v4/rootcacrl"),
    get(`/sgx/certification/v4/pckcrl?ca=${need.pckCa}&encoding=der`),
    get(`${api}/tcb?fmspc=${need.fmspc.slice(2)}&${query}`),
    get(`${api}/qe/identity?${query}`),
  ]);
  const signedTcbInfo = splitSignedResponse("tcbInfo", text(tcbInfo));
  const signedIdentity = splitSignedResponse("enclaveIdentity", text(identity));
  return {
    root_ca_crl: crlText(rootCrl),
    pck_crl: crlText(pckCrl),
    pck_crl_issuer_chain: chainOf(pckCrl, ["SGX-PCK-CRL-Issuer-Chain"]),
    tcb_info: signedTcbInfo.text,
    tcb_info_signature: signedTcbInfo.signature,
    tcb_info_issuer_chain: chainOf(tcbInfo, ["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"]),
    qe_identity: signedIdentity.text,
    qe_identity_signature: signedIdentity.signature,
    qe_identity_issuer_chain: chainOf(identity, ["SGX-Enclave-Identity-Issuer-Chain"]),
  };
}

function text({ bytes }: HttpDocument): string {
  return new TextDecoder().decode(bytes);
}

const DER_SEQUENCE = 0x30;

/** PCS serves DER; PCCS serves DER in hex, or PEM. */
function crlText(document: HttpDocument): string {
  return document.bytes[0] === DER_SEQUENCE ? toHex(document.bytes).slice(2) : text(document);
}

/** PEM, percent-encoded. Servers differ in the header's name, not in what is in it. */
function chainOf({ headers }: HttpDocument, names: readonly string[]): string {
  const values = names.flatMap((name) => headers.get(name) ?? []);
  try {
    return decodeURIComponent(values.slice(0, 1).join());
  } catch (cause) {
    throw new EndorsementError({
      code: "ENDORSEMENT_MALFORMED",
      message: `header ${names.join(" or ")} is not percent-encoded`,
      cause,
    });
  }
}
