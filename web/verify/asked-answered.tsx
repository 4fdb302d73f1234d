/** The question and the answer, as they stand in the receipt. */

import type { ReceiptView } from "../../attestation/verdict/receipt-view.ts";
import { HostileText, Odd } from "../ui/text.tsx";

export function AskedAnswered({ receipt }: { readonly receipt: ReceiptView }) {
  const { asked, answered, status } = receipt;
  return (
    <div class="qa">
      <div>
        <p class="lab">Asked</p>
        {asked.map(({ role, text }, index) => (
          <blockquote key={index} class={role === "system" ? "sys" : ""}>
            <HostileText text={text} />
          </blockquote>
        ))}
      </div>
      <div>
        <p class="lab">{status === "ok" ? "Answered" : `Answered, with status ${status}`}</p>
        {answered.text !== null && (
          <blockquote>
            <HostileText text={answered.text} />
          </blockquote>
        )}
        {answered.fields.length > 0 && (
          <dl class="fields">
            {answered.fields.map(({ name, value, type }) => [
              <dt key={`${name} name`}>
                <Odd text={name} />
              </dt>,
              <dd key={`${name} value`}>
                <HostileText text={value} /> <span class="ty">{type}</span>
              </dd>,
            ])}
          </dl>
        )}
      </div>
    </div>
  );
}
