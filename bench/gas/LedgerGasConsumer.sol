// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ISnapshotLedger, RowProof } from "adyton/contracts/src/ledger/ISnapshotLedger.sol";

/// What reading a ledger's row costs a contract.
contract LedgerGasConsumer {
    function gasOfCheck(ISnapshotLedger ledger, bytes calldata row, RowProof calldata proof)
        external
        view
        returns (uint256)
    {
        uint256 before = gasleft();
        ledger.check(row, proof);
        return before - gasleft();
    }
}
