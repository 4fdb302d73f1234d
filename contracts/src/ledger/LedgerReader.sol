// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ILedger, RowProof } from "./ILedger.sol";
import { LedgerRows, Row } from "./LedgerRows.sol";

/// @title LedgerReader
/// @notice What a contract that asks a ledger reads its answers with.
/// @dev Warning: a row stays settled for ever, also when its key was written again. A contract that must not take an old one keeps the
/// `seq` that it saw last.
library LedgerReader {
    /// @notice Thrown when a row is not an answer to what this contract asked under `localKey`.
    error NotAnswerTo(bytes32 localKey);

    /// @notice The answer that the calling contract asked for under its `localKey`; reverts unless it was settled.
    /// @dev Establishes: `ledger` settled the row, it is an answer, and only this contract asks under that key.
    function answerTo(ILedger ledger, bytes32 localKey, bytes calldata row, RowProof calldata proof)
        internal
        view
        returns (uint64 seq, bytes32 value)
    {
        Row memory read = LedgerRows.decode(row);
        require(
            read.kind == LedgerRows.SIGNED && read.key == LedgerRows.keyOf(address(this), localKey),
            NotAnswerTo(localKey)
        );
        ledger.check(row, proof);
        return (read.seq, read.value);
    }
}
