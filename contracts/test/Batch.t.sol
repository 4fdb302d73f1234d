// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { BatchTree } from "../src/coordinator/BatchTree.sol";
import { BatchItem, IOracleCoordinator, Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { Request, Requests } from "../src/types/Request.sol";
import { HostileConsumer } from "./support/Consumers.sol";
import { Vm } from "./support/Vm.sol";
import { Batches } from "./support/Batches.sol";

contract BatchTest is Batches {
    function rootOf(bytes32[] memory leaves) external pure returns (bytes32) {
        return BatchTree.root(leaves);
    }

    function itemsFor(Request[] memory requests) internal view returns (BatchItem[] memory) {
        bytes[] memory outputs = new bytes[](requests.length);
        for (uint256 i = 0; i < requests.length; ++i) {
            outputs[i] = abi.encode(i);
        }
        return itemsFor(requests, outputs);
    }

    function askMany(uint256 count) internal returns (Request[] memory requests) {
        requests = new Request[](count);
        for (uint256 i = 0; i < count; ++i) {
            requests[i] = ask();
        }
    }

    /// Siblings of `index`, computed by a tree walk of its own.
    function proofOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        bytes32[] memory level = leaves;
        bytes32[] memory found = new bytes32[](16);
        uint256 depth = 0;
        while (level.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < level.length) found[depth++] = level[sibling];
            bytes32[] memory next = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < next.length; ++i) {
                if (2 * i + 1 == level.length) {
                    next[i] = level[2 * i];
                } else if (level[2 * i] < level[2 * i + 1]) {
                    next[i] = keccak256(abi.encode(level[2 * i], level[2 * i + 1]));
                } else {
                    next[i] = keccak256(abi.encode(level[2 * i + 1], level[2 * i]));
                }
            }
            index /= 2;
            level = next;
        }
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = found[i];
        }
    }

    function sort(bytes32[] memory values) internal pure {
        for (uint256 i = 0; i < values.length; ++i) {
            for (uint256 j = i + 1; j < values.length; ++j) {
                if (values[j] < values[i]) (values[i], values[j]) = (values[j], values[i]);
            }
        }
    }

    function refusals() internal returns (uint256 count, Refusal last) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IOracleCoordinator.BatchItemRefused.selector) {
                ++count;
                last = abi.decode(logs[i].data, (Refusal));
            }
        }
    }

    function test_RootAndProofsAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/batch.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = vm.parseJsonBytes32(json, string.concat(".leaves[", vm.toString(i), "].leaf"));
        }
        sort(leaves);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 leaf = vm.parseJsonBytes32(json, string.concat(".leaves[", vm.toString(i), "].leaf"));
            bytes32[] memory expected =
                vm.parseJsonBytes32Array(json, string.concat(".leaves[", vm.toString(i), "].proof"));
            uint256 place = 0;
            while (leaves[place] != leaf) ++place;
            assertEq(keccak256(abi.encode(proofOf(leaves, place))), keccak256(abi.encode(expected)), "proof");
        }
        assertEq(BatchTree.root(leaves), vm.parseJsonBytes32(json, ".root"), "root");
    }

    function testFuzz_SettlesAWholeBatch(uint8 size) public {
        BatchItem[] memory items = itemsFor(askMany(bound(size, 1, 12)));
        bytes32 root = BatchTree.root(leavesOf(items));
        uint256 held = address(coordinator).balance;
        coordinator.fulfillBatch(
            items, root, uint32(items.length), new bytes32[][](0), signRoot(root, items.length)
        );
        for (uint256 i = 0; i < items.length; ++i) {
            bytes32 id = Requests.id(items[i].request);
            assertEq(consumer.deliveries(id), 1, "delivered");
            assertEq(consumer.outputHashOf(id), items[i].answer.outputHash, "its own answer");
        }
        assertEq(
            coordinator.creditOf(PAYER) + coordinator.creditOf(alice.keyset.payee), held, "nothing is lost"
        );
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE * items.length, "the payee earns all of it");
    }

    function testFuzz_AnySubsetSettles(uint8 size, uint256 pick) public {
        BatchItem[] memory items = itemsFor(askMany(bound(size, 2, 9)));
        bytes32[] memory leaves = leavesOf(items);
        bytes32[][] memory proofs = new bytes32[][](1);
        BatchItem[] memory part = new BatchItem[](1);
        pick = bound(pick, 0, items.length - 1);
        proofs[0] = proofOf(leaves, pick);
        part[0] = items[pick];
        bytes32 root = BatchTree.root(leaves);
        coordinator.fulfillBatch(part, root, uint32(items.length), proofs, signRoot(root, items.length));
        for (uint256 i = 0; i < items.length; ++i) {
            assertEq(
                consumer.deliveries(Requests.id(items[i].request)), i == pick ? 1 : 0, "only the one sent"
            );
        }
    }

    /// Peer fault: a batch root accepted without checking leaves.
    function test_BatchLeavesAreChecked() public {
        BatchItem[] memory items = itemsFor(askMany(3));
        bytes32[] memory leaves = leavesOf(items);
        bytes32[][] memory proofs = new bytes32[][](3);
        for (uint256 i = 0; i < 3; ++i) {
            proofs[i] = proofOf(leaves, i);
        }
        bytes32 root = BatchTree.root(leavesOf(items));
        bytes memory signature = signRoot(root, 3);
        // A lie under a genuine root: the signature still verifies, the leaf is not there. Varied until it keeps its place.
        for (uint256 salt = 0;; ++salt) {
            items[1].output = abi.encode("lie", salt);
            items[1].answer.outputHash = keccak256(items[1].output);
            bytes32 leaf = Answers.leaf(items[1].answer);
            if (Answers.leaf(items[0].answer) < leaf && leaf < Answers.leaf(items[2].answer)) break;
        }
        vm.recordLogs();
        coordinator.fulfillBatch(items, root, 3, proofs, signature);
        (uint256 count, Refusal reason) = refusals();
        assertEq(count, 1, "one is refused");
        assertTrue(reason == Refusal.LeafNotInBatch, "for its leaf");
        assertEq(consumer.deliveries(Requests.id(items[1].request)), 0, "the lie is not delivered");
        assertEq(consumer.deliveries(Requests.id(items[2].request)), 1, "the rest goes on");
        bytes32 lying = this.rootOf(leavesOf(items));
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.BatchRootMismatch.selector, root, lying));
        coordinator.fulfillBatch(items, root, 3, new bytes32[][](0), signature);
    }

    function test_OneBadOrRevertingItemDoesNotStopTheRest() public {
        HostileConsumer hostile = new HostileConsumer(coordinator, policyId);
        Request[] memory requests = new Request[](3);
        requests[0] = ask();
        requests[1] = askFrom(hostile, terms());
        requests[2] = ask();
        coordinator.fulfill(requests[0], ok(requests[0], abi.encode(0)));
        BatchItem[] memory items = itemsFor(requests);
        bytes32 root = BatchTree.root(leavesOf(items));
        vm.recordLogs();
        coordinator.fulfillBatch(items, root, 3, new bytes32[][](0), signRoot(root, 3));
        (uint256 count, Refusal reason) = refusals();
        assertEq(count, 1, "the settled one is refused");
        assertTrue(reason == Refusal.NotPending, "as not pending");
        assertEq(consumer.deliveries(Requests.id(requests[0])), 1, "and not delivered twice");
        assertTrue(!isPending(requests[1]), "the reverting one is settled");
        assertEq(consumer.deliveries(Requests.id(requests[2])), 1, "the rest goes on");
    }

    function test_NothingSettlesUnderASignatureOfAnotherRootCountOrKey() public {
        BatchItem[] memory items = itemsFor(askMany(2));
        bytes32 root = BatchTree.root(leavesOf(items));
        bytes[3] memory signatures = [
            signRoot(keccak256("another"), 2),
            signRoot(root, 3),
            signBy(makeEnclave("mallory"), Answers.batchDigest(root, 2, block.chainid, address(coordinator)))
        ];
        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.recordLogs();
            coordinator.fulfillBatch(items, root, 2, new bytes32[][](0), signatures[i]);
            (uint256 count, Refusal reason) = refusals();
            assertEq(count, 2, "both are refused");
            assertTrue(reason == Refusal.SignerNotAdmitted, "for the signer");
        }
    }

    function test_ASignatureOfOneAnswerIsNoBatchSignature() public {
        BatchItem[] memory items = itemsFor(askMany(1));
        bytes32 root = BatchTree.root(leavesOf(items));
        Answer memory answer = items[0].answer;
        bytes memory single = signBy(alice, Answers.digest(answer, block.chainid, address(coordinator)));
        vm.recordLogs();
        coordinator.fulfillBatch(items, root, 1, new bytes32[][](0), single);
        (uint256 count,) = refusals();
        assertEq(count, 1, "refused");
    }

    function test_RevertWhen_TheBatchDoesNotFitTogether() public {
        BatchItem[] memory items = itemsFor(askMany(2));
        bytes32 root = BatchTree.root(leavesOf(items));
        bytes memory signature = signRoot(root, 2);
        vm.expectPartialRevert(IOracleCoordinator.BatchMalformed.selector);
        coordinator.fulfillBatch(new BatchItem[](0), root, 0, new bytes32[][](0), signature);
        vm.expectPartialRevert(IOracleCoordinator.BatchMalformed.selector);
        coordinator.fulfillBatch(items, root, 3, new bytes32[][](0), signature);
        vm.expectPartialRevert(IOracleCoordinator.BatchMalformed.selector);
        coordinator.fulfillBatch(items, root, 2, new bytes32[][](1), signature);
        (items[0], items[1]) = (items[1], items[0]);
        vm.expectPartialRevert(BatchTree.LeavesNotAscending.selector);
        coordinator.fulfillBatch(items, root, 2, new bytes32[][](0), signature);
    }
}
