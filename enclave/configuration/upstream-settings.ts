/** Of a provider in the behaviour file: that its servers attest themselves before anything is sent to them. */

import * as z from "zod";
import { DOCUMENT_FORMS } from "../../attestation/upstream/bindings.ts";
import { findOpenSoftware } from "../../attestation/policy/foundations.ts";
import { parseAppraisalPolicy } from "../../attestation/policy/policy-file.ts";
import type { AppraisalPolicy } from "../../attestation/policy/policy.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";

const vendorUrl = z.string().refine((text) => URL.parse(text)?.protocol === "https:", {
  error: "expected an https URL",
});

export const UpstreamSettings = z
  .strictObject({
    /** `ra-tls`: in the certificate, which no authority need have issued. Others: a document, from a server that an authority names too. */
    form: z.enum(["ra-tls", ...DOCUMENT_FORMS]),
    /** An appraisal policy, as `adyton policy` writes one. */
    policy: z.record(z.string(), z.json()),
    /** Seconds after which a key's evidence is asked for and judged again. */
    maxAge: z.int().min(60).max(86_400),
    /** Who is asked for what the evidence does not bring: Intel's PCS or a PCCS, AMD's KDS. null: nobody, and it cannot be judged then. */
    endorsements: z.strictObject({ intel: vendorUrl.nullable(), amd: vendorUrl.nullable() }),
    /** What the evidence vouches for, by this policy. `weights`: its software can load no others than those that were reviewed with it. */
    covers: z.enum(["channel", "channel-and-code", "channel-code-and-weights"]),
  })
  .superRefine(({ policy, covers }, context) => {
    try {
      const parsed = parseAppraisalPolicy(policy);
      const open = covers === "channel" ? undefined : findOpenSoftware(parsed);
      if (open === undefined) return;
      const message = `code is covered by a policy that names all software that it accepts, and this one accepts ${open}`;
      context.addIssue({ code: "custom", path: ["covers"], message });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      context.addIssue({ code: "custom", path: ["policy"], message: error.message });
    }
  });
export type UpstreamSettings = z.output<typeof UpstreamSettings>;

export function policyOf({ policy }: UpstreamSettings): {
  readonly json: Json;
  readonly policy: AppraisalPolicy;
} {
  return { json: policy, policy: parseAppraisalPolicy(policy) };
}
