/** A local network's environment. Nothing of it reaches the enclave but what is named here. */

import { delimiter, resolve } from "node:path";
import { PROVIDER_TEMPLATES } from "../enclave/models/catalog/catalog.ts";

export interface DevnetEnvironment {
  /** By variable: `OPENAI_API_KEY` and those of the other vendors in the enclave's catalogue. */
  readonly keys: Readonly<Record<string, string>>;
  /** `ADYTON_PROVIDER`: which of the catalogue's templates describes the server at `ADYTON_MODEL_URL`. */
  readonly provider: string | null;
  /** `ADYTON_MODEL_URL`: base URL of an API, up to and without `/chat/completions` or what that provider has instead. */
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
    keys: readKeys(environment),
    provider: given(environment["ADYTON_PROVIDER"]),
    modelUrl: given(environment["ADYTON_MODEL_URL"]),
    modelName: given(environment["ADYTON_MODEL"]),
    modelCaFile: given(environment["ADYTON_MODEL_CA"]),
  };
}

function readKeys(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const names = PROVIDER_TEMPLATES.flatMap(({ keyVariable }) => keyVariable ?? []);
  return Object.fromEntries(
    names.flatMap((name) => {
      const key = given(environment[name]);
      return key === null ? [] : [[name, key]];
    }),
  );
}
