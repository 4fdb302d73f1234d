// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import {
    IOracleCoordinator,
    Opening,
    Refusal,
    SignedAnswer,
    SignedLeaf
} from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { Aggregation, Request, Requests } from "../src/types/Request.sol";
import { Quorums } from "./support/Quorums.sol";
import { SimulatedEnclave } from "./support/RegistryWorld.sol";

/// Whose answers are in a quorum is settled before anybody may see them.
contract QuorumCommitmentTest is Quorums {
    /// faults/contracts.md, B1: an odd third node replaced one of two honest answers.
    function test_AThirdNodeReplacesNobody() public {
        (Request memory request, Opening[] memory openings) = committed(2);
        Opening memory odd = openingOf(2, request, AnswerStatus.Ok, "yes.");
        coordinator.commitQuorum(request, only(leafOf(odd.answer, nodes[2])));
        (uint256 members,) = membersOf(request);
        assertEq(members, 3, "added and nobody removed");
        vm.warp(block.timestamp + WINDOW);
        // The odd one is not opened: the two wait for openings to end, and settle.
        coordinator.openQuorum(request, openings);
        assertTrue(isPending(request), "waits for the third");
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.openQuorum(request, new Opening[](0));
        vm.warp(block.timestamp + OPENING + 1);
        coordinator.openQuorum(request, only(openings[0]));
        assertTrue(statusOf(request) == AnswerStatus.Ok, "the honest answer");
        assertTrue(earned(0) > FEE / 2 && earned(1) > FEE / 2, "whose givers are paid");
        assertEq(earned(2), 0, "and nobody else");
    }

    function test_AThirdNodeThatOpensChangesNothingEither() public {
        (Request memory request, Opening[] memory openings) = committed(2);
        Opening memory odd = openingOf(2, request, AnswerStatus.Ok, "yes.");
        coordinator.commitQuorum(request, only(leafOf(odd.answer, nodes[2])));
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(odd));
        coordinator.openQuorum(request, openings);
        assertEq(outputHashOf(request), keccak256("yes"), "what most share");
        assertTrue(earned(2) >= FEE / 3, "it answered, and is paid for that");
    }

    /// faults/contracts.md, B2: the payer's own unplugged node settled against an answer in the mempool.
    function test_ThePayersUnpluggedNodeTakesNothingBack() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes", ""));
        openings[2] = openingOf(2, request, AnswerStatus.UpstreamFailed, "");
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        expectRefusal(request, Refusal.FallbackWindowNotReached);
        coordinator.openQuorum(request, openings);
        coordinator.openQuorum(request, first(openings, 2));
        vm.warp(block.timestamp + OPENING + 1);
        coordinator.openQuorum(request, only(openings[1]));
        assertTrue(statusOf(request) == AnswerStatus.Ok && earned(0) > FEE / 2, "answered and paid");
    }

    function test_TheWindowStartsWithTheThresholdthLeaf() public {
        Request memory request = askQuorum(3, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes", "yes"));
        bytes32 id = Requests.id(request);
        for (uint256 i = 0; i < 3; ++i) {
            (,,,, uint40 committedAt) = coordinator.pending(id);
            assertEq(committedAt, 0, "not yet");
            vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.QuorumNotOpen.selector, id, 0));
            coordinator.openQuorum(request, openings);
            vm.warp(block.timestamp + 100);
            coordinator.commitQuorum(request, only(leafOf(openings[i].answer, nodes[i])));
        }
        (,,,, uint40 startedAt) = coordinator.pending(id);
        assertEq(startedAt, block.timestamp, "with the third");
        (, uint40 windowEndsAt, uint40 openingsEndAt) = coordinator.quorumOf(id);
        assertEq(windowEndsAt, block.timestamp + WINDOW, "the policy's default");
        assertEq(openingsEndAt, block.timestamp + WINDOW + OPENING, "and a minute");
        vm.warp(windowEndsAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.QuorumNotOpen.selector, id, windowEndsAt));
        coordinator.openQuorum(request, openings);
        vm.warp(windowEndsAt);
        coordinator.openQuorum(request, openings);
    }

    function test_AnyoneAddsUntilTheWindowEndsAndNobodyRemoves() public {
        (Request memory request,) = committed(2);
        vm.warp(block.timestamp + WINDOW - 1);
        Opening memory third = openingOf(2, request, AnswerStatus.Ok, "yes");
        vm.prank(TRANSMITTER);
        coordinator.commitQuorum(request, only(leafOf(third.answer, nodes[2])));
        (uint256 members,) = membersOf(request);
        assertEq(members, 3, "added");
        vm.warp(block.timestamp + 1);
        Opening memory fourth = openingOf(3, request, AnswerStatus.Ok, "yes");
        SignedLeaf[] memory late = only(leafOf(fourth.answer, nodes[3]));
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.QuorumClosed.selector, Requests.id(request))
        );
        coordinator.commitQuorum(request, late);
    }

    function test_AtMostEightMembersAndDistinctPlatforms() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedLeaf[] memory leaves = new SignedLeaf[](9);
        for (uint256 i = 0; i < 9; ++i) {
            leaves[i] = leafOf(openingOf(i, request, AnswerStatus.Ok, "yes").answer, nodes[i]);
        }
        coordinator.commitQuorum(request, leaves);
        (uint256 members,) = membersOf(request);
        assertEq(members, 8, "eight");
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.LeavesNotNew.selector, Requests.id(request))
        );
        coordinator.commitQuorum(request, only(leaves[8]));
    }

    function test_TwoKeysetsOfOneMachineAreOneMember() public {
        SimulatedEnclave memory twin = makeEnclave("twin");
        twin.machine = nodes[0].machine;
        admit(twin);
        nextBlock();
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedLeaf[] memory leaves = new SignedLeaf[](2);
        leaves[0] = leafOf(openingOf(0, request, AnswerStatus.Ok, "yes").answer, nodes[0]);
        leaves[1] = leafOf(answerTo(request, AnswerStatus.Ok, "yes", twin), twin);
        coordinator.commitQuorum(request, leaves);
        (uint256 members,) = membersOf(request);
        assertEq(members, 1, "one");
        vm.expectPartialRevert(IOracleCoordinator.LeavesNotNew.selector);
        coordinator.commitQuorum(request, leaves);
    }

    function test_ThePolicyMayWantDistinctVendors() public {
        PolicyChange memory distinct = PolicyChange(PolicyRules.DISTINCT_VENDORS, 0, PolicyRules.PRESENT);
        policyId = createPolicy("vendors", one(distinct));
        admit(nodes[0]);
        admit(nodes[1]);
        nextBlock();
        Request memory request = askQuorum(2, Aggregation.Identical);
        commit(request, openingsOf(request, list("yes", "yes")));
        (uint256 members,) = membersOf(request);
        assertEq(members, 1, "the simulator is one vendor");
    }

    function test_RevertWhen_ALeafIsNotSignedByAnAdmittedKey() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SimulatedEnclave memory mallory = makeEnclave("mallory");
        SignedLeaf memory leaf = leafOf(answerTo(request, AnswerStatus.Ok, "yes", mallory), mallory);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.commitQuorum(request, only(leaf));
        // A signature of the answer is none of its leaf, nor one of another request's leaf.
        Answer memory answer = openingOf(0, request, AnswerStatus.Ok, "yes").answer;
        leaf = leafOf(answer, nodes[0]);
        leaf.signature = sign(answer, "yes", nodes[0]).signature;
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.commitQuorum(request, only(leaf));
        leaf = leafOf(answer, nodes[0]);
        Request memory other = askQuorum(2, Aggregation.Identical);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.commitQuorum(other, only(leaf));
    }

    function test_RevertWhen_OpeningsWouldEndAfterTheDeadline() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        vm.warp(request.deadline - WINDOW - OPENING + 1);
        SignedLeaf[] memory leaves = leavesOf(openingsOf(request, list("yes", "yes")));
        expectRefusal(request, Refusal.DeadlinePassed);
        coordinator.commitQuorum(request, leaves);
        vm.warp(request.deadline - WINDOW - OPENING);
        coordinator.commitQuorum(request, leaves);
    }

    function test_RevertWhen_AQuorumIsSettledWithoutACommitment() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer memory signed =
            sign(openingOf(0, request, AnswerStatus.Ok, "yes").answer, "yes", nodes[0]);
        expectRefusal(request, Refusal.QuorumRequired);
        coordinator.fulfill(request, signed);
        expectRefusal(request, Refusal.QuorumRequired);
        fulfillPacked(request, signed);
        Request memory alone = ask();
        SignedLeaf[] memory leaves = only(leafOf(answerTo(alone, AnswerStatus.Ok, "yes", alice), alice));
        expectRefusal(alone, Refusal.ThresholdNotMet);
        coordinator.commitQuorum(alone, leaves);
    }

    function withoutWindow() internal {
        PolicyChange memory none = PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(1)));
        policyId = createPolicy("no window", one(none));
        for (uint256 i = 0; i < 3; ++i) {
            admit(nodes[i]);
        }
        nextBlock();
    }

    /// Window 0: whoever sends it has seen the answers, and chooses among them. The docs say so.
    function test_WithoutAWindowAQuorumIsCommittedAndOpenedAtOnce() public {
        withoutWindow();
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        coordinator.fulfillQuorum(request, leavesOf(openings), openings);
        assertTrue(statusOf(request) == AnswerStatus.Ok, "settled");
        assertTrue(earned(0) > FEE / 2 && earned(1) > FEE / 2, "paid");
    }

    function test_WhoCommitsTheSameLeavesAMomentBeforeStopsNobody() public {
        withoutWindow();
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        vm.prank(address(0xE7E));
        coordinator.commitQuorum(request, leavesOf(openings));
        coordinator.fulfillQuorum(request, leavesOf(openings), openings);
        assertTrue(statusOf(request) == AnswerStatus.Ok, "settled");
        // With a window, an overlap does not stop the rest.
        policyId = createPolicy("with window", new PolicyChange[](0));
        for (uint256 i = 0; i < 3; ++i) {
            admit(nodes[i]);
        }
        nextBlock();
        request = askQuorum(3, Aggregation.Identical);
        openings = openingsOf(request, list("yes", "yes", "yes"));
        coordinator.commitQuorum(request, only(leafOf(openings[1].answer, nodes[1])));
        commit(request, openings);
        (uint256 members,) = membersOf(request);
        assertEq(members, 3, "all");
    }

    function test_RevertWhen_FulfillQuorumComesBeforeTheWindowEnds() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        SignedLeaf[] memory leaves = leavesOf(openings);
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotOpen.selector);
        coordinator.fulfillQuorum(request, leaves, openings);
    }
}
