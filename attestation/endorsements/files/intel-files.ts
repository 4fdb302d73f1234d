import { parseIntelEndorsements, type IntelEndorsements } from "../../intel/intel-endorsements.ts";
import { parseQeIdentity, type QeIdentity } from "../../intel/qe-identity.ts";
import { parseTcbInfo, type TcbInfo } from "../../intel/tcb-info.ts";
import { intersectWindows, type UnixSeconds } from "../../time/unix-time.ts";
import { toPem } from "../../x509/pem.ts";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { EndorsementError } from "../../../protocol/errors.ts";
import type { IntelNeed, UnnamedPlatformNeed } from "../needs.ts";
import type { EndorsementPool, PooledCrl, SignedText } from "./endorsement-pool.ts";
import { withPckChain } from "./pck-files.ts";
import { pickDated, type DatedCandidate } from "./pick-dated.ts";

export interface IntelFiles {
  /** @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED */
  readonly find: (need: IntelNeed | UnnamedPlatformNeed, now: UnixSeconds) => IntelEndorsements;
}

/** Finds Intel's collateral in files: among whole bundles, and by putting PCS's single documents together. */
export function createIntelFiles(pool: EndorsementPool): IntelFiles {
  const bundles = pool.collaterals.map(parseIntelEndorsements);
  const pieces = readPieces(pool);
  const assembled = new Map<string, IntelEndorsements>();
  const files: IntelFiles = {
    find: (need, now) => {
      if ("pckName" in need)
        return withPckChain(need, { pool, bundles, find: (named) => files.find(named, now) });
      // One bundle given is the bundle meant: that it is for another platform is for the verifier to say.
      const [only, another] = bundles;
      if (only !== undefined && another === undefined && pool.tcbInfos.length === 0) return only;
      const fitting = bundles.filter((bundle) => isFor(bundle, need));
      const whole = assemble(pieces, need, { now, assembled });
      const candidates = whole === undefined ? fitting : [...fitting, whole];
      const found = pickDated(candidates.map(toDated), now);
      if (found !== undefined) return found;
      throw new EndorsementError({
        code: "ENDORSEMENT_UNAVAILABLE",
        message: `the files hold no ${need.tee.toUpperCase()} collateral for platforms of FMSPC ${need.fmspc.slice(2)}`,
        details: { fmspc: need.fmspc, tee: need.tee, pckCa: need.pckCa, bundles: bundles.length },
      });
    },
  };
  return files;
}

const QE_IDENTITY_ID = { sgx: "QE", tdx: "TD_QE" } as const;

function isFor({ tcbInfo, qeIdentity }: IntelEndorsements, need: IntelNeed): boolean {
  return (
    tcbInfo.fmspc === need.fmspc &&
    tcbInfo.id.toLowerCase() === need.tee &&
    qeIdentity.id === QE_IDENTITY_ID[need.tee]
  );
}

function toDated(endorsements: IntelEndorsements): DatedCandidate<IntelEndorsements> {
  const { tcbInfo, qeIdentity, crls } = endorsements;
  return {
    value: endorsements,
    window: intersectWindows([
      { from: tcbInfo.issueDate, until: tcbInfo.nextUpdate },
      { from: qeIdentity.issueDate, until: qeIdentity.nextUpdate },
      ...crls.map((crl) => ({ from: crl.thisUpdate, until: crl.nextUpdate })),
    ]),
  };
}

/** Single documents, each read once. */
interface Pieces {
  readonly tcbInfos: readonly { readonly document: SignedText; readonly info: TcbInfo }[];
  readonly identities: readonly { readonly document: SignedText; readonly identity: QeIdentity }[];
  readonly certificates: EndorsementPool["certificates"];
  readonly crls: readonly PooledCrl[];
}

/** Intel's third identity, of the QVE, has the form of the other two and judges no quote. */
const QUOTING_ENCLAVE = /"id"\s*:\s*"(?:QE|TD_QE)"/;

