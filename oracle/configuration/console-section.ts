/** Where the console listens, and what opens it. */

import * as z from "zod";

export const ConsoleSection = z
  .strictObject({
    host: z.string().default("127.0.0.1"),
    port: z.int().min(0).max(65_535).default(7_791).describe("port 0: chosen by the system and printed"),
    tokenFile: z
      .string()
      .describe("token that its reader types in, another than the admin's: it reads alone"),
  })
  .describe("the node's state in a browser, read-only, on a listener of its own; absent: there is none");
