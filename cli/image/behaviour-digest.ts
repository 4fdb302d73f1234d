import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import { readJsonFile } from "../json-file.ts";

/** What tells a behaviour file from other JSON; the enclave reads all of it. */
const BehaviourFile = z
  .object({
    version: z.literal(1),
    certificateAuthorities: z.array(z.string()),
    providers: z.record(z.string(), z.json()),
  })
  .and(z.record(z.string(), z.json()));

/** Of a behaviour file and of nothing else: the digest becomes a rule on chain, which no enclave of another file would meet. */
export function behaviourDigest(file: string): Hex {
  return configurationDigest(readJsonFile(file, BehaviourFile, "give the image's behaviour file"));
}
