/** Shows both enclaves the case for an upgrade, and has the successor take the secrets. Nothing secret passes through here. */

import { randomBytes } from "node:crypto";
import * as z from "zod";
import { encodeEndorsements, parsePolicyFile } from "../../attestation/index.ts";
import { attestedFetch, type AttestedClient } from "../../client/node.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { parseJson } from "../../protocol/canonical-json.ts";
import { AttestationReply, ErrorReply } from "../../protocol/enclave-api.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { TakeOverReply, type TakeOverCall } from "../../protocol/hand-over.ts";
import type { EndorsementsJson } from "../../protocol/receipt.ts";
import { wallClock } from "../clock.ts";
import { readInput } from "../input-file.ts";
import { readEntries } from "./upgrade-files.ts";

export interface HandOverOptions {
  readonly from: string;
  readonly to: string;
  readonly fromPolicy: string;
  readonly toPolicy: string;
  readonly log: string;
  readonly announced: string;
  readonly head: string;
  readonly credentialFile: string;
}

/** @throws what `attestedFetch` throws; {UpstreamError} ENCLAVE_REFUSED with what the enclaves say */
export async function handOver(options: HandOverOptions): Promise<TakeOverReply> {
  const text = (file: string): string => Buffer.from(readInput(file)).toString("utf8");
  const credential = text(options.credentialFile).trim();
  const source = createVendorSource();
  const open = async (url: string, policy: string): Promise<AttestedClient> =>
    await attestedFetch(url, { policy: parsePolicyFile(readInput(policy), policy), endorsements: source });
  const endorsementsOf = async (client: AttestedClient): Promise<EndorsementsJson> => {
    const reply = await client.fetch(`/v1/attestation?nonce=${toHex(randomBytes(32))}`);
    const { evidence, endorsements } = AttestationReply.parse(await reply.json());
    return endorsements ?? encodeEndorsements(await source.find(fromHex(evidence.bytes), wallClock()));
  };
  using giver = await open(options.from, options.fromPolicy);
  using taker = await open(options.to, options.toPolicy);
  const call: TakeOverCall = {
    giver: new URL(options.from).origin,
    credential,
    case: {
      log: {
        entries: [...readEntries(options.log)],
        announced: text(options.announced),
        head: text(options.head),
      },
      policies: {
        from: z.json().parse(parseJson(readInput(options.fromPolicy))),
        to: z.json().parse(parseJson(readInput(options.toPolicy))),
      },
      endorsements: { from: await endorsementsOf(giver), to: await endorsementsOf(taker) },
    },
  };
  const reply = await taker.fetch("/v1/upgrades", {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
    body: JSON.stringify(call),
  });
  const json: unknown = await reply.json();
  if (reply.ok) return TakeOverReply.parse(json);
  const { code, message } = ErrorReply.parse(json).error;
  throw new UpstreamError({
    code: "ENCLAVE_REFUSED",
    message: `${code}: ${message}`,
    details: { status: reply.status },
  });
}
