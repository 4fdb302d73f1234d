/** What this guard guards. A grant is of the program's hash, so that none of it can be changed without a new grant. */

export const settings = {
  /** Of the chain that the account is on; nothing that it says counts beside the block's hash. */
  rpc: "https://rpc.example/",
  pool: "0x0000000000000000000000000000000000000001",
  token: "0x0000000000000000000000000000000000000002",
  /** The account that the guard acts for. */
  account: "0x0000000000000000000000000000000000000003",
  /** Where the pool's notices are, by number. */
  notices: "https://pool.example/notices/",
} as const;
