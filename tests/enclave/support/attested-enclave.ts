import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import type { EnclaveProcess } from "./enclave-process.ts";

/**
 * Lets every TLS client of this process trust this enclave's certificate and no other, as one that has verified its
 * evidence would. One at a time: all enclaves' certificates have one subject.
 *
 * @returns undoes it
 */
export async function trustCertificateOf({ url }: Pick<EnclaveProcess, "url">): Promise<() => void> {
  const before = getCACertificates();
  const { hostname, port } = new URL(url);
  const certificate = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
    socket.once("error", reject);
  });
  const base64 = certificate.toString("base64");
  setDefaultCACertificates([`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`]);
  return () => {
    setDefaultCACertificates(before);
  };
}
