// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Opening, Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { Quorums } from "./support/Quorums.sol";

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
