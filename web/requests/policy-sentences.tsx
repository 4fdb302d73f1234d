/** A policy of the registry in sentences: what it accepts, what it demands beside, and who may change it. */

import type { ComponentChildren } from "preact";
import { Hex } from "../ui/hex.tsx";
import { State, type MarkName } from "../ui/mark.tsx";
import type { Policy } from "./api.ts";
import { duration, utcDate, utcTime } from "./words.ts";

/** What stands before the subjects of a rule; of several, any one of them will do. */
const ACCEPTS: readonly (readonly [name: string, words: string])[] = [
  ["verifier", "Evidence is judged by the verifier"],
  ["measurement", "The program’s measurement is"],
  ["behaviour", "The digest of its behaviour file is"],
  ["platform", "The machine is"],
  ["seam", "Intel’s TDX module is signed by, with attributes,"],
  ["quotingEnclave", "The quoting enclave, of a version at or above its floor, is"],
  ["tcb", "The platform’s security version is at or above the floor for processors of family"],
  ["verifierPolicy", "Or a verifier enclave vouches for it, admitted under policy"],
  ["vendor", "Evidence that a verifier enclave judged is of vendor number"],
  ["tdAttributes", "The trust domain’s attributes are"],
  ["xfam", "Its extended features are"],
];

const REFUSES: readonly (readonly [name: string, words: string])[] = [
  ["revokedKeyset", "Revoked, and refused for good: keyset"],
  ["revokedCertificate", "Refused: whatever rests on the certificate"],
];

export function PolicySentences({ policy }: { readonly policy: Policy }) {
  if (policy.version === 0) {
    return (
      <p class="caution bad spaced">
        The registry has no such policy: nothing that asks under it is answered.
      </p>
    );
  }
  const { rules } = policy;
  return (
    <ul class="says">
      {rules === null && (
        <Sentence mark="dash">
          What it accepts stands in the registry’s log, which this node’s server does not give over so many
          blocks.
        </Sentence>
      )}
      {rules !== null && (
        <>
          <Rules rules={rules} words={ACCEPTS} mark="tick" />
          <Rules rules={rules} words={REFUSES} mark="cross" />
        </>
      )}
      <Settings policy={policy} />
      <Roles policy={policy} />
    </ul>
  );
}

interface RulesProps {
  readonly rules: NonNullable<Policy["rules"]>;
  readonly words: typeof ACCEPTS;
  readonly mark: MarkName;
}

function Rules({ rules, words, mark }: RulesProps) {
  return (
    <>
      {words.map(([name, says]) => {
        const subjects = rules.filter((rule) => rule.name === name).map(({ subject }) => subject);
        if (subjects.length === 0) return null;
        if (name === "platform" && subjects.includes("any")) {
          return (
            <Sentence key={name} mark="dash">
              <strong>Any machine</strong> will do.
            </Sentence>
          );
        }
        return (
          <Sentence key={name} mark={mark}>
            {says}{" "}
            {subjects.map((subject, index) => (
              <>
                {index > 0 && (index === subjects.length - 1 ? " or " : ", ")}
                <Hex value={subject} />
              </>
            ))}
            .
          </Sentence>
        );
      })}
    </>
  );
}

function Settings({ policy }: { readonly policy: Policy }) {
  const { validitySeconds, keysBeforeRequest, distinctVendors, quorumWindowSeconds } = policy;
  return (
    <>
      <Sentence mark="tick">
        An admission lasts {duration(validitySeconds)}; then new evidence is asked for.
      </Sentence>
      <Sentence mark={keysBeforeRequest ? "tick" : "dash"}>
        {keysBeforeRequest
          ? "A key answers only what was asked after it was admitted."
          : "A key may be admitted after the request that it answers: whoever runs the enclave can start several, and choose among their answers."}
      </Sentence>
      <Sentence mark={distinctVendors ? "tick" : "dash"}>
        {`The platforms of a quorum ${distinctVendors ? "are of different vendors" : "may be of one vendor"}, and leaves may join it for ${duration(quorumWindowSeconds)}.`}
      </Sentence>
    </>
  );
}

function Roles({ policy }: { readonly policy: Policy }) {
  const { owner, guardian, timelockSeconds, pending } = policy;
  return (
    <>
      <Sentence mark="word">
        <Hex value={owner} /> owns it, and may{" "}
        {timelockSeconds === 0
          ? "change it at once"
          : `let more in after ${duration(timelockSeconds)}, less at once`}
        ;{" "}
        {guardian === null ? (
          "nobody else may veto a change."
        ) : (
          <>
            <Hex value={guardian} /> may veto a change.
          </>
        )}
      </Sentence>
      {pending.map(({ executableAt, expiresAt }) => (
        <Sentence key={executableAt} mark="alarm">
          <strong>A change waits:</strong>{" "}
          {`anyone may put it into force from ${utcDate(executableAt)} ${utcTime(executableAt)} UTC until ${utcDate(expiresAt)}.`}
        </Sentence>
      ))}
    </>
  );
}

function Sentence({ mark, children }: { readonly mark: MarkName; readonly children: ComponentChildren }) {
  return (
    <li>
      <State mark={mark} tone={mark === "alarm" ? "warn" : "open"} />
      <span>{children}</span>
    </li>
  );
}
