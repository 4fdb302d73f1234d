/** The worker's questions and findings: plain data, so that it can cross between threads. */

import type { ExplainedPolicy } from "../../attestation/policy/explain.ts";
import type { EventView, ReceiptView } from "../../attestation/verdict/receipt-view.ts";
import type { Verdict } from "../../attestation/verdict/verdict.ts";
import type { UnixSeconds } from "../../attestation/time/unix-time.ts";
import type { Hex } from "../../protocol/bytes.ts";

/** How a file got here. Of a policy it decides whose choice it is what is accepted. */
export type Origin = "disk" | "pasted" | "link" | "made here" | "operator";

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly origin: Origin;
}

/** A file's role. `twin` is the COSE form of a receipt. */
export type FileRole = "receipt" | "twin" | "evidence" | "policy" | "endorsements" | "nothing";

export interface SortedFile {
  readonly name: string;
  readonly size: number;
  readonly role: FileRole;
}

export interface JudgeTask {
  readonly files: readonly GivenFile[];
  /** The reader's clock. */
  readonly clock: UnixSeconds;
  /** The time to judge evidence at, where the reader set one. A receipt is judged at its own. */
  readonly time: UnixSeconds | null;
  readonly nonce: Hex | null;
}

export interface Judgement {
  readonly files: readonly SortedFile[];
  /** The file that was judged; null where none was recognised that can be. */
  readonly subject: SortedFile | null;
  readonly verdict: Verdict | null;
  readonly judgedAt: { readonly time: UnixSeconds; readonly whose: "its own" | "now" | "yours" } | null;
  readonly receipt: ReceiptView | null;
  readonly policy: PolicyView | null;
  /** Why the file that was meant as a policy is none. */
  readonly policyFault: string | null;
  /** The policy that would accept the genuine evidence here; null where there is none. */
  readonly proposal: Proposal | null;
}

export interface PolicyView {
  readonly name: string;
  readonly origin: Origin;
  readonly explained: ExplainedPolicy;
}

export interface ProposalRow {
  readonly kind: string;
  readonly rule: string;
  /** What the rule would demand. */
  readonly says: string;
  readonly means: string;
  readonly concerns: "program" | "status" | "chip" | "other";
  /** Whether the rule cannot be left open: then it has to be accepted as it is. */
  readonly isNeeded: boolean;
}

export interface Proposal {
  readonly rows: readonly ProposalRow[];
}

/** Parts of what was judged whose bytes can be looked at. */
export type Part = "evidence" | "claims" | "payload" | "output" | "signature" | "keyset";

export interface TextSlice {
  readonly text: string;
  /** Characters of the whole. */
  readonly total: number;
}

/** Messages to the worker. Each is answered once, under its number. */
export type Ask =
  | { readonly ask: "judge"; readonly task: JudgeTask }
  | { readonly ask: "events"; readonly from: number; readonly count: number }
  | { readonly ask: "body"; readonly hash: Hex; readonly from: number; readonly count: number }
  | { readonly ask: "part"; readonly part: Part; readonly from: number; readonly count: number }
  /** The bytes of what was judged. */
  | { readonly ask: "file" }
  /** A policy of these rules; the others are left open. */
  | { readonly ask: "makePolicy"; readonly rules: readonly string[] };

export interface Replies {
  readonly judge: Judgement;
  readonly events: readonly EventView[];
  readonly body: TextSlice;
  readonly part: TextSlice;
  readonly file: Uint8Array<ArrayBuffer> | null;
  /** The policy file's text. */
  readonly makePolicy: string;
}
