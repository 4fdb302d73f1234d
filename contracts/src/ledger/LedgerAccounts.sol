// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { RowProof } from "./ILedger.sol";
import { ISnapshotLedger } from "./ISnapshotLedger.sol";
import { LedgerRows, Row } from "./LedgerRows.sol";
import { RowClaims } from "./RowClaims.sol";

/// @title LedgerAccounts
/// @notice The prepaid accounts of who asks, and what comes back to them.
abstract contract LedgerAccounts is ISnapshotLedger, RowClaims {
    uint96 internal immutable PRICE;

    /// @inheritdoc ISnapshotLedger
    mapping(address account => uint256) public balanceOf;
    mapping(uint256 epoch => mapping(uint256 word => uint256 bits)) private _reclaimed;

    constructor(uint96 price, uint32 refuteWindowSeconds) RowClaims(refuteWindowSeconds) {
        PRICE = price;
    }

    /// @inheritdoc ISnapshotLedger
    function fund(address account) external payable {
        balanceOf[account] += msg.value;
        emit AccountFunded(account, msg.value);
    }

    /// @inheritdoc ISnapshotLedger
    function withdraw(address to, uint256 amount) external {
        _debit(msg.sender, amount);
        emit AccountWithdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc ISnapshotLedger
    function reclaim(address account, bytes32 localKey, bytes calldata row, RowProof calldata proof)
        external
    {
        check(row, proof);
        Row memory read = LedgerRows.decode(row);
        require(read.kind == LedgerRows.UNANSWERED, RowKind(read.kind));
        require(read.key == LedgerRows.keyOf(account, localKey), NotAccount(account));
        uint256 bit = 1 << (proof.index & 0xff);
        uint256 bits = _reclaimed[proof.epoch][proof.index >> 8];
        require(bits & bit == 0, AlreadyReclaimed(proof.epoch, proof.index));
        _reclaimed[proof.epoch][proof.index >> 8] = bits | bit;
        balanceOf[account] += PRICE;
        emit PriceReclaimed(proof.epoch, proof.index, account);
    }

    function _debit(address account, uint256 amount) internal {
        uint256 balance = balanceOf[account];
        require(amount <= balance, BalanceTooLow(account, balance));
        // Unchecked: compared the line before.
        unchecked {
            balanceOf[account] = balance - amount;
        }
    }
}
