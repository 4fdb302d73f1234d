// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { BatchTree } from "../../src/coordinator/BatchTree.sol";
import { BatchItem, SignedAnswer } from "../../src/interfaces/IOracleCoordinator.sol";
import { Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { Request } from "../../src/types/Request.sol";
import { World } from "./World.sol";

/// Batches of alice's, and how they are sent.
abstract contract Batches is World {
    /// `Ok` items in ascending order of their leaves, as a batch is; each says `outputs[i]`.
    function itemsFor(Request[] memory requests, bytes[] memory outputs)
        internal
        view
        returns (BatchItem[] memory items)
    {
        items = new BatchItem[](requests.length);
        for (uint256 i = 0; i < requests.length; ++i) {
            items[i] = BatchItem(
                requests[i],
                answerTo(requests[i], AnswerStatus.Ok, outputs[i], alice),
                outputs[i],
                block.number - 1
            );
        }
        sortItems(items);
    }

    function sortItems(BatchItem[] memory items) internal pure {
        for (uint256 i = 0; i < items.length; ++i) {
            for (uint256 j = i + 1; j < items.length; ++j) {
                if (Answers.leaf(items[j].answer) < Answers.leaf(items[i].answer)) {
                    (items[i], items[j]) = (items[j], items[i]);
                }
            }
        }
    }

    function leavesOf(BatchItem[] memory items) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            leaves[i] = Answers.leaf(items[i].answer);
        }
    }

    function signRoot(bytes32 root, uint256 count) internal view returns (bytes memory) {
        return signBy(alice, Answers.batchDigest(root, uint32(count), block.chainid, address(coordinator)));
    }

    /// The calldata of a whole batch, by the ABI or packed.
    function batchCall(BatchItem[] memory items, bool packed) internal view returns (bytes memory) {
        bytes32 root = BatchTree.root(leavesOf(items));
        bytes memory signature = signRoot(root, items.length);
        if (!packed) {
            return abi.encodeCall(
                coordinator.fulfillBatch, (items, root, uint32(items.length), new bytes32[][](0), signature)
            );
        }
        (bytes32 r, bytes32 vs) = compact(signature);
        bytes memory all;
        for (uint256 i = 0; i < items.length; ++i) {
            all = abi.encodePacked(
                all, pack(items[i].request, signedOf(items[i]), i == 0, items[i == 0 ? 0 : i - 1].request)
            );
        }
        return
            abi.encodeCall(coordinator.fulfillBatchPacked, (alice.keysetId, r, vs, uint32(items.length), all));
    }

    function signedOf(BatchItem memory item) internal pure returns (SignedAnswer memory) {
        return SignedAnswer(item.answer, "", item.output, item.stateBlockNumber);
    }
}
