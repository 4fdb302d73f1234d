/** The local chain's public facts: its id, and the accounts that anvil starts with. */

export const LOCAL_CHAIN_ID = 31_337n;

/** anvil's test mnemonic: its keys are public, its ether is worthless. */
export const LOCAL_MNEMONIC = "test test test test test test test test test test test junk";

/** Which of anvil's accounts does what. */
export const LocalAccount = { deployer: 0, transmitter: 1, asker: 2, payee: 3 } as const;
