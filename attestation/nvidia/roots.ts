/**
 * NVIDIA's device identity root, pinned by key. GPUs and switches share it.
 *
 * Source: github.com/NVIDIA/nvtrust, local_gpu_verifier, certs/verifier_device_root.pem.
 */

import { createTrustAnchor, type TrustAnchor } from "../x509/trust-anchor.ts";

const DEVICE_IDENTITY_SPKI = `0x${[
  "3076301006072a8648ce3d020106052b81040022036200040e4c14a33bf8a5626658db4129607e4cbf4519c4412716f4",
  "d0d917c4978005bdeabeaefd57bc66082d718a4f8b6052e1516ee8a7c422b84de857071bb58fd395bea0cfa1c63ee7c8",
  "0d6bd63901d91cbbd187d3857dc16b5cceaf238ff8c27dbd",
].join("")}` as const;

export const NVIDIA_ROOTS: readonly TrustAnchor[] = [
  createTrustAnchor("NVIDIA Device Identity CA", DEVICE_IDENTITY_SPKI),
];
