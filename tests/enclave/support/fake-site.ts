/** A site of a test's own, and questions of models that read it: nothing of it is a network. */

import { createHash } from "node:crypto";
import type * as z from "zod";
import { createOperatorAccount } from "../../../enclave/accounts/account.ts";
import { infer, type Inference } from "../../../enclave/answers/infer.ts";
import { TranscriptRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import { SourceSettings } from "../../../enclave/configuration/source-settings.ts";
import type { Exchange, ExchangeOutcome, OutgoingRequest } from "../../../enclave/egress/exchange.ts";
import type { ModelCatalog } from "../../../enclave/models/model-catalog.ts";
import { readPage } from "../../../enclave/sources/page-text.ts";
import type { ReadPage } from "../../../enclave/sources/page-threads.ts";
import type { RunView } from "../../../enclave/sources/view-threads.ts";
import type { Bound, Sources } from "../../../enclave/sources/read-sources.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import type { Prompt } from "../../../protocol/prompt.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import type { Outcome } from "../../../runtime/output/panel.ts";
import { prompt, TEXT } from "./calls.ts";

const HASH = `0x${"11".repeat(32)}` as const;

export interface Served {
  readonly body: Uint8Array;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers by URL; what is not there is 404, and an outcome is given as it is. */
export function fakeSite(pages: Readonly<Record<string, Served | ExchangeOutcome>>): {
  readonly exchange: Exchange;
  readonly asked: OutgoingRequest[];
} {
  const asked: OutgoingRequest[] = [];
  const exchange: Exchange = (request) => {
    asked.push(request);
    const served = pages[request.url.href] ?? { body: new Uint8Array(), status: 404 };
    return Promise.resolve("kind" in served ? served : respond(served));
  };
  return { exchange, asked };
}

function respond({ body, status = 200, headers = {} }: Served): ExchangeOutcome {
  return {
    kind: "complete",
    response: {
      status,
      headers,
      body,
      bodySha256: new Uint8Array(createHash("sha256").update(body).digest()),
      transport: { kind: "plain-loopback", address: "127.0.0.1" },
    },
  };
}

/** As the enclave's threads read pages, and in none. */
export const readHere: ReadPage = (task) => Promise.resolve(readPage(task));

/** For what reads no contract. */
export const noView: RunView = () => Promise.reject(new Error("a view was run"));

export function sourceSettings(change: z.input<typeof SourceSettings> | object = {}): SourceSettings {
  return SourceSettings.parse({ hosts: "public", addresses: "public", ...change });
}

export interface Asked {
  readonly outcome: Outcome;
  readonly events: readonly TranscriptEvent[];
  readonly bodies: Readonly<Record<Hex, Hex>>;
}

export async function askWith(
  catalog: ModelCatalog,
  sources: Sources | null,
  {
    fee = 10n ** 18n,
    bound = null,
    ...change
  }: Partial<Prompt> & { readonly fee?: bigint; readonly bound?: Bound | null },
): Promise<Asked> {
  const recorder = new TranscriptRecorder({
    domain: "Adyton",
    requestId: HASH,
    payloadHash: HASH,
    context: HASH,
    stateBlock: null,
    evidenceHash: HASH,
    time: 1_795_305_600,
    clock: { source: "test", lowerBound: 0 },
  });
  const inference: Inference = {
    catalog,
    account: createOperatorAccount(() => null),
    sources,
    retries: 2,
    pause: () => Promise.resolve(),
  };
  const asked = prompt({ models: ["fake/a"], format: TEXT, ...change });
  const payload = encodePayload({ type: PayloadType.inference, prompt: asked });
  const outcome = await infer(inference, payload, { fee, maxOutputBytes: 4_096, bound }, recorder);
  const { transcript, bodies } = recorder.finish(outcome);
  return { outcome, events: transcript.flatMap((leaf) => understoodEvent(leaf) ?? []), bodies };
}
