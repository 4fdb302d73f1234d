import { parseIntelEndorsements, type IntelEndorsements } from "../../intel/intel-endorsements.ts";
import { isNamedBy } from "../../intel/pck-chain.ts";
import { toPem } from "../../x509/pem.ts";
import { EndorsementError } from "../../../protocol/errors.ts";
import { platformNeed, type IntelNeed, type UnnamedPlatformNeed } from "../needs.ts";
import type { EndorsementPool } from "./endorsement-pool.ts";

interface Files {
  readonly pool: EndorsementPool;
  readonly bundles: readonly IntelEndorsements[];
  /** @throws {EndorsementError} */
  readonly find: (need: IntelNeed) => IntelEndorsements;
}

/** Put together once for each collateral: what is learnt about it is kept with the object. */
const assembled = new WeakMap<IntelEndorsements, Map<string, IntelEndorsements>>();

/**
 * Collateral with the PCK chain that a quote lacks: a bundle that has one, or the PCK certificate of the TCB that the quote names, with
 * the collateral of its platform model.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED
 */
export function withPckChain(
  { tee, pckName }: UnnamedPlatformNeed,
  { pool, bundles, find }: Files,
): IntelEndorsements {
  const whole = bundles.find(({ collateral }) => collateral.pck_certificate_chain !== undefined);
  if (whole !== undefined) return whole;
  const leaf = pool.certificates.find(
    (certificate) =>
      certificate.label.includes("SGX PCK Certificate") &&
      !certificate.basicConstraints.isCa &&
      (pckName === null || isNamedBy(certificate, pckName)),
  );
  if (leaf === undefined) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `the quote brings no PCK chain, and the files hold no PCK certificate${pckName === null ? "" : " of the TCB that it names"}`,
      details: { endorsement: "PCK certificate chain", ...pckName },
    });
  }
  const found = find(platformNeed(tee, leaf));
  const pck_certificate_chain = toPem(leaf.der);
  const known = assembled.get(found) ?? new Map<string, IntelEndorsements>();
  assembled.set(found, known);
  const made =
    known.get(pck_certificate_chain) ??
    parseIntelEndorsements({ ...found.collateral, pck_certificate_chain });
  known.set(pck_certificate_chain, made);
  return made;
}
