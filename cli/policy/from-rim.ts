/** NVIDIA's manifests, verified and put into a policy. */

import { verifyNvidiaManifest } from "../../attestation/nvidia/reference-manifest.ts";
import { policyFromManifests } from "../../attestation/policy/from-manifests.ts";
import type { AppraisalPolicy } from "../../attestation/index.ts";
import { decodeBase64Text } from "../../attestation/encoding/encoded-text.ts";
import { tryParseJsonEvidence } from "../../attestation/evidence/json-evidence.ts";
import { toIsoTime } from "../../attestation/time/unix-time.ts";
import type { Crl } from "../../attestation/x509/crl.ts";
import { parseCrls } from "../../attestation/x509/pem-or-der.ts";
import { readFiles } from "../../endorsements/files/read-files.ts";
import { AdytonError, EndorsementError } from "../../protocol/errors.ts";
import { readEvidenceDemands } from "../verify/evidence-options.ts";

export interface FromRimOptions {
  readonly time?: string;
  readonly crls?: string;
}

export interface MadePolicy {
  readonly policy: AppraisalPolicy;
  /** A line for each manifest. */
  readonly summary: readonly string[];
}

/** @throws {InputError | EndorsementError} naming the file */
export async function policyFromRim(files: readonly string[], options: FromRimOptions): Promise<MadePolicy> {
  const { now } = await readEvidenceDemands(options.time === undefined ? {} : { time: options.time });
  const crls = options.crls === undefined ? undefined : await readCrls(options.crls);
  const read = files.flatMap(readFiles);
  const manifests = await Promise.all(
    read.map(
      async ({ name, bytes }) =>
        await namingFile(
          name,
          async () => await verifyNvidiaManifest(toXml(bytes), { now, ...(crls && { crls }) }),
        ),
    ),
  );
  const revocation = crls === undefined ? "revocation not checked" : "on no revocation list";
  return {
    policy: policyFromManifests(manifests),
    summary: manifests.map(
      ({ component, version, product, signer, window, byIndex }) =>
        `${product} ${component} ${version}: ${Object.keys(byIndex).length} measurements, signed by ${signer}, ` +
        `in date until ${toIsoTime(window.until)}, ${revocation}`,
    ),
  };
}

async function readCrls(path: string): Promise<readonly Crl[]> {
  const files = readFiles(path);
  const lists = await Promise.all(
    files.map(async ({ name, bytes }) => await namingFile(name, () => Promise.resolve(parseCrls(bytes)))),
  );
  return lists.flat();
}

/** @throws {EndorsementError} what `work` threw, with the name of its file */
async function namingFile<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof AdytonError)) throw cause;
    throw new EndorsementError({
      code: cause instanceof EndorsementError ? cause.code : "ENDORSEMENT_MALFORMED",
      message: `${name}: ${cause.message}`,
      details: { file: name },
      cause,
    });
  }
}

/** NVIDIA's service answers with the XML in base64, in a member `rim`. */
function toXml(bytes: Uint8Array): Uint8Array {
  const json = tryParseJsonEvidence(bytes);
  const rim = typeof json === "object" && json !== null && "rim" in json ? json.rim : undefined;
  return (typeof rim === "string" ? decodeBase64Text(rim) : undefined) ?? bytes;
}
