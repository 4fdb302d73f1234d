/** Renews the certificate for as long as the process lives. Evidence that cannot be had for a while ends no key. */

/** Milliseconds before a renewal that failed is tried again; doubled each time, up to the last. */
const RETRY_MS = 10_000;
const MAX_RETRY_MS = 600_000;

export interface CertificateKeeping {
  /** Makes evidence and a certificate, and serves it. */
  readonly renew: () => Promise<void>;
  readonly lifetimeMs: number;
  /** Rejects when the process is stopping. */
  readonly pause: (ms: number) => Promise<void>;
  /** The operator's alarm: one line of the log for each failure. */
  readonly say: (event: Record<string, string | number>) => void;
}

/** Renews at half of each certificate's life; resolves when the process is stopping. */
export async function keepCertificate({ renew, lifetimeMs, pause, say }: CertificateKeeping): Promise<void> {
  let failures = 0;
  for (;;) {
    const waitMs = failures === 0 ? lifetimeMs / 2 : Math.min(RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
    try {
      await pause(waitMs);
    } catch {
      return;
    }
    try {
      await renew();
      if (failures > 0) say({ event: "certificate renewed", failures });
      failures = 0;
    } catch (error) {
      failures += 1;
      say({
        event: "certificate not renewed",
        alarm: "clients will refuse this enclave when its certificate ends; it is tried again",
        failures,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
}
