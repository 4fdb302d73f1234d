/** Other operators, whose enclaves answer the same requests: docs/how-to/join.md. */

import * as z from "zod";
import { distinct, httpUrl } from "./fields.ts";

const Peer = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9 ._-]{1,64}$/, { error: "expected up to 64 letters, digits, spaces, dots, dashes" })
    .describe("what this operator is called in logs and metrics"),
  url: httpUrl.describe("where its node's HTTP interface is reached"),
  key: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, { error: "expected what adyton oracle peer-key printed there" })
    .describe("its node's public key, as adyton oracle peer-key prints it"),
});

export const OperatorsSection = z.strictObject({
  keyFile: z.string().describe("this node's Ed25519 key (PEM), which adyton oracle peer-key writes"),
  spares: z
    .int()
    .min(0)
    .max(7)
    .default(1)
    .describe(
      "members of a quorum beyond its threshold: as many may lie or withhold; each shares the same fee, and its model is paid",
    ),
  peers: z
    .array(Peer)
    .max(32)
    .default([])
    .superRefine(distinct("name", ({ name }) => name))
    .superRefine(distinct("key", ({ key }) => key))
    .describe("nodes that leaves and answers are exchanged with; none: everything goes over the chain"),
});
