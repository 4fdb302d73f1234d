// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice Where a row stands.
/// @param index Position in its epoch, from 0.
/// @param count Rows of that epoch.
/// @param path Siblings from the row up.
struct RowProof {
    uint256 epoch;
    uint256 index;
    uint256 count;
    bytes32[] path;
}

/// @title ILedger
/// @notice What ledgers of snapshots and of proofs have in common: rows in calldata, a root of them for each epoch, and an exit that
/// needs nothing but the chain's logs.
interface ILedger {
    /// @notice Emitted when somebody says that a row is the newest of its key.
    event RowClaimed(bytes32 indexed key, uint64 seq, bytes32 value);
    event PayeeWithdrawn(address indexed payee, uint256 amount);

    /// @notice Thrown when the row is not in that epoch.
    error RowNotSettled(uint256 epoch, uint256 index);
    /// @notice Thrown when a row is not of the kind that this is for.
    error RowKind(uint8 kind);
    /// @notice Thrown while the operators settle.
    error NotExit();
    /// @notice Thrown when a claim of that key is as new, or is final.
    error ClaimStands(bytes32 key, uint64 seq);
    /// @notice Thrown when nothing final was claimed.
    error NotClaimed(bytes32 key);
    /// @notice Thrown when a transfer failed.
    error TransferFailed(address to);

    /// @notice Reverts unless the row was settled there. Says nothing about newer rows of its key.
    /// @dev Warning: whether it is the key's newest row is the caller's to know; see `claim`.
    function check(bytes calldata row, RowProof calldata proof) external view;

    /// @notice Whether what was asked or queued has waited for longer than the ledger allows: its operators are gone.
    function isExit() external view returns (bool);

    /// @notice Says that a row is the newest of its key; anyone, in an exit.
    function claim(bytes calldata row, RowProof calldata proof) external;

    /// @notice Replaces a claim that is not final by a newer row; anyone, at any time. The window begins anew.
    function refute(bytes calldata row, RowProof calldata proof) external;

    /// @notice The claim of a key that nobody refuted in time; reverts when there is none.
    function claimed(bytes32 key) external view returns (uint64 seq, bytes32 value);

    /// @notice Pays a payee what it is owed; anyone.
    function withdrawPayee(address payee) external;

    function rowsRootOf(uint256 epoch) external view returns (bytes32);
    function owedTo(address payee) external view returns (uint256);
}
