/** An agent's program file: what is run, and what it may ask for. Its hash is what an answer, a grant or a secret names. */

import * as z from "zod";
import { equalBytes, isPlainText, type Hex } from "./bytes.ts";
import { encodeCanonicalJson, parseJson } from "./canonical-json.ts";
import { InputError } from "./errors.ts";
import { refusedField } from "./fields.ts";
import { MAX_MODEL_NAME_LENGTH } from "./limits.ts";
import { parseOutputType } from "./output-type.ts";
import { keccak } from "./struct-hash.ts";

/** Bytes of a program file. */
export const MAX_PROGRAM_BYTES = 1024 * 1024;

export const HTTP_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const headerName = z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/, {
  error: "expected a header's name in lower case",
});

/** As `URL.origin` writes it: nothing that a URL could spell in two ways. */
const origin = z.string().refine((text) => URL.parse(text)?.origin === text && text.startsWith("https://"), {
  error: "expected an https origin, such as https://api.example.com",
});

/** As a URL is sent: nothing that could be spelled in two ways, and no fragment. */
const mcpUrl = z
  .string()
  .max(2_048)
  .refine((text) => text.startsWith("https://") && URL.parse(text)?.href === text && !text.includes("#"), {
    error: "expected an https URL in full, such as https://tools.example.com/mcp",
  });

/** Of a header, the name of the secret that may fill it. */
const headerSecrets = z.record(headerName, z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)).default({});

const outputType = z.string().refine(
  (text) => {
    try {
      parseOutputType(text);
      return true;
    } catch {
      return false;
    }
  },
  { error: "expected an output type, such as (bool flagged, string reason)" },
);

/** What a run takes at most, with what holds where a manifest is silent. */
export const ProgramLimits = z.strictObject({
  gas: z.int().min(1_000_000).max(20_000_000_000).default(600_000_000),
  memoryBytes: z
    .int()
    .min(4 * 1024 * 1024)
    .max(64 * 1024 * 1024)
    .default(32 * 1024 * 1024),
  calls: z.int().min(0).max(512).default(64),
  openCalls: z.int().min(1).max(16).default(8),
  httpCalls: z.int().min(0).max(128).default(16),
  /** Of one response. */
  responseBytes: z
    .int()
    .min(1_024)
    .max(1024 * 1024)
    .default(256 * 1024),
  seconds: z.int().min(1).max(300).default(120),
});
export type ProgramLimits = z.output<typeof ProgramLimits>;

export const Manifest = z.strictObject({
  /** `provider/model`; the first is asked where the program names none. */
  models: z.array(z.string().min(1).max(MAX_MODEL_NAME_LENGTH)).max(16).default([]),
  http: z
    .array(
      z.strictObject({
        origin,
        methods: z.array(z.enum(HTTP_METHODS)).min(1),
        /** A URL's path begins with it. */
        pathPrefix: z.string().startsWith("/").max(1_024).default("/"),
        secrets: headerSecrets,
      }),
    )
    .max(32)
    .default([]),
  /** Servers of the Model Context Protocol. */
  mcp: z
    .array(
      z.strictObject({
        url: mcpUrl,
        /** Those that may be called; a model that talks a program into another one gets nothing. */
        tools: z.array(z.string().min(1).max(128)).min(1).max(64),
        secrets: headerSecrets,
      }),
    )
    .max(8)
    .default([]),
  /** The type of the input, ABI-encoded; null: JSON. */
  input: outputType.nullable().default(null),
  /** The type of the output, which is then ABI-encoded; null: canonical JSON. */
  output: outputType.nullable().default(null),
  /**
   * What a call that whoever runs the machine could have made fail does to the run: `end`, with all money back; or the program is
   * told and goes on, and the host then chooses which of its sources fail.
   */
  onHostFailure: z.enum(["end", "tell"]).default("end"),
  limits: ProgramLimits.prefault({}),
});
export type Manifest = z.output<typeof Manifest>;
export type ManifestFile = z.input<typeof Manifest>;

export const ProgramFile = z.strictObject({
  abi: z.literal("adyton-agent/1"),
  /** One ES module without imports, whose default export is called. */
  source: z.string().refine(isPlainText, { error: "expected well-formed Unicode" }),
  manifest: Manifest,
});

export interface Program {
  readonly hash: Hex;
  readonly source: string;
  readonly manifest: Manifest;
}

export function programHash(file: Uint8Array): Hex {
  return keccak(file);
}

/** @throws {InputError} INPUT_TOO_LARGE, INPUT_INVALID naming the field */
export function encodeProgram(source: string, manifest: ManifestFile): Uint8Array<ArrayBuffer> {
  const file = encodeCanonicalJson({ abi: "adyton-agent/1", source, manifest: manifest as never });
  parseProgram(file);
  return file;
}

/** @throws {InputError} INPUT_TOO_LARGE; INPUT_INVALID for what is no program in canonical form */
export function parseProgram(file: Uint8Array): Program {
  if (file.length > MAX_PROGRAM_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a program has at most ${MAX_PROGRAM_BYTES} bytes`,
      details: { size: file.length },
    });
  }
  const json = parseJson(file);
  const result = ProgramFile.safeParse(json);
  if (!result.success) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `not a program: ${z.prettifyError(result.error)}`,
      details: { field: refusedField(result.error) },
    });
  }
  if (!equalBytes(encodeCanonicalJson(json), file))
    throw new InputError({ code: "INPUT_INVALID", message: "the program is not in RFC 8785 canonical form" });
  const { source, manifest } = result.data;
  return { hash: programHash(file), source, manifest };
}
