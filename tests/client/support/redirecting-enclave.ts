/** An attested server of the test's own whose every call but the attestation is redirected. */

import * as z from "zod";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { issueCertificate } from "../../../enclave/identity/certificate.ts";
import { attestIdentity, createIdentity } from "../../../enclave/identity/identity.ts";
import { toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { AttestationReply } from "../../../protocol/enclave-api.ts";
import { behaviourFile, operatorFile } from "../../enclave/support/configuration.ts";
import { startHostileServer, type HostileServer } from "../../enclave/support/hostile-server.ts";
import { wallClockMs } from "../../oracle/support/wall-clock.ts";

const ENDPOINT = { url: "https://127.0.0.1:1/v1", certificateAuthority: "-----BEGIN CERTIFICATE-----" };

export async function startRedirectingEnclave(to: string): Promise<{ readonly server: HostileServer }> {
  const json = (value: unknown): Uint8Array => toUtf8(JSON.stringify(value));
  const configuration = readConfiguration(json(behaviourFile(ENDPOINT)), json(operatorFile()));
  const identity = createIdentity(configuration, "test");
  const simulator = await createSimulatorAttester({ platform: "test" });
  const attester = {
    attest: async (reportData: Uint8Array) => ({
      kind: "simulator",
      bytes: await simulator.getEvidence(reportData),
      endorsements: null,
    }),
  };
  const { evidence } = await attestIdentity(identity, attester, `0x${"00".repeat(32)}`);
  const now = Math.floor(wallClockMs() / 1_000);
  const cert = issueCertificate({
    keys: identity.keys.tls,
    evidence,
    notBefore: now - 3_600,
    notAfter: now + 3_600,
  });
  const key = identity.keys.tls.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const server = await startHostileServer({
    credentials: { key, cert },
    respond: (response, request) => {
      const url = new URL(request.url ?? "/", "https://enclave");
      if (url.pathname !== "/v1/attestation") {
        response.writeHead(307, { location: to }).end();
        return;
      }
      const nonce = url.searchParams.get("nonce") as Hex;
      void attestIdentity(identity, attester, nonce).then((attested) => {
        const reply = z.encode(AttestationReply, { keyset: identity.keyset, ...attested });
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
      });
    },
  });
  return { server };
}
