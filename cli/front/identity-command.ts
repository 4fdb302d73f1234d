/** `adyton identity`: the registration file of ERC-8004 for a front, to be served where the identity registry's `agentURI` points. */

import type { Command } from "commander";
import { InputError } from "../../protocol/errors.ts";

interface IdentityOptions {
  readonly name: string;
  readonly description: string;
  readonly image?: string;
  readonly charges?: boolean;
  readonly registration: readonly string[];
}

export interface Registration {
  readonly agentId: number;
  /** CAIP-10, of the identity registry. */
  readonly agentRegistry: string;
}

const TYPE = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1";
const REGISTRATION = /^(eip155:[1-9]\d{0,17}:0x[0-9a-fA-F]{40}):(0|[1-9]\d{0,14})$/u;

export function registerIdentity(program: Command): void {
  program
    .command("identity")
    .description("print the identity file (ERC-8004) of an enclave behind a front")
    .argument("<url>", "where callers reach the front")
    .requiredOption("--name <text>", "of the agent")
    .requiredOption("--description <text>", "what it does")
    .option("--image <url>", "its picture")
    .option("--charges", "the front takes payment for each call (x402)")
    .option(
      "--registration <chain:registry:id>",
      "where it is registered, such as eip155:1:0x…:7; again for more",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .action((url: string, options: IdentityOptions) => {
      process.stdout.write(`${JSON.stringify(identityFile(url, options), null, 2)}\n`);
    });
}

/** @throws {InputError} INPUT_INVALID */
export function identityFile(url: string, options: IdentityOptions): object {
  const { name, description, image, charges = false, registration } = options;
  const endpoint = endpointOf(url);
  return {
    type: TYPE,
    name,
    description,
    ...(image === undefined ? {} : { image }),
    services: [
      { name: "web", endpoint },
      // Whoever believes `tee-attestation` judges this, and needs no registry's word for it.
      { name: "attestation", endpoint: `${endpoint}/v1/attestation` },
    ],
    x402Support: charges,
    active: true,
    registrations: registration.map(parseRegistration),
    supportedTrust: ["tee-attestation"],
  };
}

function endpointOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed?.protocol === "https:" && parsed.search === "" && parsed.hash === "")
    return parsed.href.replace(/\/$/u, "");
  throw new InputError({ code: "INPUT_INVALID", message: `${url}: expected an https URL without a query` });
}

function parseRegistration(text: string): Registration {
  const [, agentRegistry, agentId] = REGISTRATION.exec(text) ?? [];
  if (agentRegistry === undefined)
    throw new InputError({ code: "INPUT_INVALID", message: `${text}: expected eip155:CHAIN:REGISTRY:ID` });
  return { agentId: Number(agentId), agentRegistry };
}
