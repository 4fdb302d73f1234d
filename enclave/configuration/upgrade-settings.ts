/** What the behaviour file says of planned upgrades; without it no secret ever leaves this enclave, and none comes from another one. */

import * as z from "zod";
import { UpgradeAuthority } from "../../protocol/upgrade.ts";

export const UpgradeSettings = z.strictObject({
  /** Of the upgrade that leads to this enclave; 0 for the first of its line. It hands over on higher ones only. */
  sequence: z.int().min(0).max(0xffff_fffe),
  authority: UpgradeAuthority,
});
export type UpgradeSettings = z.output<typeof UpgradeSettings>;
