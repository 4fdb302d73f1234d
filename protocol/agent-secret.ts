/** Secrets of an agent's: each for one program, one origin, one header. No other program, and no other server, ever sees it. */

import * as z from "zod";
import { bytes32 } from "./fields.ts";
import { SealedSecret } from "./sealed-secret.ts";

export const SecretBinding = z.strictObject({
  program: bytes32,
  origin: z.string().max(512),
  header: z.string().max(64),
  name: z.string().max(64),
});
export type SecretBinding = z.output<typeof SecretBinding>;

export const AgentSecretCall = z.strictObject({ binding: SecretBinding, sealed: SealedSecret });
export type AgentSecretCall = z.output<typeof AgentSecretCall>;

/** The name that it is sealed under, beside the keyset: an origin and a header have no space in them. */
export function boundName({ program, origin, header, name }: SecretBinding): string {
  return `agent ${program} ${origin} ${header} ${name}`;
}
