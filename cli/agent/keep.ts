/**
 * `adyton agent keep`: brings a program's secrets to an enclave, and again to whatever keyset is there later. An enclave forgets them
 * with its process, and they are sealed to nobody whose evidence their owner's policy does not accept.
 */

import { setTimeout as pause } from "node:timers/promises";
import { boundName, type AgentSecretCall, type SecretBinding } from "../../protocol/agent-secret.ts";
import type { Program } from "../../protocol/agent-program.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { sealSecret, type SealingTarget } from "../../protocol/sealed-secret.ts";
import { ExitCode } from "../exit-codes.ts";
import { report } from "../failure.ts";
import { readInputText } from "../input-file.ts";
import { untilInterrupted } from "../interruption.ts";
import { readAccess, type AccessOptions } from "./access.ts";
import { buildProgram } from "./build-program.ts";
import { readProject } from "./project.ts";
import { bringSecret, openEnclave } from "./run-on-network.ts";

export interface AgentKeepOptions extends AccessOptions {
  /** `NAME=FILE` */
  readonly secret: readonly string[];
  /** Seconds. */
  readonly every?: string;
  readonly upgrades?: string;
  readonly json?: true;
}

/** An enclave whose evidence was accepted. */
export interface SecretTaker {
  readonly target: SealingTarget;
  readonly put: (call: AgentSecretCall) => Promise<void>;
}

export interface KeptSecret {
  readonly binding: SecretBinding;
  readonly value: string;
}

/** Where a program's manifest lets secrets go: each is bound to the program, an origin and a header. */
export function bindingsOf({ hash, manifest }: Program): readonly SecretBinding[] {
  const places = [
    ...manifest.http.map(({ origin, secrets }) => ({ origin, secrets })),
    ...manifest.mcp.map(({ url, secrets }) => ({ origin: new URL(url).origin, secrets })),
  ];
  const bindings = places.flatMap(({ origin, secrets }) =>
    Object.entries(secrets).map(([header, name]) => ({ program: hash, origin, header, name })),
  );
  return [...new Map(bindings.map((binding) => [boundName(binding), binding])).values()];
}

/** @throws {InputError} INPUT_INVALID for a secret that is missing, or none of the program's; INPUT_NOT_FOUND for a file */
export function readSecrets(program: Program, named: readonly string[]): readonly KeptSecret[] {
  const values = new Map(
    named.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw invalid(`--secret takes NAME=FILE, and not ${text}`);
      return [text.slice(0, at), readSecret(text.slice(at + 1))] as const;
    }),
  );
  const bindings = bindingsOf(program);
  const unknown = [...values.keys()].find((name) => !bindings.some((binding) => binding.name === name));
  if (unknown !== undefined) throw invalid(`agent.json: the manifest has no secret ${unknown}`);
  return bindings.map((binding) => {
    const value = values.get(binding.name);
    if (value === undefined)
      throw invalid(`agent.json: the secret ${binding.name} is missing: --secret ${binding.name}=FILE`);
    return { binding, value };
  });
}

/** One line: what stands in a file ends with a line's end, and a header does not. */
function readSecret(file: string): string {
  const text = readInputText(file).trim();
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw invalid(`${file} holds no secret: one line of printable ASCII is expected`);
}

/** Brings the secrets where a keyset has not had them yet; null where it has. */
export async function bringTo(
  taker: SecretTaker,
  secrets: readonly KeptSecret[],
  { last, upgrades }: { readonly last: Hex | null; readonly upgrades?: Hex },
): Promise<Hex | null> {
  const { target } = taker;
  if (target.keysetId === last) return null;
  for (const { binding, value } of secrets)
    await taker.put({ binding, sealed: await sealSecret(target, boundName(binding), value, upgrades) });
  return target.keysetId;
}

export async function keepSecrets(folder: string, options: AgentKeepOptions): Promise<ExitCode> {
  const project = readProject(folder);
  const { program } = await buildProgram(project);
  const secrets = readSecrets(program, options.secret);
  if (secrets.length === 0) throw invalid("agent.json: the manifest has no secrets");
  const every = secondsOf(options.every);
  const upgrades = authorityOf(options.upgrades);
  let last: Hex | null = null;
  const look = async (): Promise<void> => {
    const access = await readAccess(options, project.manifest.models);
    using client = await openEnclave(access);
    const { keyset, keysetId } = client.peer;
    const taker = {
      target: { keysetId, sealingKey: keyset.sealingKey },
      put: (call: AgentSecretCall) => bringSecret(client, access, call),
    };
    const brought = await bringTo(taker, secrets, { last, ...(upgrades === null ? {} : { upgrades }) });
    if (brought === null) return;
    last = brought;
    const kept = { program: program.hash, keyset: brought, secrets: secrets.length };
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(kept)}\n`
        : `program  ${kept.program}\nkeyset   ${kept.keyset}\nhas      ${kept.secrets} of its secrets, until that enclave restarts\n`,
    );
  };
  if (every === null) {
    await look();
    return ExitCode.ok;
  }
  return await untilInterrupted(async (signal) => {
    for (;;) {
      // An enclave that is away, or whose evidence is refused, is looked for again.
      await look().catch(report);
      await pause(1000 * every, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  });
}

function secondsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9][0-9]{0,4}$/.test(text)) throw invalid("--every takes seconds, from 1 to 99,999");
  return Number(text);
}

function authorityOf(text: string | undefined): Hex | null {
  if (text === undefined) return null;
  if (!/^0x[0-9a-f]{64}$/.test(text))
    throw invalid("--upgrades takes an upgradeAuthorityId, 32 bytes of lower-case hex");
  return text as Hex;
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
