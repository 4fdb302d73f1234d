/** What a node serves, with something of every kind, and one of each that it could not read. */

const HASH = `0x${"ab".repeat(32)}`;
const OTHER = `0xef${"ab".repeat(31)}`;
const ADDRESS = `0x${"cd".repeat(20)}`;

/** @param text stands wherever a node could write what it likes */
export function stubContracts(text: string): object {
  return {
    ...{ chainId: 31_337, coordinator: ADDRESS, registry: ADDRESS },
    policies: [
      {
        ...{ policyId: HASH, version: 3, validitySeconds: 86_400, keysBeforeRequest: false },
        ...{ distinctVendors: true, quorumWindowSeconds: 30, owner: ADDRESS, guardian: null },
        timelockSeconds: 2 * 86_400,
        pending: [{ executableAt: 1_793_476_800, expiresAt: 1_794_081_600 }],
        rules: [
          { name: "verifier", subject: ADDRESS },
          { name: "behaviour", subject: HASH },
          { name: "behaviour", subject: OTHER },
          { name: "platform", subject: "any" },
          { name: "tcb", subject: text },
          { name: "revokedKeyset", subject: HASH },
        ],
      },
      { policyId: OTHER, fault: text },
    ],
    ledgers: [
      {
        ...{ address: ADDRESS, kind: "snapshot", policyId: HASH, threshold: 2, price: "1000000000000000" },
        ...{ entries: "3", epochs: 1 },
      },
      { address: ADDRESS.replace("cd", "ce"), kind: "proven", ruleId: HASH },
      { address: ADDRESS.replace("cd", "cf"), kind: "snapshot", fault: text },
    ],
    agents: [
      {
        ...{ account: ADDRESS, grantId: HASH, programHash: OTHER, policyId: HASH, slotSeconds: 3_600 },
        ...{ fee: "1000000000000000", nextNonce: "498192", activeFrom: 0, isRevoked: false },
      },
      { account: ADDRESS.replace("cd", "ce"), grantId: OTHER, fault: text },
    ],
  };
}
