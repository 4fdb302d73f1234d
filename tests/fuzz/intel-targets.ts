/** Targets of Intel, the simulator, RA-TLS and X.509: whole verifications under roots of our own, and each parser. */

import {
  parseIntelEndorsements,
  verifyIntelEndorsements,
} from "../../attestation/intel/intel-endorsements.ts";
import { verifySgxQuoteUnder } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import { parseAppraisalPolicy } from "../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../attestation/policy/propose.ts";
import { verifyRaTlsCertificate } from "../../attestation/ra-tls/verify-ra-tls.ts";
import { SIMULATOR_COLLATERAL } from "../../attestation/simulator/collateral.ts";
import { SIMULATOR_TRUST } from "../../attestation/simulator/trust.ts";
import { verifySimulatorEvidence } from "../../attestation/simulator/verify-simulator.ts";
import { parseCertificates, parseCrls } from "../../attestation/x509/pem-or-der.ts";
import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { fromHex, fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { FAKE_TRUST, mintFakeIntel, MODULE_3, NOW } from "../support/fake-intel.ts";
import { endorsementExtension, interoperable, mintTlsCertificate } from "../support/fake-ra-tls.ts";
import type { FuzzTarget } from "./target.ts";

const tdxWorld = mintFakeIntel({ body: [MODULE_3] });
const tdx5World = mintFakeIntel({ version: 5, bodyType: "td15" });
const sgxWorld = mintFakeIntel({ tee: "sgx" });
const tdxEndorsements = tdxWorld.then((world) => world.endorsements());
const sgxEndorsements = sgxWorld.then((world) => world.endorsements());
const simulatedQuote = createSimulatorAttester().then(
  async (attester) => await attester.getEvidence(new Uint8Array(64)),
);

const tdx: FuzzTarget = {
  kind: "tdx",
  seeds: async () => [(await tdxWorld).quote, (await tdx5World).quote],
  run: async (input) => {
    const context = { endorsements: await tdxEndorsements, now: NOW, trust: FAKE_TRUST };
    return (await verifyTdQuote("tdx", input, context)).claims;
  },
};

const sgx: FuzzTarget = {
  kind: "sgx",
  seeds: async () => [(await sgxWorld).quote],
  run: async (input) => {
    const context = { endorsements: await sgxEndorsements, now: NOW };
    return (await verifySgxQuoteUnder(FAKE_TRUST, input, context)).claims;
  },
};

const simulator: FuzzTarget = {
  kind: "simulator",
  seeds: async () => [await simulatedQuote],
  run: async (input) => (await verifySimulatorEvidence(input, { now: NOW })).claims,
};

const raTls: FuzzTarget = {
  kind: "ra-tls",
  seeds: async () => [
    await mintTlsCertificate([await interoperable(), endorsementExtension(SIMULATOR_COLLATERAL, "der")]),
  ],
  run: async (input) => {
    const { evidence, spki, nonce, keysetId } = await verifyRaTlsCertificate(input, {}, { now: NOW });
    return { claims: evidence.claims, spki, nonce, keysetId };
  },
};

/** JSON in which everything is signed, by Intel or by a CA; text that is no JSON is the caller's mistake. */
const collateral: FuzzTarget = {
  kind: "intel-collateral",
  seeds: () => Promise.resolve([toUtf8(JSON.stringify(SIMULATOR_COLLATERAL))]),
  run: async (input) => {
    const endorsements = parseIntelEndorsements(parseJson(input));
    await verifyIntelEndorsements(endorsements, SIMULATOR_TRUST.anchor, NOW);
    return [endorsements.tcbInfo, endorsements.qeIdentity];
  },
};

/** Parsers alone establish nothing: whatever they read is their meaning. */
const parsers: FuzzTarget = {
  kind: "x509",
  seeds: async () => {
    const { certificates, collateral: parts } = await tdxWorld;
    return [
      ...(Object.values(certificates) as Uint8Array<ArrayBuffer>[]),
      fromHex(`0x${String(parts["pck_crl"])}`),
    ];
  },
  run: (input) => {
    try {
      parseCertificates(input);
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      parseCrls(input);
    }
    return Promise.resolve("a certificate, or a list");
  },
};

const policy: FuzzTarget = {
  kind: "policy",
  seeds: async () => {
    const evidence = await verifySimulatorEvidence(await simulatedQuote, { now: NOW });
    return [toUtf8(JSON.stringify(proposePolicy(evidence)))];
  },
  run: (input) => {
    parseAppraisalPolicy(parseJson(input));
    return Promise.resolve("a policy");
  },
};

function parseJson(input: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(input));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "not JSON", cause });
  }
}

export const INTEL_TARGETS: readonly FuzzTarget[] = [sgx, tdx, simulator, raTls, collateral, parsers, policy];
