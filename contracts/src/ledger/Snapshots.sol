// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Equivocation } from "../registry/Equivocation.sol";
import { Member, Snapshot } from "./ISnapshotLedger.sol";

/// @notice The bytes that a ledger's signers sign. docs/reference/ledger.md, Snapshot.
library Snapshots {
    /// @notice What is signed for an epoch: `Snapshot(bytes32 subject,bytes32 content)`, whose subject is the epoch's number. The
    /// domain names chain and ledger.
    /// @dev An enclave signs one for each subject: two of one ledger and epoch end its key (`proveEquivocation`).
    function structHash(uint256 epoch, bytes32 content_) internal pure returns (bytes32) {
        return keccak256(abi.encode(Equivocation.SNAPSHOT_TYPEHASH, epoch, content_));
    }

    /// @notice Everything that a snapshot says of its epoch.
    function content(
        bytes32 termsHash,
        bytes32 oldRoot,
        bytes32 rowsRoot,
        Snapshot calldata snapshot,
        Member[] calldata members
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(termsHash, oldRoot, rowsRoot, snapshot, membersHash(members)));
    }

    /// @notice keccak256 of each member's keysetId and answer key, a word each.
    function membersHash(Member[] calldata members) internal pure returns (bytes32) {
        bytes memory packed = new bytes(members.length * 64);
        for (uint256 i = 0; i < members.length; ++i) {
            bytes32 keysetId = members[i].keysetId;
            address answerKey = members[i].answerKey;
            // Memory-safe: within `packed`.
            assembly ("memory-safe") {
                let at := add(add(packed, 0x20), shl(6, i))
                mstore(at, keysetId)
                mstore(add(at, 0x20), answerKey)
            }
        }
        return keccak256(packed);
    }
}
