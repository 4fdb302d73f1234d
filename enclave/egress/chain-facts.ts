import { createHash, X509Certificate } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import type { Behaviour } from "../configuration/behaviour.ts";
import { pinLogs, verifyTimestamps, type VerifiedTimestamp } from "./signed-certificate-timestamps.ts";

/** Facts from a server's certificates. None depends on the time at which it is read. */
export interface ChainFacts {
  /** SHA-256 of each, leaf first. */
  readonly certificateHashes: readonly Hex[];
  readonly spkiHash: Hex;
  /** DER of the server's own. */
  readonly leaf: Uint8Array;
  readonly subjectAltNames: readonly string[];
  /** Milliseconds since the epoch. */
  readonly validity: readonly { readonly from: number; readonly until: number; readonly subject: string }[];
  /** Verified, of pinned logs. */
  readonly timestamps: readonly VerifiedTimestamp[];
}

/** Chains kept: a provider shows a few, for weeks. */
const MAX_KEPT_CHAINS = 64;

/**
 * Reads a chain, leaf first, that OpenSSL has accepted. One that was seen before is known by its certificates' hashes, and
 * its signatures are not verified a second time: a fresh connection for each exchange shows the same chain each time.
 */
export function createChainReader(
  behaviour: Pick<Behaviour, "transparencyLogs" | "certificateAuthorities">,
): (chain: readonly [X509Certificate, ...X509Certificate[]]) => ChainFacts {
  const logs = pinLogs(behaviour.transparencyLogs);
  const authorities = behaviour.certificateAuthorities.map((pem) => new X509Certificate(pem));
  const kept = new Map<string, ChainFacts>();
  return (chain) => {
    const certificateHashes = chain.map(({ raw }) => sha256Hex(raw));
    const key = certificateHashes.join();
    const known = kept.get(key);
    if (known !== undefined) return known;
    const [leaf, next] = chain;
    const issuer = [next, ...authorities].find(
      (candidate) => candidate !== undefined && leaf.checkIssued(candidate),
    );
    const facts: ChainFacts = {
      certificateHashes,
      leaf: new Uint8Array(leaf.raw),
      spkiHash: sha256Hex(leaf.publicKey.export({ type: "spki", format: "der" })),
      subjectAltNames: (leaf.subjectAltName ?? "").split(", ").filter((name) => name !== ""),
      validity: chain.map(({ validFromDate, validToDate, subject }) => ({
        from: validFromDate.getTime(),
        until: validToDate.getTime(),
        subject,
      })),
      timestamps: issuer === undefined || logs.size === 0 ? [] : verifyTimestamps(leaf, issuer, logs),
    };
    kept.set(key, facts);
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT_CHAINS) break;
      kept.delete(oldest);
    }
    return facts;
  };
}

function sha256Hex(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}

/**
 * Judges a chain by a clock of ours: OpenSSL asks the host's.
 *
 * @throws {UpstreamError} MODEL_TLS_REFUSED when a certificate is not valid at `now` (seconds)
 */
export function checkChainDates({ validity }: ChainFacts, now: number): void {
  for (const { from, until, subject } of validity) {
    if (now * 1000 < from || now * 1000 > until) {
      throw new UpstreamError({
        code: "MODEL_TLS_REFUSED",
        message: "a certificate of the server's chain is not valid at the attested time",
        details: { subject, now },
      });
    }
  }
}
