/** Is a Nitro attestation document genuine? Orders the steps; each is elsewhere. */

import { toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero } from "../encoding/layout.ts";
import { checkUnixSeconds, toIsoTime, type UnixSeconds } from "../time/unix-time.ts";
import { CheckList, valueOf } from "../evidence/check-list.ts";
import {
  sealVerified,
  type Check,
  type Findings,
  type VerifiedEvidence,
} from "../evidence/verified-evidence.ts";
import { createCertificateCache } from "../x509/certificate-cache.ts";
import { verifyPath } from "../x509/path.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { toNitroClaims, toNitroTpmClaims } from "./claims.ts";
import { parseNitroDocument, type NitroDevice, type NitroDocument } from "./nitro-document.ts";
import { AWS_NITRO_ROOTS } from "./roots.ts";

/** How far, in seconds, the hypervisor's clock may be ahead of the caller's. Both are synchronised; minutes are a fault. */
const MAX_CLOCK_SKEW: UnixSeconds = 300;

/** Roots, regions, zones and instances of a large deployment: about 1 kB each. */
const MAX_CACHED_CERTIFICATES = 256;

const authorities = createCertificateCache(MAX_CACHED_CERTIFICATES);

/**
 * A genuine document: an AWS Nitro hypervisor signed it at `claims.timestamp`, under the pinned root.
 *
 * The chain is judged at the document's own time, for its signing certificate lives three hours; that time may not be
 * in the caller's future. AWS publishes no revocation lists.
 *
 * Leaves to the caller: whether the document is still fresh (`issuedAt`, or a nonce), debug mode (`debug`), and every
 * PCR. Anyone can start an enclave.
 *
 * Source: github.com/aws/aws-nitro-enclaves-nsm-api, docs/attestation_process.md §3.
 *
 * @throws {EvidenceError} not genuine
 */
export async function verifyNitroDocument(
  bytes: Uint8Array,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nitro">> {
  return await verifyNitroDocumentUnder(AWS_NITRO_ROOTS, bytes, { now });
}

/** `verifyNitroDocument` under other roots: for tests. */
export async function verifyNitroDocumentUnder(
  roots: readonly TrustAnchor[],
  bytes: Uint8Array,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nitro">> {
  const { document, ...findings } = await verifyDocument("enclave", bytes, { roots, now });
  return sealVerified({
    ...findings,
    kind: "nitro",
    claims: toNitroClaims(document),
    debug: isDebug(document),
  });
}

/**
 * A genuine document of an EC2 instance with a NitroTPM: AWS's hypervisor signed the TPM's PCRs.
 *
 * It establishes less than evidence of other kinds: what booted, and not that the host cannot read the instance's
 * memory, which nothing encrypts. `debug` is null: an instance has no such mode. What else is left to the caller is as
 * with `verifyNitroDocument`.
 *
 * Source: Amazon EC2 User Guide, "Validate a NitroTPM Attestation Document".
 *
 * @throws {EvidenceError} not genuine
 */
export async function verifyNitroTpmDocument(
  bytes: Uint8Array,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nitroTpm">> {
  return await verifyNitroTpmDocumentUnder(AWS_NITRO_ROOTS, bytes, { now });
}

/** `verifyNitroTpmDocument` under other roots: for tests. */
export async function verifyNitroTpmDocumentUnder(
  roots: readonly TrustAnchor[],
  bytes: Uint8Array,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nitroTpm">> {
  const { document, ...findings } = await verifyDocument("nitroTpm", bytes, { roots, now });
  return sealVerified({
    ...findings,
    kind: "nitroTpm",
    claims: toNitroTpmClaims(document),
    debug: null,
    checks: [...findings.checks, MEMORY_CHECK],
  });
}

const MEMORY_CHECK: Check = {
  name: "memory",
  ok: true,
  detail: "NOT encrypted against the host: AWS says what booted, and could read what runs",
};

type DocumentFindings = Omit<Findings<"nitro">, "kind" | "claims" | "debug"> & {
  readonly document: NitroDocument;
};

/** The checks common to both devices: form, chain at the document's own time, signature. */
async function verifyDocument(
  device: NitroDevice,
  bytes: Uint8Array,
  { roots, now }: { readonly roots: readonly TrustAnchor[]; readonly now: UnixSeconds },
): Promise<DocumentFindings> {
  checkUnixSeconds(now);
  const document = parseNitroDocument(bytes);
  if (document.device !== device) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the document is of another device of AWS's",
      details: { expected: device, actual: document.device },
    });
  }
  const issuedAt = Math.floor(document.timestamp / 1000);
  const leaf = authorities.parse(document.certificate);
  const list = new CheckList();
  list.note({
    name: "document format",
    link: "evidence",
    ok: true,
    detail: `COSE_Sign1, ES384, ${document.pcrs.size} PCRs`,
  });
  list.start(
    { name: "document time", link: "evidence", compared: "the hypervisor's clock with the time of judging" },
    () => {
      checkNotFromFuture(issuedAt, now);
    },
    () => toIsoTime(issuedAt),
  );
  const path = list.start(
    { name: "certificate chain", link: "hardware", compared: "the document's certificates with AWS's root" },
    async () => {
      const found = await verifyPath(leaf, {
        pool: document.cabundle.map(authorities.parse),
        roots,
        now: issuedAt,
        revocation: { notPublished: "AWS publishes no lists for Nitro" },
      });
      authorities.keep(found.certificates.slice(1));
      return found;
    },
    ({ certificates, anchor }) =>
      `${certificates.map(({ label }) => label).join(" < ")}, root ${anchor.name} pinned`,
  );
  list.start(
    {
      name: "document signature",
      link: "evidence",
      compared: "the document with its signature, by its certificate's key",
    },
    async () => {
      await checkSignature("Nitro attestation document", {
        key: leaf.publicKey,
        scheme: ECDSA_SHA384,
        data: document.cose.toBeSigned,
        signature: document.cose.signature,
      });
    },
    () => `by ${document.moduleId} at ${new Date(document.timestamp).toISOString()}`,
  );
  const checks = await list.finish();
  const { window } = await valueOf(path);
  return {
    document,
    reportData: document.userData === null ? null : toHex(document.userData),
    platformId: null,
    tcbStatus: null,
    advisories: [],
    window,
    issuedAt,
    verifiedAt: now,
    checks,
  };
}

function checkNotFromFuture(issuedAt: UnixSeconds, now: UnixSeconds): void {
  if (issuedAt > now + MAX_CLOCK_SKEW) {
    throw new EvidenceError({
      code: "EVIDENCE_NOT_YET_VALID",
      message: "the document is from the future: one of the two clocks is wrong",
      details: { issuedAt: toIsoTime(issuedAt), now: toIsoTime(now), maxClockSkew: MAX_CLOCK_SKEW },
    });
  }
}

/** AWS user guide, "Enclave attestation": in debug mode PCRs are all zero. PCR0 measures the image, and is never zero else. */
function isDebug({ pcrs }: NitroDocument): boolean {
  const pcr0 = pcrs.get(0);
  return pcr0 === undefined || isAllZero(pcr0);
}
