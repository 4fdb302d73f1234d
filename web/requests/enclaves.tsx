/** Which keysets the chain's registry admitted, by what the node read there. */

import { useEffect, useState } from "preact/hooks";
import { Hex } from "../ui/hex.tsx";
import { State } from "../ui/mark.tsx";
import { NodeError, type Admission, type Node } from "./api.ts";
import { duration, utcDate, utcTime } from "./words.ts";

export function Enclaves({ node }: { readonly node: Node }) {
  const [admissions, setAdmissions] = useState<readonly Admission[] | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const now = Math.floor(new Date().getTime() / 1_000);
  useEffect(() => {
    node.admissions().then(setAdmissions, (error: unknown) => {
      if (!(error instanceof NodeError)) throw error;
      setFault(error.message);
    });
  }, [node]);
  const admitted = (admissions ?? []).filter(({ event }) => event === "admitted");
  const current = admitted.filter(({ expiresAt }) => expiresAt > now).length;
  return (
    <>
      <div class="head plain">
        <h1 class="title">Enclaves admitted</h1>
        <p>
          {admissions !== null &&
            `${current} now, ${admitted.length - current} expired, of the newest 50 events.`}
        </p>
      </div>
      {fault !== null && (
        <p class="caution bad spaced" role="alert">
          {fault}
        </p>
      )}
      {admissions?.length === 0 && (
        <p class="muted said">The registries of this node’s chains have admitted nobody yet.</p>
      )}
      <ul class="says">
        {(admissions ?? []).map((admission) => (
          <li key={`${admission.tx} ${admission.event}`}>
            <Entry admission={admission} now={now} />
          </li>
        ))}
      </ul>
      <p class="small muted said">
        An admission says that a chain’s verifier accepted the evidence of this keyset under this policy. What
        the policy accepts is under <a href="#contracts">Contracts</a>.
      </p>
    </>
  );
}

function Entry({ admission, now }: { readonly admission: Admission; readonly now: number }) {
  const { event, keysetId, policyId, blockNumber, expiresAt, platform, chainId } = admission;
  const isCurrent = event === "admitted" && expiresAt > now;
  return (
    <>
      <State mark={isCurrent ? "dash" : "dotted"} tone={isCurrent ? "open" : "off"} />
      <span>
        <strong>
          Keyset <Hex value={keysetId} />,{" "}
          {event === "admitted" ? (isCurrent ? "admitted" : "expired") : event}.
        </strong>{" "}
        In block {blockNumber} of chain {chainId}, under policy <Hex value={policyId} />, on machine{" "}
        <Hex value={platform} />.{" "}
        {event === "admitted" &&
          `${isCurrent ? "Expires" : "Expired"} ${utcDate(expiresAt)} ${utcTime(expiresAt)} UTC${isCurrent ? `, in ${duration(expiresAt - now)}` : ""}.`}
      </span>
    </>
  );
}