function readPieces({ tcbInfos, qeIdentities, certificates, crls }: EndorsementPool): Pieces {
  return {
    tcbInfos: tcbInfos.map((document) => ({ document, info: parseTcbInfo(document.text).info })),
    identities: qeIdentities
      .filter(({ text }) => QUOTING_ENCLAVE.test(text))
      .map((document) => ({ document, identity: parseQeIdentity(document.text).identity })),
    certificates,
    crls,
  };
}

interface Assembly {
  readonly now: UnixSeconds;
  /** Collateral put together before, by its parts: the same parts give the same object. */
  readonly assembled: Map<string, IntelEndorsements>;
}

function assemble(
  pieces: Pieces,
  need: IntelNeed,
  { now, assembled }: Assembly,
): IntelEndorsements | undefined {
  const tcbInfo = pickDated(datedTcbInfos(pieces, need), now);
  const identity = pickDated(datedIdentities(pieces, need), now);
  const rootCrl = pickCrl(pieces.crls, "SGX Root CA", now);
  const pckCrl = pickCrl(pieces.crls, PCK_CA_NAME[need.pckCa], now);
  if (tcbInfo === undefined || identity === undefined || rootCrl === undefined || pckCrl === undefined)
    return undefined;
  const chain = intelCaChain(pieces, now);
  const key = [
    chain,
    tcbInfo.signature,
    identity.signature,
    toHex(rootCrl.crl.signature),
    toHex(pckCrl.crl.signature),
  ];
  const known = assembled.get(key.join());
  if (known !== undefined) return known;
  const made = parseIntelEndorsements({
    root_ca_crl: toHex(rootCrl.der).slice(2),
    pck_crl: toHex(pckCrl.der).slice(2),
    pck_crl_issuer_chain: chain,
    tcb_info: tcbInfo.text,
    tcb_info_signature: tcbInfo.signature,
    tcb_info_issuer_chain: chain,
    qe_identity: identity.text,
    qe_identity_signature: identity.signature,
    qe_identity_issuer_chain: chain,
  });
  assembled.set(key.join(), made);
  return made;
}

const PCK_CA_NAME = {
  processor: "SGX PCK Processor CA",
  platform: "SGX PCK Platform CA",
} as const;

function datedTcbInfos({ tcbInfos }: Pieces, need: IntelNeed): readonly DatedCandidate<SignedText>[] {
  return tcbInfos
    .filter(({ info }) => info.fmspc === need.fmspc && info.id.toLowerCase() === need.tee)
    .map(({ document, info }) => ({
      value: document,
      window: { from: info.issueDate, until: info.nextUpdate },
    }));
}

function datedIdentities({ identities }: Pieces, need: IntelNeed): readonly DatedCandidate<SignedText>[] {
  return identities
    .filter(({ identity }) => identity.id === QE_IDENTITY_ID[need.tee])
    .map(({ document, identity }) => ({
      value: document,
      window: { from: identity.issueDate, until: identity.nextUpdate },
    }));
}

/** `issuer` is a common name, looked for as it stands in the DER of the list's issuer. */
function pickCrl(crls: readonly PooledCrl[], issuer: string, now: UnixSeconds): PooledCrl | undefined {
  const name: Hex = toHex(toUtf8(issuer));
  const candidates = crls
    .filter(({ crl }) => crl.issuer.includes(name.slice(2)))
    .map((value) => ({ value, window: { from: value.crl.thisUpdate, until: value.crl.nextUpdate } }));
  return pickDated(candidates, now);
}

/**
 * Root, PCK CAs and TCB signers; which of them signed what is found by their names and keys. One certificate of each
 * name: Intel renews them under the same key, and the one in date at `now` is meant.
 */
function intelCaChain({ certificates }: Pieces, now: UnixSeconds): string {
  const authorities = certificates.filter(
    ({ label }) => label.includes("SGX") && !label.includes("SGX PCK Certificate"),
  );
  const names = [...new Set(authorities.map(({ subject }) => subject))];
  const chosen = names.flatMap((name) => {
    const dated = authorities
      .filter(({ subject }) => subject === name)
      .map((value) => ({ value, window: { from: value.notBefore, until: value.notAfter } }));
    return pickDated(dated, now) ?? [];
  });
  return chosen.map(({ der }) => toPem(der)).join("");
}
