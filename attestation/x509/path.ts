import { AdytonError, EvidenceError } from "../../protocol/errors.ts";
import { intersectWindows, type TimeWindow, type UnixSeconds } from "../time/unix-time.ts";
import type { Certificate } from "./certificate.ts";
import type { Crl } from "./crl.ts";
import { isIssuedBy, isSignedBy } from "./issued-by.ts";
import { checkCertificates } from "./path-rules.ts";
import { checkRevocation, type Issuer } from "./revocation.ts";
import type { TrustAnchor } from "./trust-anchor.ts";

/** Certificates in one path: vendors use three to five, NVIDIA six. */
const MAX_PATH_CERTIFICATES = 8;

/** Certificates offered for building paths; more is an attempt to make us search. */
const MAX_POOL_CERTIFICATES = 32;

/** Candidate issuers tried before giving up: bounds the signatures checked for one leaf. */
const MAX_CANDIDATES = 64;

export interface PathOptions {
  /** In any order, with strangers among them; nothing in it is trusted. */
  readonly pool: readonly Certificate[];
  readonly roots: readonly TrustAnchor[];
  readonly now: UnixSeconds;
  /** Where a vendor publishes no lists, the caller says so in words that a reviewer can search for. */
  readonly revocation: { readonly crls: readonly Crl[] } | { readonly notPublished: string };
  /** `seen-once`: the leaf comes with one piece of evidence, and nothing about it is worth remembering. */
  readonly leaf?: "seen-once";
  /** Vendor extensions marked critical that the caller reads itself. */
  readonly understoodExtensions?: ReadonlySet<string>;
}

/** A leaf whose whole path held at the time asked. */
export interface VerifiedPath {
  /** Leaf first. The last is the root's certificate where one was given, or the one that the root key signed. */
  readonly certificates: readonly Certificate[];
  readonly anchor: TrustAnchor;
  readonly crls: readonly Crl[];
  /** When all certificates and lists relied on are in date together. */
  readonly window: TimeWindow;
}

/**
 * Finds a path from `leaf` to one of the pinned root keys and checks it by RFC 5280 §6.1: signatures, dates against
 * `now`, CA flag, path length, key usage, critical extensions, and revocation of every certificate below the root.
 *
 * Leaves to the caller: what the leaf is for (its names and vendor extensions) and name constraints, which no vendor
 * uses: marked critical, they are refused as unknown.
 *
 * @throws {EvidenceError} EVIDENCE_CHAIN_* or EVIDENCE_REVOKED, EVIDENCE_CA_REVOKED
 * @throws {EndorsementError} when revocation cannot be judged
 */
export async function verifyPath(leaf: Certificate, options: PathOptions): Promise<VerifiedPath> {
  if (options.pool.length > MAX_POOL_CERTIFICATES) {
    throw new EvidenceError({
      code: "EVIDENCE_CHAIN_INVALID",
      message: "too many certificates to build a path from",
    });
  }
  const search = new PathSearch(options);
  const found = await search.extend([leaf]);
  if (found !== undefined) return found;
  throw (
    search.fault ??
    new EvidenceError({
      code: "EVIDENCE_CHAIN_UNTRUSTED",
      message: `certificate chain of ${leaf.label} does not end at a pinned root`,
      details: { certificate: leaf.label, roots: options.roots.map((root) => root.name).join(", ") },
    })
  );
}

/** Depth first, with every candidate issuer: a wrong certificate among the right ones must not hide them. */
class PathSearch {
  readonly #options: PathOptions;
  #candidates = 0;
  /** The first thing that was wrong: reported when no path holds. */
  fault: AdytonError | undefined;

  constructor(options: PathOptions) {
    this.#options = options;
  }

