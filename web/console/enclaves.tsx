/** The node's enclaves: whose evidence was accepted when, and until when a chain admits them. */

import { Head } from "../ui/frame.tsx";
import { Hex } from "../ui/hex.tsx";
import { State } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { duration, utcDate, utcTime } from "../requests/words.ts";
import { shortTitle } from "../verify/titles.ts";
import type { Enclave } from "./api.ts";

export interface EnclavesProps {
  readonly enclaves: readonly Enclave[];
  readonly now: number;
  readonly reverifySeconds: number;
}

export function Enclaves({ enclaves, now, reverifySeconds }: EnclavesProps) {
  return (
    <section>
      <Head title="Enclaves">{`evidence is asked for anew every ${duration(reverifySeconds)}`}</Head>
      {enclaves.length === 0 && (
        <p class="caution bad spaced">No enclave is verified: no request can be answered.</p>
      )}
      {enclaves.length > 0 && (
        <table class="stack kv">
          <thead>
            <tr>
              <th>Keyset</th>
              <th>At</th>
              <th>Evidence</th>
              <th class="n">Accepted</th>
              <th>Admitted until</th>
            </tr>
          </thead>
          <tbody>
            {enclaves.map(({ keysetId, host, kind, acceptedAt, admissions }) => (
              <tr key={keysetId}>
                <td>
                  <Hex value={keysetId} />
                </td>
                <td class="mono" data-l="At">
                  <Odd text={host} />
                </td>
                <td data-l="Evidence">
                  <State
                    mark={kind === "simulator" ? "simulated" : "genuine"}
                    tone={kind === "simulator" ? "warn" : "ink"}
                  >
                    <Odd text={shortTitle(kind)} />
                  </State>
                </td>
                <td class="n" data-l="Accepted">
                  {`${duration(Math.max(0, now - acceptedAt))} ago`}
                </td>
                <td data-l="Admitted until">
                  {admissions.length === 0
                    ? "not admitted"
                    : admissions
                        .map(
                          ({ chainId, expiresAt }) =>
                            `${utcDate(expiresAt)} ${utcTime(expiresAt).slice(0, 5)} UTC on chain ${chainId}`,
                        )
                        .join("; ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
