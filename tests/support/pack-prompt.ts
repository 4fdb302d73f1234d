/** The packed form of a prompt, written by the reference and without its checks, so that wrong prompts can be packed too. */

import { AbiCoder } from "ethers";
import * as p from "../../protocol/index.ts";

const bytesOf = (value: string): Buffer => Buffer.from(value, "utf8");

function uint(value: bigint | number, bytes: number): Buffer {
  return Buffer.from(
    BigInt.asUintN(8 * bytes, BigInt(value))
      .toString(16)
      .padStart(2 * bytes, "0"),
    "hex",
  );
}

function counted(value: Uint8Array, width: number): Buffer {
  return Buffer.concat([uint(value.length, width), value]);
}

function sampling({ temperatureMilli, topPMilli, seed, effort }: p.Sampling): Buffer {
  const flags =
    (temperatureMilli === -1 ? 0 : 1) |
    (topPMilli === -1 ? 0 : 2) |
    (seed === -1n ? 0 : 4) |
    (effort === 0 ? 0 : 8);
  return Buffer.concat([
    uint(flags, 1),
    temperatureMilli === -1 ? Buffer.alloc(0) : uint(temperatureMilli, 2),
    topPMilli === -1 ? Buffer.alloc(0) : uint(topPMilli, 2),
    seed === -1n ? Buffer.alloc(0) : uint(seed, 8),
    effort === 0 ? Buffer.alloc(0) : uint(effort, 1),
  ]);
}

function format({
  kind,
  schema,
  choices,
}: {
  readonly kind: number;
  readonly schema: string;
  readonly choices: readonly string[];
}): Buffer {
  const names = choices.map((name) => counted(bytesOf(name), 2));
  if (kind === p.OutputKind.choice) return Buffer.concat([uint(kind, 1), uint(names.length, 1), ...names]);
  const withSchema =
    kind === p.OutputKind.json || kind === p.OutputKind.abi || schema !== "" || names.length > 0;
  return withSchema ? Buffer.concat([uint(kind, 1), counted(bytesOf(schema), 2)]) : uint(kind, 1);
}

function part(each: p.PromptPart): Buffer {
  switch (each.kind) {
    case p.PartKind.page:
      return bytesOf(each.url);
    case p.PartKind.image:
    case p.PartKind.document:
      return Buffer.concat([uint(each.mime, 1), p.fromHex(each.hash), bytesOf(each.uri)]);
    case p.PartKind.read: {
      const types = ["address", "string", "bytes", "string"];
      const values = [each.target, each.signature, each.arguments, each.label];
      return Buffer.from(AbiCoder.defaultAbiCoder().encode(types, values).slice(2), "hex");
    }
  }
}

export function packPrompt(prompt: p.Prompt): Uint8Array<ArrayBuffer> {
  const { models, panelRule, panelQuorum, messages, maxOutputTokens, parts } = prompt;
  return new Uint8Array(
    Buffer.concat([
      uint(models.length, 1),
      ...models.map((name) => counted(bytesOf(name), 1)),
      ...(models.length !== 1 ? [uint(panelRule, 1), uint(panelQuorum, 1)] : []),
      uint(maxOutputTokens, 3),
      sampling(prompt.sampling),
      format(prompt.format),
      uint(messages.length, 1),
      ...messages.flatMap(({ role, content }) => [uint(role, 1), counted(bytesOf(content), 3)]),
      ...parts.map((each) => Buffer.concat([uint(each.kind, 1), counted(part(each), 3)])),
    ]),
  );
}
