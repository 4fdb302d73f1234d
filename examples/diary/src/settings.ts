/** A grant is of the program's hash, so that none of it can be changed without a new grant. */

export const settings = {
  /** Of the account's chain; nothing that it says counts beside the block's hash. */
  rpc: "https://rpc.example/",
  /** `AgentMemory` on that chain. */
  memory: "0x0000000000000000000000000000000000000001",
  /** The account that runs this, and permits `remember` there. */
  account: "0x0000000000000000000000000000000000000002",
  price: "https://prices.example/eth",
} as const;
