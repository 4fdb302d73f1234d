/** What a local network takes from its environment. Nothing of it reaches the enclave but what is named here. */

import { delimiter, resolve } from "node:path";

export interface DevnetEnvironment {
  /** `OPENAI_API_KEY` */
  readonly modelKey: string | null;
  /** `ADYTON_MODEL_URL`: base URL of an OpenAI-compatible API, up to and without `/chat/completions`. */
  readonly modelUrl: string | null;
  /** `ADYTON_MODEL`: what that server calls the model. */
  readonly modelName: string | null;
  /** `ADYTON_MODEL_CA`: PEM file of the authority behind that server, for a private one. */
  readonly modelCaFile: string | null;
}

const given = (value: string | undefined): string | null =>
  value === undefined || value === "" ? null : value;

/** PATH for the programs that we start, with the package's own first. */
export function programPath(): string {
  const bundled = resolve(import.meta.dirname, "../node_modules/.bin");
  return [bundled, process.env["PATH"] ?? ""].join(delimiter);
}

export function readEnvironment(): DevnetEnvironment {
  const environment = process.env;
  return {
    modelKey: given(environment["OPENAI_API_KEY"]),
    modelUrl: given(environment["ADYTON_MODEL_URL"]),
    modelName: given(environment["ADYTON_MODEL"]),
    modelCaFile: given(environment["ADYTON_MODEL_CA"]),
  };
}
