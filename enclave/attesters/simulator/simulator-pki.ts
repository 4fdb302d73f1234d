/**
 * The simulator's certification hierarchy, in the shape of Intel's. All its keys are derived from published names: what
 * it certifies is worth nothing, and every policy that does not name the simulator refuses it.
 */

import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import {
  certificateExtension,
  joinChain,
  mintCertificate,
  mintCrl,
  toBareHex,
} from "./certificate-writer.ts";
import type { Der } from "./der-writer.ts";
import { encodePckExtension, fillLayout, littleEndian, signJson } from "./intel-writer.ts";
import { createP256Signer, type P256Signer } from "./signer.ts";

export const SIMULATOR_NAME = {
  root: "Adyton SIMULATOR root, not hardware",
  pckCa: "Adyton SIMULATOR SGX PCK Platform CA",
  tcbSigner: "Adyton SIMULATOR SGX TCB Signing",
  pck: "Adyton SIMULATOR SGX PCK Certificate",
} as const;

/** 2020-01-01 to 2049-12-31: the demo must not break on a date, and nothing real depends on one. */
const NOT_BEFORE = 1_577_836_800;
const NOT_AFTER = 2_524_521_600;
const NOT_BEFORE_ISO = "2020-01-01T00:00:00Z";
const NOT_AFTER_ISO = "2049-12-31T00:00:00Z";

const FMSPC: Hex = "0xad7706000000";
const PCE_ID: Hex = "0x0000";
const PCE_SVN = 13;
const CURRENT_SVN = 2;
const QE_ISV_SVN = 4;
const MODULE_VERSION = 1;

export const SIMULATOR_TEE_TCB_SVN = Uint8Array.from([
  CURRENT_SVN,
  MODULE_VERSION,
  CURRENT_SVN,
  ...new Uint8Array(13),
]);

const signers = {
  root: createP256Signer("root"),
  pckCa: createP256Signer("PCK CA"),
  tcbSigner: createP256Signer("TCB signing"),
} as const;

/** The one key that signs all simulated quotes: contracts on local chains check quotes against it alone. */
export const SIMULATOR_ATTESTATION_KEY: P256Signer = createP256Signer("attestation key");

export const SIMULATOR_ROOT_SPKI: Der = signers.root.spki;

const serialOf = (name: string): Hex => `0x40${toBareHex(sha256(toUtf8(name)).subarray(0, 15))}`;

function hash48(name: string): Hex {
  return toHex(sha384(toUtf8(`Adyton SIMULATOR ${name}`)));
}

export const SIMULATOR_MR_SIGNER_SEAM: Hex = hash48("SEAM signer");
const QE_MR_SIGNER = sha256(toUtf8("Adyton SIMULATOR quoting enclave signer"));
const QE_ISV_PROD_ID = 2;

async function mintCa(subject: string, spki: Uint8Array, pathLength: number): Promise<Der> {
  const fields = {
    subject,
    issuer: SIMULATOR_NAME.root,
    serial: serialOf(subject),
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
  };
  const extensions = [
    certificateExtension.keyUsage("keyCertSign", "cRLSign"),
    certificateExtension.basicConstraints(true, pathLength),
  ];
  return await mintCertificate({ ...fields, spki, extensions }, signers.root);
}

/** What Intel's PCS would serve, in the QuoteCollateralV3 shape; the same bytes every time. */
export async function mintSimulatorCollateral(): Promise<Readonly<Record<string, string>>> {
  const root = await mintCa(SIMULATOR_NAME.root, signers.root.spki, 1);
  const pckCa = await mintCa(SIMULATOR_NAME.pckCa, signers.pckCa.spki, 0);
  const tcbSigner = await mintCertificate(
    {
      subject: SIMULATOR_NAME.tcbSigner,
      issuer: SIMULATOR_NAME.root,
      serial: serialOf(SIMULATOR_NAME.tcbSigner),
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      spki: signers.tcbSigner.spki,
      extensions: [
        certificateExtension.keyUsage("digitalSignature"),
        certificateExtension.basicConstraints(false, null),
      ],
    },
    signers.root,
  );
  const list = { thisUpdate: NOT_BEFORE, nextUpdate: NOT_AFTER, revoked: [] };
  const tcbInfo = signJson(tcbInfoBody(), signers.tcbSigner);
  const qeIdentity = signJson(qeIdentityBody(), signers.tcbSigner);
  return {
    pck_crl_issuer_chain: joinChain(pckCa, root),
    root_ca_crl: toBareHex(await mintCrl({ issuer: SIMULATOR_NAME.root, ...list }, signers.root)),
    pck_crl: toBareHex(await mintCrl({ issuer: SIMULATOR_NAME.pckCa, ...list }, signers.pckCa)),
    tcb_info_issuer_chain: joinChain(tcbSigner, root),
    tcb_info: tcbInfo.text,
    tcb_info_signature: toBareHex(tcbInfo.signature),
    qe_identity_issuer_chain: joinChain(tcbSigner, root),
    qe_identity: qeIdentity.text,
    qe_identity_signature: toBareHex(qeIdentity.signature),
  };
}

