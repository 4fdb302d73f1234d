/** The limits of every verdict. They stand beside the links, and never behind one. */

import { Head } from "../ui/frame.tsx";

type Limit = readonly [string, string];

const ALWAYS: readonly Limit[] = [
  [
    "Which weights answered.",
    "It shows which server answered, under which certificate. What runs behind it is the provider’s.",
  ],
  [
    "That the provider said so.",
    "The transcript is the enclave’s word: TLS leaves nothing that the provider signed.",
  ],
  [
    "What the program does.",
    "A measurement is a hash. Somebody must rebuild the source and get the same one.",
  ],
  ["Who stands at the machine.", "Whoever holds it can attack it. A policy can list the chips it trusts."],
  ["That nothing changed since.", "Evidence speaks of the moment it was made."],
];

const SIMULATED: Limit = [
  "Anything about hardware.",
  "This evidence is simulated. Its keys are public: anyone can make it.",
];

const OF_A_FAULT: readonly Limit[] = [
  ["Who changed it.", "Any holder of the file could."],
  ["What was there before.", "Hashes do not turn back."],
  ["That the enclave lied.", "The answer on chain may be right: look it up by its request."],
];

export interface LimitsProps {
  readonly title: string;
  readonly about: "nothing yet" | "fault" | "simulated" | "genuine";
}

export function Limits({ title, about }: LimitsProps) {
  const limits = about === "fault" ? OF_A_FAULT : about === "simulated" ? [SIMULATED, ...ALWAYS] : ALWAYS;
  return (
    <section>
      <Head title={title} />
      <ul class={about === "nothing yet" ? "not cols b" : "not"}>
        {limits.map(([what, why]) => (
          <li key={what}>
            <strong>{what}</strong>
            {why}
          </li>
        ))}
      </ul>
    </section>
  );
}