  async extend(path: readonly [Certificate, ...Certificate[]]): Promise<VerifiedPath | undefined> {
    const last = path[path.length - 1] as Certificate;
    const anchor = this.#options.roots.find((root) => root.publicKey.spkiHex === last.publicKey.spkiHex);
    if (anchor !== undefined) return await this.#judge(path, anchor);
    for (const issuer of this.#issuersOf(last, path)) {
      const found = await this.extend([...path, issuer] as [Certificate, ...Certificate[]]);
      if (found !== undefined) return found;
    }
    // Some chains leave the root's certificate out; its key is all we need. Where one is there, it must hold.
    for (const root of this.#options.roots) {
      const isThere = this.#options.pool.some(
        ({ publicKey }) => publicKey.spkiHex === root.publicKey.spkiHex,
      );
      if (!isThere && (await isIssuedBy(last, root.publicKey))) return await this.#judge(path, root);
    }
    return undefined;
  }

  *#issuersOf(certificate: Certificate, path: readonly Certificate[]): Generator<Certificate> {
    if (path.length === MAX_PATH_CERTIFICATES) return;
    for (const candidate of this.#options.pool) {
      if (candidate.subject !== certificate.issuer || path.includes(candidate)) continue;
      this.#candidates += 1;
      if (this.#candidates > MAX_CANDIDATES) return;
      yield candidate;
    }
  }

  /** Judges a complete path; what is wrong with it is kept in case no other holds. */
  async #judge(path: readonly Certificate[], anchor: TrustAnchor): Promise<VerifiedPath | undefined> {
    try {
      startLists(path, anchor, this.#options);
      await checkSignatures(path, anchor, this.#options);
      checkCertificates(path, this.#options);
      const crls = await checkRevocations(path, anchor, this.#options);
      const dates = path.map((certificate) => ({ from: certificate.notBefore, until: certificate.notAfter }));
      const lists = crls.map((crl) => ({ from: crl.thisUpdate, until: crl.nextUpdate }));
      return { certificates: path, anchor, crls, window: intersectWindows([...dates, ...lists]) };
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      this.fault ??= error;
      return undefined;
    }
  }
}

async function checkSignatures(
  path: readonly Certificate[],
  anchor: TrustAnchor,
  { leaf }: PathOptions,
): Promise<void> {
  const verdicts = await Promise.all(
    path.map((certificate, index) => {
      const key = issuerOf(path, index, anchor).publicKey;
      const isForgotten = index === 0 && leaf === "seen-once";
      return isForgotten ? isSignedBy(certificate, key) : isIssuedBy(certificate, key);
    }),
  );
  const forged = path[verdicts.indexOf(false)];
  if (forged !== undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_CHAIN_INVALID",
      message: `certificate is not signed by the issuer it names: ${forged.label}`,
      details: { certificate: forged.label, serial: forged.serial },
    });
  }
}

/** The issuer of the `index`-th certificate. The root's key is the pinned object, which was imported once for all paths. */
function issuerOf(path: readonly Certificate[], index: number, { publicKey }: TrustAnchor): Issuer {
  const issuer = path[index + 1] ?? { publicKey, keyUsage: null };
  return issuer.publicKey.spkiHex === publicKey.spkiHex ? { publicKey, keyUsage: issuer.keyUsage } : issuer;
}

/** Asks early for the signatures of lists: WebCrypto works at them and at those of the path at once. */
function startLists(path: readonly Certificate[], anchor: TrustAnchor, { revocation }: PathOptions): void {
  if ("notPublished" in revocation) return;
  for (const [index, certificate] of path.entries()) {
    for (const crl of revocation.crls)
      if (crl.issuer === certificate.issuer) void isIssuedBy(crl, issuerOf(path, index, anchor).publicKey);
  }
}

/** The root answers for itself: a list that it signs about itself proves nothing. */
async function checkRevocations(
  path: readonly Certificate[],
  anchor: TrustAnchor,
  { revocation, now }: PathOptions,
): Promise<readonly Crl[]> {
  if ("notPublished" in revocation) return [];
  const relied = new Set<Crl>();
  for (const [index, certificate] of path.entries()) {
    if (certificate.publicKey.spkiHex === anchor.publicKey.spkiHex) continue;
    const issuer = issuerOf(path, index, anchor);
    const role = index === 0 ? "leaf" : "ca";
    for (const crl of await checkRevocation(certificate, { issuer, now, crls: revocation.crls, role }))
      relied.add(crl);
  }
  return [...relied];
}
