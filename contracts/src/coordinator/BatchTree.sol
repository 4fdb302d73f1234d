// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice The tree under an `AnswerBatch`. docs/reference/protocol.md, Batch.
library BatchTree {
    /// @notice Thrown when leaves are not strictly ascending: a batch has one order, and no answer twice.
    error LeavesNotAscending();

    /// @notice The root of all leaves of a batch. Overwrites `leaves`.
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 width = leaves.length;
        for (uint256 i = 1; i < width; ++i) {
            require(leaves[i - 1] < leaves[i], LeavesNotAscending());
        }
        while (width > 1) {
            uint256 parents = width / 2;
            for (uint256 i = 0; i < parents; ++i) {
                leaves[i] = Hashes.commutativeKeccak256(leaves[2 * i], leaves[2 * i + 1]);
            }
            // The last node of an odd level is carried up unchanged.
            if (width % 2 == 1) leaves[parents] = leaves[width - 1];
            width = (width + 1) / 2;
        }
        return leaves[0];
    }
}
