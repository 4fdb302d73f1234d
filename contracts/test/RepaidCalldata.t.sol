// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { BatchTree } from "../src/coordinator/BatchTree.sol";
import { BatchItem, Opening, SignedLeaf } from "../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Request, RequestTerms } from "../src/types/Request.sol";
import { PerByteAdapter } from "./Payment.t.sol";
import { Batches } from "./support/Batches.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { Quorums } from "./support/Quorums.sol";

/// What a sender puts into calldata beyond what settling needs is nobody else's to pay. On a chain whose data costs 1 gwei a byte,
/// gas costs nothing here: what is earned is bytes.
contract RepaidBatchCalldataTest is Batches {
    function setUp() public override {
        super.setUp();
        coordinator = deployCoordinator(new PerByteAdapter());
        consumer = new RecordingConsumer(coordinator, policyId);
    }

    function askFree() internal returns (Request memory) {
        RequestTerms memory asked = terms();
        (asked.fee, asked.gasPriceCap) = (0, 0);
        return ask(asked);
    }

    /// A proof that proves nothing is refused with its item; it costs the others' payers no byte.
    function test_TheProofOfARefusedItemIsNotRepaidByTheOthers() public {
        Request[] memory requests = new Request[](2);
        bytes[] memory outputs = new bytes[](2);
        for (uint256 i = 0; i < 2; ++i) {
            (requests[i], outputs[i]) = (askFree(), abi.encode(i));
        }
        BatchItem[] memory items = itemsFor(requests, outputs);
        bytes32[] memory leaves = leavesOf(items);
        bytes32[][] memory proofs = new bytes32[][](2);
        (proofs[0], proofs[1]) = (new bytes32[](1), new bytes32[](1));
        (proofs[0][0], proofs[1][0]) = (leaves[1], leaves[0]);
        bytes32 root = BatchTree.root(leaves);
        bytes memory signature = signRoot(root, 2);
        uint256 id = vm.snapshotState();
        coordinator.fulfillBatch(items, root, 2, proofs, signature);
        uint256 perItem = coordinator.creditOf(alice.keyset.payee) / 2;
        assertTrue(perItem != 0, "bytes are repaid");
        vm.revertToState(id);
        proofs[0] = new bytes32[](500);
        coordinator.fulfillBatch(items, root, 2, proofs, signature);
        assertTrue(isPending(items[0].request), "the one whose proof proves nothing waits");
        assertEq(coordinator.creditOf(alice.keyset.payee), perItem, "the other pays for itself");
    }
}

contract RepaidQuorumCalldataTest is Quorums {
    uint256 private constant OUTPUT_BYTES = 1_024;

    function setUp() public override {
        super.setUp();
        coordinator = deployCoordinator(new PerByteAdapter());
        consumer = new RecordingConsumer(coordinator, policyId);
    }

    /// Two members that agree.
    function agreed() internal returns (Request memory request, Opening[] memory openings) {
        RequestTerms memory asked = terms();
        (asked.threshold, asked.aggregation) = (2, Aggregation.Identical);
        (asked.fee, asked.gasPriceCap) = (0, 0);
        asked.maxOutputBytes = uint24(OUTPUT_BYTES);
        request = ask(asked);
        bytes memory output = new bytes(OUTPUT_BYTES);
        openings = openingsOf(request, list(output, output));
    }

    function earnedByBoth() internal view returns (uint256) {
        return earned(0) + earned(1);
    }

    function repeated(Opening memory opening, uint256 times) internal pure returns (Opening[] memory all) {
        all = new Opening[](times);
        for (uint256 i = 0; i < times; ++i) {
            all[i] = opening;
        }
    }

    /// Leaves that are in the set already are passed over, and not booked.
    function test_LeavesThatArePassedOverAreNotRepaid() public {
        (Request memory request, Opening[] memory openings) = agreed();
        SignedLeaf[] memory leaves = leavesOf(openings);
        uint256 id = vm.snapshotState();
        coordinator.commitQuorum(request, only(leaves[0]));
        coordinator.commitQuorum(request, only(leaves[1]));
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, openings);
        uint256 plain = earnedByBoth();
        assertTrue(plain != 0, "bytes are repaid");
        vm.revertToState(id);
        coordinator.commitQuorum(request, only(leaves[0]));
        SignedLeaf[] memory many = new SignedLeaf[](40);
        for (uint256 i = 0; i < many.length; ++i) {
            many[i] = leaves[i == 0 ? 1 : i % 2];
        }
        coordinator.commitQuorum(request, many);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, openings);
        assertEq(earnedByBoth(), plain, "as much as without them");
    }

    /// An opening is repaid once, beside one that carries the output, however often either is named.
    function test_AnOpeningThatIsRepeatedIsRepaidOnce() public {
        (Request memory request, Opening[] memory openings) = agreed();
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        uint256 id = vm.snapshotState();
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, openings);
        uint256 plain = earnedByBoth();
        vm.revertToState(id);
        coordinator.openQuorum(request, repeated(openings[0], 30));
        coordinator.openQuorum(request, openings);
        assertTrue(earnedByBoth() <= plain + (OUTPUT_BYTES + 352) * 1 gwei, "one more at most");
    }

    /// Nor where leaves and openings share a transaction that came too late to commit.
    function test_LeavesOfATransactionThatOnlyOpensAreNotRepaid() public {
        (Request memory request, Opening[] memory openings) = agreed();
        SignedLeaf[] memory leaves = leavesOf(openings);
        coordinator.commitQuorum(request, leaves);
        vm.warp(block.timestamp + WINDOW);
        uint256 id = vm.snapshotState();
        coordinator.fulfillQuorum(request, leaves, openings);
        uint256 plain = earnedByBoth();
        vm.revertToState(id);
        SignedLeaf[] memory many = new SignedLeaf[](60);
        for (uint256 i = 0; i < many.length; ++i) {
            many[i] = leaves[i % 2];
        }
        coordinator.fulfillQuorum(request, many, openings);
        assertEq(earnedByBoth(), plain, "as much as with two");
    }
}
