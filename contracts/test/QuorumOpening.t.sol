// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Opening, Refusal, SignedLeaf } from "../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Request, Requests } from "../src/types/Request.sol";
import { Quorums } from "./support/Quorums.sol";

/// What was committed is opened in its minute and settles, or is cleared.
contract QuorumOpeningTest is Quorums {
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

    function test_NothingOfASettledQuorumStays() public {
        (Request memory request, Opening[] memory openings) = committed(3);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, only(openings[0]));
        coordinator.openQuorum(request, openings);
        (uint256 members,) = membersOf(request);
        assertEq(members, 0, "no member");
        assertEq(coordinator.stateOf(Requests.id(request)), 0, "no state");
    }
}
