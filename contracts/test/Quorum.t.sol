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
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { Quorums } from "./support/Quorums.sol";
import { SimulatedEnclave } from "./support/RegistryWorld.sol";

/// What a quorum says, and what its members earn.
contract QuorumOutcomeTest is Quorums {
    function medianOf(int256[] memory values, Aggregation aggregation) internal returns (bytes32) {
        Request memory request = askQuorum(uint8(values.length), aggregation);
        bytes[] memory outputs = new bytes[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            outputs[i] = abi.encode(values[i]);
        }
        settle(request, openingsOf(request, outputs));
        return outputHashOf(request);
    }

    function floorMean(int256 a, int256 b) internal pure returns (int256) {
        // Halves and their remainders, each rounded down: a second way to the same.
        int256 rest = ((a & 1) + (b & 1)) >> 1;
        return (a >> 1) + (b >> 1) + rest;
    }

    function testFuzz_MedianIsTheMiddleOrTheMeanOfTwoRoundedDown(
        int256 a,
        int256 b,
        int256 c,
        int256 d,
        bool four
    ) public {
        int256[] memory values = new int256[](four ? 4 : 3);
        (values[0], values[1], values[2]) = (a, b, c);
        if (four) values[3] = d;
        bytes32 delivered = medianOf(values, Aggregation.Median);
        for (uint256 i = 0; i < values.length; ++i) {
            for (uint256 j = i + 1; j < values.length; ++j) {
                if (values[j] < values[i]) (values[i], values[j]) = (values[j], values[i]);
            }
        }
        int256 expected = four ? floorMean(values[1], values[2]) : values[1];
        assertEq(delivered, keccak256(abi.encode(expected)), "median");
    }

    /// faults/contracts.md, F1: the median of two was the lower one, and of the largest uint256 and 100 that was the largest.
    function testFuzz_MedianUnsignedReadsUint256(uint256 a, uint256 b) public {
        int256[] memory values = new int256[](2);
        (values[0], values[1]) = (int256(a), int256(b));
        bytes32 delivered = medianOf(values, Aggregation.MedianUnsigned);
        uint256 mean = (a >> 1) + (b >> 1) + (((a & 1) + (b & 1)) >> 1);
        assertEq(delivered, keccak256(abi.encode(mean)), "median");
    }

    function test_TheMedianOfAHundredAndTheLargestIsNotTheLargest() public {
        testFuzz_MedianUnsignedReadsUint256(100, type(uint256).max);
        testFuzz_MedianUnsignedReadsUint256(type(uint256).max, type(uint256).max);
    }

    function test_MedianIsOfTheOkAnswersIfTheyAreEnough() public {
        Request memory request = askQuorum(2, Aggregation.Median);
        Opening[] memory openings = openingsOf(request, list(abi.encode(1), abi.encode(3), ""));
        openings[2] = openingOf(2, request, AnswerStatus.Refused, "");
        settle(request, openings);
        assertEq(outputHashOf(request), keccak256(abi.encode(2)), "of two");
    }

    function test_AMedianWithoutEnoughNumbersIsWhatMostShare() public {
        Request memory request = askQuorum(2, Aggregation.Median);
        Opening[] memory openings = openingsOf(request, list(abi.encode(1), "", ""));
        openings[1] = openingOf(1, request, AnswerStatus.Refused, "");
        openings[2] = openingOf(2, request, AnswerStatus.Refused, "");
        settle(request, openings);
        assertTrue(statusOf(request) == AnswerStatus.Refused, "refused");
        // Outputs of another length are no numbers.
        request = askQuorum(2, Aggregation.Median);
        settle(request, openingsOf(request, list(abi.encode(1), abi.encode(1, 2))));
        assertTrue(statusOf(request) == AnswerStatus.Disagreed, "one number is not enough");
    }

    function test_IdenticalIsWhatMostShare() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("no", "yes", "yes"));
        settle(request, openings);
        assertTrue(statusOf(request) == AnswerStatus.Ok, "ok");
        assertEq(outputHashOf(request), keccak256("yes"), "the majority's");
    }

    function test_OnlyTheDeliveredOutputNeedsToTravel() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("no", "yes", "yes"));
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        (openings[0].output, openings[1].output, openings[2].output) = ("", "", "");
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.openQuorum(request, openings);
        openings[2].output = "yez";
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.openQuorum(request, openings);
        openings[2].output = "yes";
        coordinator.openQuorum(request, openings);
        assertEq(outputHashOf(request), keccak256("yes"), "delivered");
    }

    function test_ATieIsADisagreement() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        bytes[] memory outputs = new bytes[](4);
        (outputs[0], outputs[1], outputs[2], outputs[3]) = ("yes", "no", "yes", "no");
        settle(request, openingsOf(request, outputs));
        assertTrue(statusOf(request) == AnswerStatus.Disagreed, "disagreed");
        assertEq(outputHashOf(request), keccak256(""), "without output");
    }

    function test_ALargerGroupBreaksTheTieOfTwoSmaller() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        bytes[] memory outputs = new bytes[](7);
        (outputs[0], outputs[1], outputs[2], outputs[3]) = ("a", "a", "b", "b");
        (outputs[4], outputs[5], outputs[6]) = ("c", "c", "c");
        settle(request, openingsOf(request, outputs));
        assertEq(outputHashOf(request), keccak256("c"), "most");
    }

    function testFuzz_StatusesNeverMix(uint8 status) public {
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.ProgramFailed)));
        if (status == uint8(AnswerStatus.Disagreed)) status = uint8(AnswerStatus.ProgramFailed);
        Request memory request = askQuorum(2, Aggregation.Identical);
        vm.warp(request.deadline - 90);
        Opening[] memory openings = openingsOf(request, list("", ""));
        openings[1] = openingOf(1, request, AnswerStatus(status), "");
        settle(request, openings);
        assertTrue(statusOf(request) == AnswerStatus.Disagreed, "ok and another status of one output hash");
        assertTrue(earned(0) >= FEE / 2, "who answered is paid all the same");
        bool hostCausable =
            status == uint8(AnswerStatus.UpstreamFailed) || status == uint8(AnswerStatus.ClockUnknown);
        assertEq(earned(1) == 0 ? 1 : 0, hostCausable ? 1 : 0, "what a host can cause earns nothing");
    }

    function testFuzz_EachOkMemberEarnsItsPartAndTheRestComesBack(
        uint8 threshold,
        uint8 size,
        uint96 fee,
        uint64 gasPrice
    ) public {
        RequestTerms memory asked = terms();
        asked.threshold = uint8(bound(threshold, 2, 8));
        size = uint8(bound(size, asked.threshold, 8));
        asked.aggregation = Aggregation.Identical;
        asked.fee = uint96(bound(fee, 0, 10 ether));
        Request memory request = ask(asked);
        uint256 escrow = pendingEscrow(request);
        vm.txGasPrice(bound(gasPrice, 1, 10 gwei));
        bytes[] memory outputs = new bytes[](size);
        for (uint256 i = 0; i < size; ++i) {
            outputs[i] = "yes";
        }
        settle(request, openingsOf(request, outputs));
        uint256 sum = coordinator.creditOf(PAYER);
        for (uint256 i = 0; i < size; ++i) {
            assertTrue(earned(i) >= asked.fee / size, "its part of the fee");
            sum += earned(i);
        }
        assertEq(sum, escrow, "nothing is lost");
        assertEq(address(coordinator).balance, escrow, "and all is held");
    }

    function test_TheOldestMemberSaysWhenItWasAnswered() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        uint64 oldest = uint64(block.timestamp);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        vm.warp(block.timestamp + 20);
        openings[1] = openingOf(1, request, AnswerStatus.Ok, "yes");
        settle(request, openings);
        assertEq(consumer.answeredAtOf(Requests.id(request)), oldest, "the oldest");
    }

    function test_AQuorumByHashIsStored() public {
        RequestTerms memory asked = terms();
        (asked.threshold, asked.aggregation) = (2, Aggregation.Identical);
        (asked.delivery, asked.callbackGasLimit) = (Delivery.Hash, 0);
        Request memory request = ask(asked);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        (openings[0].output, openings[1].output) = ("", "");
        settle(request, openings);
        assertTrue(
            coordinator.isStoredAnswer(
                Requests.id(request), AnswerStatus.Ok, openings[0].answer.answeredAt, keccak256("yes")
            ),
            "stored"
        );
    }

    function test_AFailedCallbackOfAQuorumIsDeliveredAgain() public {
        RequestTerms memory asked = terms();
        (asked.threshold, asked.aggregation, asked.callbackGasLimit) = (2, Aggregation.Median, 30_000);
        Request memory request = ask(asked);
        Opening[] memory openings = openingsOf(request, list(abi.encode(4), abi.encode(6)));
        settle(request, openings);
        assertEq(consumer.deliveries(Requests.id(request)), 0, "out of gas");
        coordinator.deliver(request, AnswerStatus.Ok, openings[0].answer.answeredAt, abi.encode(5));
        assertEq(outputHashOf(request), keccak256(abi.encode(5)), "the median");
    }
}

