/** Rules of NVIDIA GPUs and switches. */

import type { RuleSet } from "./rule-set.ts";

export const NVIDIA_DEVICES: RuleSet = {
  title: "NVIDIA GPUs and switches",
  prefix: "NVIDIA",
  files: [
    "nvidia/verify-nvidia-evidence.test.ts",
    "nvidia/reference-manifest.test.ts",
    "nvidia/device-revocation.test.ts",
    "policy/nvidia-rules.test.ts",
    "verdict/bind-gpus.test.ts",
  ],
  rules: [
    [
      "Request and response are SPDM 1.1 GET_MEASUREMENTS with a signature",
      "DMTF DSP0274 1.1, 10.11",
      "a device of Hopper's shape",
      "a request without a signature",
    ],
    [
      "The record holds as many blocks as it says, each once, of DMTF's format",
      "DMTF DSP0274 1.1, 10.11.1",
      "a device of Blackwell's shape",
      "two blocks of one index",
    ],
    [
      "Only zeros follow the signature",
      "DMTF DSP0274 1.1, 10.11",
      "zero padding after the signature",
      "bytes other than zeros after the signature",
    ],
    [
      "Opaque fields stand once, and are whole",
      "nvtrust, spdm_msrt_resp_msg.py",
      "fields of the opaque data that are not known",
      "a field of the opaque data that appears twice",
    ],
    [
      "The leaf signed request and response",
      "DMTF DSP0274 1.1, 10.11.2",
      "a device of Hopper's shape",
      "a signature by the boot ROM",
    ],
    [
      "The chain ends at the pinned NVIDIA Device Identity CA",
      "nvtrust, cc_admin_utils.py",
      "a device right below the pinned root, which then names its model",
      "every chain but NVIDIA's own, where the root is the pinned one",
    ],
    [
      "The firmware identifier of evidence and certificate agree",
      "TCG DICE Attestation Architecture, 6.1.1",
      "a device that does not name its firmware",
      "firmware that its certificate does not name",
    ],
    [
      "Devices of one document answer one nonce",
      "nvtrust, attestation.py",
      "several devices that answer one nonce, and then names no single platform",
      "devices that answered different nonces",
    ],
    [
      "Each device counts once",
      "confidential-containers/trustee#1551",
      "several devices that answer one nonce, and then names no single platform",
      "one that stands there twice",
    ],
    [
      "A node of protected PCIe needs its switches' evidence",
      "confidential-containers/trustee#1234",
      "and gives the mode of several GPUs, and the switches at the links",
      "that send plain data through switches need the switches' evidence",
    ],
    [
      "Debug is off only where a manifest's values establish it",
      "nvtrust, claims_utils.py",
      "are what establishes that debug is off",
      "and says what of debug is established: nothing",
    ],
    [
      "A manifest is signed by NVIDIA, in one way, as a whole",
      "W3C XML Signature 1.1, 4; ISO/IEC 19770-2",
      "gives the values of its version by SPDM index, which counts from 1",
      "that signs a part of itself",
    ],
    [
      "GPUs are bound to the CPU beside them by nonce, where a policy demands it",
      "confidential-containers/guest-components#991",
      "are accepted where the policy demands it and the enclave asked them",
      "are refused where the policy demands that they are bound, and they are not",
    ],
    [
      "Every bit that NVIDIA signed counts",
      "FIPS 186-5, 6.4",
      "a device of Hopper's shape",
      "evidence one bit away from a genuine one, whichever bit it is",
    ],
    [
      "An OCSP answer is by the issuer, or by a responder that a CA above certified for that",
      "RFC 6960, 4.2.2.2",
      "an answer by a responder of a CA above the issuer",
      "a responder of the very certificate that is asked about",
    ],
    [
      "An OCSP answer that speaks of a certificate is in date, and calls it good",
      "RFC 6960, 3.2",
      "an answer about every certificate that NVIDIA issued",
      "an answer about a certificate that its responder does not know",
    ],
    [
      "What an answer or a list calls revoked is refused",
      "RFC 6960, 2.2; RFC 5280, 6.3.3",
      "an answer about somebody else's certificates, which changes nothing",
      "a good answer beside one that says revoked",
    ],
  ],
};
