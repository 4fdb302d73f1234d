// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Refusal, SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "../src/types/Answer.sol";
import { Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { World } from "./support/World.sol";

/// No answer before its request: every answer signs a block that is not older (faults/contracts.md, C1 and T1), and a time.
contract StateBlockTest is World {
    function signOver(Request memory request, uint256 number, bytes32 hash)
        internal
        view
        returns (SignedAnswer memory signed)
    {
        Answer memory answer = answerTo(request, AnswerStatus.Ok, "yes", alice);
        answer.stateBlockHash = hash;
        signed = sign(answer, "yes", alice);
        signed.stateBlockNumber = number;
    }

    /// C1: its id can be foreseen, but no block that is not older than it can be known before it is made.
    function test_AnswersFromBeforeTheRequestAreRefused() public {
        RequestTerms memory asked = terms();
        asked.deadline = uint40(block.timestamp) + 22 hours;
        uint256 snapshotAt = block.timestamp + 20 hours;
        // The operator foresees the request that will be made 20 hours from now, to its last bit.
        Request memory foreseen = ask(asked);
        foreseen.requestedAt = uint40(snapshotAt);
        SignedAnswer memory liked = signOver(foreseen, block.number - 1, blockhash(block.number - 1));
        vm.warp(snapshotAt);
        vm.roll(block.number + 100);
        Request memory made = ask(asked);
        assertEq(Requests.id(made), liked.answer.requestId, "the id was foreseen");
        expectRefusal(made, Refusal.StateBlockTooOld);
        coordinator.fulfill(made, liked);
        // Naming another number does not help: the hash is signed.
        liked.stateBlockNumber = block.number - 1;
        expectRefusal(made, Refusal.StateBlockMismatch);
        coordinator.fulfill(made, liked);
        // Nor does a block of today with the time of yesterday.
        Answer memory answer = answerTo(made, AnswerStatus.Ok, "yes", alice);
        answer.answeredAt = made.requestedAt - 301;
        SignedAnswer memory old = sign(answer, "yes", alice);
        expectRefusal(made, Refusal.AnsweredAtOutOfRange);
        coordinator.fulfill(made, old);
        coordinator.fulfill(made, ok(made, "yes"));
    }

    function test_TheRequestsOwnBlockWillDoAndTheOneBeforeWillNot() public {
        Request memory request = ask();
        (,, uint48 requestBlock,,) = coordinator.pending(Requests.id(request));
        assertEq(requestBlock, block.number - 1, "kept");
        SignedAnswer memory before = signOver(request, requestBlock - 1, blockhash(requestBlock - 1));
        expectRefusal(request, Refusal.StateBlockTooOld);
        coordinator.fulfill(request, before);
        coordinator.fulfill(request, signOver(request, requestBlock, blockhash(requestBlock)));
    }

    function testFuzz_StateBlockHashMustBeCanonicalAndNeverZero(uint8 later, bytes32 other) public {
        Request memory request = ask();
        vm.roll(block.number + 254);
        uint256 number = block.number - 1 - bound(later, 0, 254);
        vm.assume(other != blockhash(number));
        SignedAnswer memory signed = signOver(request, number, other);
        expectRefusal(request, Refusal.StateBlockMismatch);
        coordinator.fulfill(request, signed);
        signed = signOver(request, number, 0);
        expectRefusal(request, Refusal.StateBlockMismatch);
        coordinator.fulfill(request, signed);
        coordinator.fulfill(request, signOver(request, number, blockhash(number)));
    }

    function test_ABlockThatTheChainDoesNotKnowIsRefusedAsUnknown() public {
        Request memory request = ask();
        uint256[3] memory unknown = [block.number, block.number + 7, type(uint256).max];
        for (uint256 i = 0; i < unknown.length; ++i) {
            SignedAnswer memory signed = signOver(request, unknown[i], keccak256("some hash"));
            expectRefusal(request, Refusal.StateBlockUnknown);
            coordinator.fulfill(request, signed);
        }
    }

    function test_AnOldBlockIsReadFromTheHistoryContract() public {
        Request memory request = ask();
        uint256 number = block.number - 1;
        SignedAnswer memory signed = signOver(request, number, keccak256("of the history"));
        vm.roll(block.number + 5_000);
        vm.etch(0x0000F90827F1C53a10cb7A02335B175320002935, hex"00");
        vm.mockCall(
            0x0000F90827F1C53a10cb7A02335B175320002935,
            abi.encode(number),
            abi.encode(keccak256("of the history"))
        );
        coordinator.fulfill(request, signed);
    }

    function testFuzz_AnsweredAtIsWithinWhatClocksMayDifferBy(uint64 answeredAt) public {
        Request memory request = ask();
        vm.warp(block.timestamp + 1_000);
        answeredAt = uint64(bound(answeredAt, request.requestedAt - 700, block.timestamp + 700));
        Answer memory answer = answerTo(request, AnswerStatus.Ok, "yes", alice);
        answer.answeredAt = answeredAt;
        SignedAnswer memory signed = sign(answer, "yes", alice);
        bool isTimely = answeredAt + 300 >= request.requestedAt && answeredAt <= block.timestamp + 300;
        if (!isTimely) expectRefusal(request, Refusal.AnsweredAtOutOfRange);
        coordinator.fulfill(request, signed);
        assertEq(consumer.answeredAtOf(Requests.id(request)), isTimely ? answeredAt : 0, "told");
    }

    function test_AnsweredAtHasFortyBits() public {
        Request memory request = ask();
        Answer memory answer = answerTo(request, AnswerStatus.ClockUnknown, "", alice);
        vm.warp(request.deadline);
        // Status 7 says that the enclave has no time: whatever it carries will do, but not a 41st bit.
        answer.answeredAt = 1 << 40;
        SignedAnswer memory signed = sign(answer, "", alice);
        expectRefusal(request, Refusal.AnsweredAtOutOfRange);
        coordinator.fulfill(request, signed);
        answer.answeredAt = 0;
        coordinator.fulfill(request, sign(answer, "", alice));
    }

    function test_RequestsLiveNoLongerThanTheChainKnowsTheirBlock() public view {
        // Nine tenths of 8,191 blocks of 12 seconds.
        assertEq(coordinator.MAX_LIFETIME_SECONDS(), 88_462, "about a day");
    }

    /// Equal requests of one second differ in their nonce; one that ended in that second keeps its id.
    function test_EqualRequestsOfOneSecondGetDifferentIds() public {
        RequestTerms memory asked = terms();
        uint256 escrow = coordinator.requiredEscrow(asked);
        bytes32[3] memory ids;
        for (uint256 i = 0; i < 3; ++i) {
            vm.recordLogs();
            consumer.ask{ value: escrow }(asked, hex"0102");
            Request memory made = lastRequested();
            assertEq(made.nonce, i, "the first that is free");
            ids[i] = Requests.id(made);
            if (i != 1) continue;
            // A chain with several blocks a second: settled in the second in which it was asked.
            vm.roll(block.number + 1);
            coordinator.fulfill(made, ok(made, "yes"));
            assertEq(coordinator.stateOf(ids[1]), 5 << 248, "taken");
        }
        assertTrue(ids[0] != ids[1] && ids[1] != ids[2], "different");
    }

    function test_EqualRequestsOfTwoSecondsDifferInTheirTime() public {
        Request memory first = ask();
        Request memory second = ask();
        assertEq(first.nonce + second.nonce, 0, "no nonce is needed");
        assertTrue(Requests.id(first) != Requests.id(second), "different");
    }
}