/// Whose answers are in a quorum is settled before anybody may see them.
contract QuorumCommitmentTest is Quorums {
    function committed(uint8 threshold) internal returns (Request memory request, Opening[] memory openings) {
        request = askQuorum(threshold, Aggregation.Identical);
        bytes[] memory outputs = new bytes[](threshold);
        for (uint256 i = 0; i < threshold; ++i) {
            outputs[i] = "yes";
        }
        openings = openingsOf(request, outputs);
        commit(request, openings);
    }

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

    function test_RevertWhen_AnOpeningIsNotWhatWasCommitted() public {
        (Request memory request, Opening[] memory openings) = committed(2);
        vm.warp(block.timestamp + WINDOW);
        Opening memory other = openingOf(0, request, AnswerStatus.Ok, "no");
        vm.expectPartialRevert(IOracleCoordinator.LeafNotCommitted.selector);
        coordinator.openQuorum(request, only(other));
        // Another keyset's name on the same leaf.
        openings[0].answer.keysetId = nodes[2].keysetId;
        vm.expectPartialRevert(IOracleCoordinator.LeafNotCommitted.selector);
        coordinator.openQuorum(request, only(openings[0]));
    }

    function test_EachLeafNamesItsOwnBlockAndTime() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        (,, uint48 requestBlock,,) = coordinator.pending(Requests.id(request));
        openings[0].answer.stateBlockHash = blockhash(requestBlock - 1);
        openings[0].stateBlockNumber = requestBlock - 1;
        openings[1].answer.answeredAt = request.requestedAt - 301;
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        expectRefusal(request, Refusal.StateBlockTooOld);
        coordinator.openQuorum(request, only(openings[0]));
        expectRefusal(request, Refusal.AnsweredAtOutOfRange);
        coordinator.openQuorum(request, only(openings[1]));
    }

    function test_OpeningsAddUpEachLeafOnce() public {
        (Request memory request, Opening[] memory openings) = committed(3);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[1]));
        (, uint256 opened) = membersOf(request);
        assertEq(opened, 1, "one");
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.openQuorum(request, only(openings[1]));
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, only(openings[2]));
        assertTrue(statusOf(request) == AnswerStatus.Ok, "settled with the last");
        assertEq(consumer.deliveries(Requests.id(request)), 1, "once");
    }

    function test_AfterTheMinuteNobodyOpensAndTheOpenedSettle() public {
        (Request memory request, Opening[] memory openings) = committed(3);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, only(openings[1]));
        vm.warp(block.timestamp + OPENING + 1);
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.openQuorum(request, only(openings[2]));
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.openQuorum(request, new Opening[](0));
    }

    /// ADR 49: whoever settles carries the output that wins, whoever answered it; an opening that is known already does.
    function test_WhoSettlesCarriesTheOutputThatWins() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes", "no"));
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, only(openings[1]));
        // The last to open answered something else: alone it has nothing to deliver.
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.openQuorum(request, only(openings[2]));
        uint256 id = vm.snapshotState();
        Opening[] memory both = new Opening[](2);
        (both[0], both[1]) = (openings[2], openings[0]);
        coordinator.openQuorum(request, both);
        assertEq(outputHashOf(request), keccak256("yes"), "with another's output");
        assertTrue(earned(2) != 0, "and is paid for its own");
        // Or it does not open, and anybody settles once its time is over: nobody without the output.
        vm.revertToState(id);
        vm.warp(block.timestamp + OPENING + 1);
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.openQuorum(request, new Opening[](0));
        coordinator.openQuorum(request, only(openings[1]));
        assertEq(outputHashOf(request), keccak256("yes"), "by an opening that was there");
    }

    function test_WhoDoesNotOpenIsClearedBarredAndUnpaid() public {
        (Request memory request, Opening[] memory openings) = committed(3);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[0]));
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.clearQuorum(request);
        vm.warp(block.timestamp + OPENING + 1);
        vm.prank(TRANSMITTER);
        coordinator.clearQuorum(request);
        (uint256 members, uint256 opened) = membersOf(request);
        assertEq(members * 10 + opened, 11, "who opened stays, with what it is owed");
        (,,,, uint40 committedAt) = coordinator.pending(Requests.id(request));
        assertEq(committedAt, 0, "the window starts anew");
        SignedLeaf[] memory barred = only(leafOf(openings[1].answer, nodes[1]));
        vm.expectPartialRevert(IOracleCoordinator.LeavesNotNew.selector);
        coordinator.commitQuorum(request, barred);
        // Two others take their places.
        Opening[] memory others = new Opening[](2);
        SignedLeaf[] memory leaves = new SignedLeaf[](2);
        for (uint256 i = 0; i < 2; ++i) {
            others[i] = openingOf(4 + i, request, AnswerStatus.Ok, "yes");
            leaves[i] = leafOf(others[i].answer, nodes[4 + i]);
        }
        coordinator.commitQuorum(request, leaves);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, others);
        assertTrue(statusOf(request) == AnswerStatus.Ok, "settled");
        assertTrue(earned(0) > FEE / 3 && earned(4) > FEE / 3, "who opened is paid, for committing too");
        assertEq(earned(1) + earned(2), 0, "who did not is not");
    }

    function test_ASecondQuorumOfOneRequestIsClearedAsTheFirst() public {
        (Request memory request, Opening[] memory openings) = committed(2);
        vm.warp(block.timestamp + WINDOW + OPENING + 1);
        coordinator.clearQuorum(request);
        openings[0] = openingOf(2, request, AnswerStatus.Ok, "yes");
        coordinator.commitQuorum(request, only(leafOf(openings[0].answer, nodes[2])));
        SignedLeaf[] memory barred = only(leafOf(openings[1].answer, nodes[1]));
        vm.expectPartialRevert(IOracleCoordinator.LeavesNotNew.selector);
        coordinator.commitQuorum(request, barred);
        vm.expectPartialRevert(IOracleCoordinator.QuorumNotReady.selector);
        coordinator.clearQuorum(request);
    }

    function test_WhoReadsTheOpeningsCannotTakeTheMoneyBack() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        vm.prank(PAYER);
        coordinator.cancel(request);
        vm.warp(block.timestamp + CANCEL_DELAY - 1);
        commit(request, openings);
        // The cancellation would take effect before the openings.
        vm.warp(block.timestamp + WINDOW);
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.refund(request);
        coordinator.openQuorum(request, openings);
        assertTrue(earned(0) > FEE / 2, "paid");
    }

    function test_ACancelledQuorumThatNobodyOpensIsRefunded() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        Opening[] memory openings = openingsOf(request, list("yes", "yes"));
        vm.prank(PAYER);
        coordinator.cancel(request);
        vm.warp(block.timestamp + CANCEL_DELAY - 1);
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW + OPENING + 1);
        coordinator.refund(request);
        assertEq(coordinator.creditOf(PAYER), address(coordinator).balance, "all back");
        vm.expectPartialRevert(IOracleCoordinator.FulfillmentRefused.selector);
        coordinator.openQuorum(request, openings);
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

    function test_NothingOfASettledQuorumStays() public {
        (Request memory request, Opening[] memory openings) = committed(3);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, openings);
        (uint256 members,) = membersOf(request);
        assertEq(members, 0, "no member");
        assertEq(coordinator.stateOf(Requests.id(request)), 0, "no state");
    }

    /// The limits of an escrow hold for a quorum too: gas is scaled down, fees are not.
    function test_AQuorumIsNeverPaidMoreThanItsEscrow() public {
        RequestTerms memory asked = terms();
        (asked.threshold, asked.aggregation) = (2, Aggregation.Identical);
        asked.gasPriceCap = 1;
        asked.fee = 1 ether;
        Request memory request = ask(asked);
        uint256 escrow = pendingEscrow(request);
        bytes[] memory outputs = new bytes[](8);
        for (uint256 i = 0; i < 8; ++i) {
            outputs[i] = "yes";
        }
        settle(request, openingsOf(request, outputs));
        uint256 sum = coordinator.creditOf(PAYER);
        for (uint256 i = 0; i < 8; ++i) {
            assertTrue(earned(i) >= 1 ether / 8, "its fee whole");
            sum += earned(i);
        }
        assertEq(sum, escrow, "the escrow");
    }
}
