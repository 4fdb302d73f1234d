// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { LedgerRows } from "./LedgerRows.sol";

/// @notice The tree over the rows of one epoch, made of calldata. docs/reference/ledger.md, Epoch tree.
/// @dev 74, 65 and 41 bytes are hashed for a leaf, a node and the root: none can pose as another. The root has the count of rows,
/// without which the path of one position could be read as another's.
library EpochTree {
    /// @notice The root of `rows`, and what kinds they are of.
    /// @param rows Whole rows, at least one.
    /// @return root See the library.
    /// @return kinds A bit for each kind that occurs; of kinds above 255 there are none.
    /// @return answered How many are `SIGNED`.
    function rootOf(bytes calldata rows)
        internal
        pure
        returns (bytes32 root, uint256 kinds, uint256 answered)
    {
        uint256 count = rows.length / LedgerRows.BYTES;
        // Memory-safe: leaves lie from `leaves` on, the row that is hashed behind them; the free memory pointer stays, as nothing
        // here outlives the block.
        assembly ("memory-safe") {
            let leaves := mload(0x40)
            let scratch := add(leaves, shl(5, count))
            let to := leaves
            let end := add(rows.offset, rows.length)
            mstore8(scratch, 0)
            for { let at := rows.offset } lt(at, end) { at := add(at, 73) } {
                calldatacopy(add(scratch, 1), at, 73)
                mstore(to, keccak256(scratch, 74))
                to := add(to, 0x20)
                let kind := byte(0, calldataload(at))
                kinds := or(kinds, shl(kind, 1))
                answered := add(answered, eq(kind, 2))
            }
            mstore8(scratch, 1)
            for { let width := count } gt(width, 1) { width := shr(1, add(width, 1)) } {
                let half := shr(1, width)
                for { let i := 0 } lt(i, half) { i := add(i, 1) } {
                    mcopy(add(scratch, 1), add(leaves, shl(6, i)), 64)
                    mstore(add(leaves, shl(5, i)), keccak256(scratch, 65))
                }
                // The last node of an odd level is carried up unchanged.
                if and(width, 1) {
                    mstore(add(leaves, shl(5, half)), mload(add(leaves, shl(5, sub(width, 1)))))
                }
            }
            let top := mload(leaves)
            mstore8(scratch, 2)
            mstore(add(scratch, 1), shl(192, count))
            mstore(add(scratch, 9), top)
            root := keccak256(scratch, 41)
        }
    }

    /// @notice The root that follows from one row and its path; zero when the path is not one of that position.
    /// @param index Position of the row, from 0.
    /// @param count Rows of the epoch.
    /// @param path Siblings from the row up.
    function rootFrom(bytes calldata row, uint256 index, uint256 count, bytes32[] calldata path)
        internal
        pure
        returns (bytes32 root)
    {
        if (row.length != LedgerRows.BYTES || index >= count || count > type(uint64).max) return 0;
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            mstore8(scratch, 0)
            calldatacopy(add(scratch, 1), row.offset, 73)
            let node := keccak256(scratch, 74)
            let at := path.offset
            let end := add(at, shl(5, path.length))
            let width := count
            mstore8(scratch, 1)
            for { } gt(width, 1) { width := shr(1, add(width, 1)) } {
                // A position has a sibling unless it is the last of an odd level.
                if or(and(index, 1), lt(add(index, 1), width)) {
                    switch lt(at, end)
                    case 0 { width := 0 }
                    default {
                        let own := shl(5, and(index, 1))
                        mstore(add(add(scratch, 1), own), node)
                        mstore(add(scratch, sub(0x21, own)), calldataload(at))
                        at := add(at, 0x20)
                        node := keccak256(scratch, 65)
                    }
                }
                index := shr(1, index)
            }
            // Neither too short, which made the width 0, nor too long.
            if and(eq(width, 1), eq(at, end)) {
                mstore8(scratch, 2)
                mstore(add(scratch, 1), shl(192, count))
                mstore(add(scratch, 9), node)
                root := keccak256(scratch, 41)
            }
        }
    }
}