const document = { issueDate: NOT_BEFORE_ISO, nextUpdate: NOT_AFTER_ISO, tcbEvaluationDataNumber: 1 };
const current = { tcbDate: NOT_BEFORE_ISO, tcbStatus: "UpToDate" };
const behind = {
  tcbDate: NOT_BEFORE_ISO,
  tcbStatus: "OutOfDate",
  advisoryIDs: ["ADYTON-SIMULATED-ADVISORY"],
};

function tcbInfoBody(): unknown {
  const components = (svn: number): unknown =>
    Array.from({ length: 16 }, (_, index) => ({ svn: index < 3 ? svn : 0 }));
  const level = (svn: number): unknown => ({
    sgxtcbcomponents: components(svn),
    pcesvn: PCE_SVN,
    tdxtcbcomponents: components(0),
  });
  const module = {
    mrsigner: SIMULATOR_MR_SIGNER_SEAM.slice(2),
    attributes: "0000000000000000",
    attributesMask: "FFFFFFFFFFFFFFFF",
  };
  return {
    id: "TDX",
    version: 3,
    ...document,
    fmspc: FMSPC.slice(2),
    pceId: PCE_ID.slice(2),
    tcbType: 0,
    tdxModule: module,
    tdxModuleIdentities: [
      {
        id: "TDX_01",
        ...module,
        tcbLevels: [
          { tcb: { isvsvn: CURRENT_SVN }, ...current },
          { tcb: { isvsvn: 0 }, ...behind },
        ],
      },
    ],
    tcbLevels: [
      { tcb: level(CURRENT_SVN), ...current },
      { tcb: level(0), ...behind },
    ],
  };
}

function qeIdentityBody(): unknown {
  return {
    id: "TD_QE",
    version: 2,
    ...document,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: toBareHex(QE_MR_SIGNER),
    isvprodid: QE_ISV_PROD_ID,
    tcbLevels: [{ tcb: { isvsvn: QE_ISV_SVN }, ...current }],
  };
}

/** Report body of the quoting enclave that the identity above describes. */
export const SIMULATOR_QE_REPORT = fillLayout(384, [
  [{ at: 48, length: 16 }, Uint8Array.of(0x11)],
  [{ at: 128, length: 32 }, QE_MR_SIGNER],
  [{ at: 256, length: 2 }, littleEndian(QE_ISV_PROD_ID, 2)],
  [{ at: 258, length: 2 }, littleEndian(QE_ISV_SVN, 2)],
]);

export interface SimulatedPlatform {
  readonly pck: P256Signer;
  readonly ppid: Hex;
  /** PEM, leaf first. */
  readonly chain: string;
}

/** A platform of the given name, with a PCK of its own. `isCurrent` decides whether its TCB is up to date. */
export async function mintSimulatedPlatform(name: string, isCurrent: boolean): Promise<SimulatedPlatform> {
  const pck = createP256Signer(`PCK of platform ${name}`);
  const ppid = toHex(sha256(toUtf8(`Adyton SIMULATOR platform ${name}`)).subarray(0, 16));
  const svn = isCurrent ? CURRENT_SVN : 0;
  const sgxComponentSvns = Array.from({ length: 16 }, (_, index) => (index < 3 ? svn : 0));
  const leaf = await mintCertificate(
    {
      subject: SIMULATOR_NAME.pck,
      issuer: SIMULATOR_NAME.pckCa,
      serial: serialOf(`PCK ${name}`),
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      spki: pck.spki,
      extensions: [
        certificateExtension.keyUsage("digitalSignature"),
        certificateExtension.basicConstraints(false, null),
        encodePckExtension({
          ppid,
          sgxComponentSvns,
          pceSvn: PCE_SVN,
          cpuSvn: toHex(Uint8Array.from(sgxComponentSvns)),
          pceId: PCE_ID,
          fmspc: FMSPC,
        }),
      ],
    },
    signers.pckCa,
  );
  const root = await mintCa(SIMULATOR_NAME.root, signers.root.spki, 1);
  const pckCa = await mintCa(SIMULATOR_NAME.pckCa, signers.pckCa.spki, 0);
  return { pck, ppid, chain: joinChain(leaf, pckCa, root) };
}
