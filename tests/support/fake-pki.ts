/** The vendors' worlds: chains, lists and evidence in each one's shape, under roots whose keys the tests hold. */

export { mintAmdWorld } from "./fake-amd.ts";
export { mintAwsWorld } from "./fake-aws.ts";
export { mintFakeIntel } from "./fake-intel.ts";
export { mintNvidiaWorld, toEvidenceJson } from "./fake-nvidia.ts";
