// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice A row of a ledger: `kind(1) ‖ key(32) ‖ seq(8) ‖ value(32)`. docs/reference/ledger.md, Row.
/// @param seq How often the key was written, this row included.
struct Row {
    uint8 kind;
    bytes32 key;
    uint64 seq;
    bytes32 value;
}

/// @notice Reads rows, and names the keys that accounts write.
library LedgerRows {
    uint256 internal constant BYTES = 73;

    /// @dev Kinds. 0 pads the data of a proof and is never on chain.
    uint8 internal constant READ = 1;
    uint8 internal constant SIGNED = 2;
    uint8 internal constant INBOX = 3;
    /// @dev An entry that came to no answer: the key keeps its seq, and `value` says why.
    uint8 internal constant UNANSWERED = 4;

    /// @notice Thrown when bytes are not those of one row.
    error RowMalformed(uint256 length);

    /// @notice The fields of a row.
    function decode(bytes calldata row) internal pure returns (Row memory) {
        require(row.length == BYTES, RowMalformed(row.length));
        return Row(uint8(row[0]), bytes32(row[1:33]), uint64(bytes8(row[33:41])), bytes32(row[41:73]));
    }

    /// @notice The key that `account` writes under its own name `localKey`. Nobody else can ask under it.
    function keyOf(address account, bytes32 localKey) internal pure returns (bytes32) {
        return keccak256(abi.encode(account, localKey));
    }
}
