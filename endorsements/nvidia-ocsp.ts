/**
 * NVIDIA's OCSP responder, asked about the certificates of devices.
 *
 * Source: RFC 6960 appendix A.1 (OCSP over HTTP); github.com/NVIDIA/nvtrust, `BaseSettings.OCSP_URL`.
 */

import type { NvidiaNeed } from "../attestation/endorsements/needs.ts";
import {
  parseNvidiaEndorsements,
  type NvidiaEndorsements,
} from "../attestation/nvidia/nvidia-endorsements.ts";
import type { UnixSeconds } from "../attestation/time/unix-time.ts";
import { encodeOcspRequest } from "../attestation/x509/ocsp-request.ts";
import { DocumentCache, type Dated } from "./document-cache.ts";
import { fetchDocument, type HttpOptions } from "./http-document.ts";

export const NVIDIA_OCSP_URL = "https://ocsp.ndis.nvidia.com/";

export interface NvidiaOcspOptions extends HttpOptions {
  /** NVIDIA's own, or a cache of it. */
  readonly url: string;
}

export interface NvidiaOcsp {
  /** @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED */
  readonly find: (need: NvidiaNeed, now: UnixSeconds) => Promise<NvidiaEndorsements>;
}

export function createNvidiaOcsp({ url, ...http }: NvidiaOcspOptions): NvidiaOcsp {
  const cache = new DocumentCache<NvidiaEndorsements>();
  return {
    find: async ({ certificates }, now) => {
      const answers = await Promise.all(
        certificates.map(
          async (asked) =>
            await cache.get(
              `${asked.certificate.issuer} ${asked.certificate.serial}`,
              now,
              async () => await ask(asked, url, http),
            ),
        ),
      );
      return { ocsp: answers.flatMap(({ ocsp }) => ocsp), crls: [] };
    },
  };
}

async function ask(
  { certificate, issuer }: NvidiaNeed["certificates"][number],
  url: string,
  http: HttpOptions,
): Promise<Dated<NvidiaEndorsements>> {
  const body = await encodeOcspRequest(certificate, issuer);
  const { bytes } = await fetchDocument(url, http, { body, contentType: "application/ocsp-request" });
  const value = parseNvidiaEndorsements({ ocsp: [bytes], crls: [] });
  const ends = value.ocsp.flatMap(({ statuses }) => statuses.map(({ nextUpdate }) => nextUpdate ?? 0));
  return { value, until: Math.min(...ends) };
}
