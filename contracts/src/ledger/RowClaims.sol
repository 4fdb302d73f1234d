// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ILedger, RowProof } from "./ILedger.sol";
import { EpochTree } from "./EpochTree.sol";
import { LedgerRows, Row } from "./LedgerRows.sol";

/// @title RowClaims
/// @notice Reads settled rows, and lets go of a ledger whose operators are gone. Needs no enclave and no operator: rows and paths
/// are in the chain's logs.
/// @dev A claim moves nothing by itself and takes no bond: each one is of a newer row, so that a key has at most as many as it has rows,
/// and whoever cares begins with the newest.
abstract contract RowClaims is ILedger {
    struct Claim {
        uint64 seq;
        uint40 claimedAt;
        bytes32 value;
    }

    uint32 private immutable REFUTE_WINDOW_SECONDS;

    /// @inheritdoc ILedger
    mapping(uint256 epoch => bytes32) public rowsRootOf;
    /// @inheritdoc ILedger
    mapping(address payee => uint256) public owedTo;
    mapping(bytes32 key => Claim) private _claims;

    constructor(uint32 refuteWindowSeconds) {
        REFUTE_WINDOW_SECONDS = refuteWindowSeconds;
    }

    /// @inheritdoc ILedger
    function isExit() public view virtual returns (bool);

    /// @inheritdoc ILedger
    function check(bytes calldata row, RowProof calldata proof) public view {
        bytes32 settled = rowsRootOf[proof.epoch];
        bytes32 computed = EpochTree.rootFrom(row, proof.index, proof.count, proof.path);
        require(computed != 0 && computed == settled, RowNotSettled(proof.epoch, proof.index));
    }

    /// @inheritdoc ILedger
    function claim(bytes calldata row, RowProof calldata proof) external {
        require(isExit(), NotExit());
        _claim(row, proof);
    }

    /// @inheritdoc ILedger
    function refute(bytes calldata row, RowProof calldata proof) external {
        bytes32 key = LedgerRows.decode(row).key;
        require(_claims[key].claimedAt != 0, NotClaimed(key));
        _claim(row, proof);
    }

    /// @inheritdoc ILedger
    function claimed(bytes32 key) external view returns (uint64 seq, bytes32 value) {
        Claim memory last = _claims[key];
        require(_isFinal(last), NotClaimed(key));
        return (last.seq, last.value);
    }

    /// @inheritdoc ILedger
    function withdrawPayee(address payee) external {
        uint256 amount = owedTo[payee];
        owedTo[payee] = 0;
        emit PayeeWithdrawn(payee, amount);
        _send(payee, amount);
    }

    function _send(address to, uint256 amount) internal {
        (bool succeeded,) = to.call{ value: amount }("");
        require(succeeded, TransferFailed(to));
    }

    function _claim(bytes calldata row, RowProof calldata proof) private {
        check(row, proof);
        Row memory read = LedgerRows.decode(row);
        require(read.kind != LedgerRows.UNANSWERED, RowKind(read.kind));
        Claim memory last = _claims[read.key];
        // A row of seq 0 wrote nothing, and is newer than no claim.
        require(read.seq > last.seq && !_isFinal(last), ClaimStands(read.key, last.seq));
        _claims[read.key] = Claim(read.seq, uint40(block.timestamp), read.value);
        emit RowClaimed(read.key, read.seq, read.value);
    }

    function _isFinal(Claim memory last) private view returns (bool) {
        return last.claimedAt != 0 && block.timestamp > uint256(last.claimedAt) + REFUTE_WINDOW_SECONDS;
    }
}
