/** Where `adyton oracle serve` listens, and as whom it reads. */

import * as z from "zod";

export const ServeSection = z
  .strictObject({
    host: z.string().default("127.0.0.1"),
    port: z.int().min(0).max(65_535).default(7_790).describe("port 0: chosen by the system and printed"),
    storeUrl: z
      .url({ protocol: /^postgres(?:ql)?$/ })
      .optional()
      .describe(
        "the same database by a role that may only read, or a replica of it; absent: as the nodes reach it",
      ),
  })
  .describe("the index and the metrics of a PostgreSQL store in a process of their own: adyton oracle serve");
