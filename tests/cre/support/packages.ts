/** Chainlink's packages, where `tools/install-cre.ts` has put them: no package of this repository depends on them. */

import { join } from "node:path";
import type * as Protobuf from "@bufbuild/protobuf";
import type * as WellKnown from "@bufbuild/protobuf/wkt";
import { build } from "esbuild";

export const CRE_MODULES = join(import.meta.dirname, "../../../tools/cre/node_modules");

const GENERATED = "./@chainlink/cre-sdk/dist/generated";
/** The SDK's messages, and its own protobuf, for which their descriptors are made. */
const MESSAGES = `
  export * as protobuf from "@bufbuild/protobuf";
  export * as wellKnown from "@bufbuild/protobuf/wkt";
  export * as sdk from "${GENERATED}/sdk/v1alpha/sdk_pb";
  export * as evm from "${GENERATED}/capabilities/blockchain/evm/v1alpha/client_pb";
  export * as confidentialHttp from "${GENERATED}/capabilities/networking/confidentialhttp/v1alpha/client_pb";
`;

type Schemas<Names extends string> = Readonly<Record<Names, Protobuf.DescMessage>>;

interface Messages {
  readonly protobuf: typeof Protobuf;
  readonly wellKnown: typeof WellKnown;
  readonly sdk: Schemas<
    | "AwaitCapabilitiesRequestSchema"
    | "AwaitCapabilitiesResponseSchema"
    | "CapabilityRequestSchema"
    | "CapabilityResponseSchema"
    | "ExecuteRequestSchema"
    | "ExecutionResultSchema"
    | "ReportRequestSchema"
    | "ReportResponseSchema"
  >;
  readonly evm: Schemas<
    "FilterLogTriggerRequestSchema" | "LogSchema" | "WriteReportReplySchema" | "WriteReportRequestSchema"
  >;
  readonly confidentialHttp: Schemas<"ConfidentialHTTPRequestSchema" | "HTTPResponseSchema">;
}

/** Bundled in memory: the SDK's files name each other without an extension, which Node takes for nothing. */
async function loadMessages(): Promise<Messages> {
  const { outputFiles } = await build({
    stdin: { contents: MESSAGES, resolveDir: CRE_MODULES },
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  const [{ contents } = { contents: new Uint8Array() }] = outputFiles;
  const url = `data:text/javascript;base64,${Buffer.from(contents).toString("base64")}`;
  return (await import(url)) as Messages;
}

export const { protobuf, wellKnown, sdk, evm, confidentialHttp } = await loadMessages();

/** A message of the SDK, whose types are not installed where this is compiled. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- whoever decodes names the message
export function decode<T>(schema: Protobuf.DescMessage, bytes: Uint8Array): T {
  return protobuf.fromBinary(schema, bytes) as unknown as T;
}

export function encode(schema: Protobuf.DescMessage, fields: object): Uint8Array {
  return protobuf.toBinary(schema, protobuf.create(schema, fields as never));
}

/** As the payload of a capability's request or response. */
export function pack(schema: Protobuf.DescMessage, fields: object): WellKnown.Any {
  return wellKnown.anyPack(schema, protobuf.create(schema, fields as never));
}
