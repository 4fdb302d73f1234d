// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Opening } from "../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Request } from "../src/types/Request.sol";
import { Quorums } from "./support/Quorums.sol";

/// Openings are public: whoever has read them races nobody for the money.
contract QuorumRefundTest is Quorums {
    /// Three have committed before a cancellation takes effect; two open, the third is the payer's, and does not.
    function readByThePayer() internal returns (Request memory request, Opening[] memory openings) {
        request = askQuorum(2, Aggregation.Identical);
        openings = openingsOf(request, list("yes", "yes", "yes"));
        vm.prank(PAYER);
        coordinator.cancel(request);
        vm.warp(block.timestamp + CANCEL_DELAY - 1);
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, first(openings, 2));
        vm.warp(block.timestamp + OPENING + 1);
    }

    function test_WhoOpenedSettlesBeforeThePayerTakesTheMoneyBack() public {
        (Request memory request, Opening[] memory openings) = readByThePayer();
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.refund(request);
        vm.warp(block.timestamp + OPENING - 1);
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.refund(request);
        coordinator.openQuorum(request, only(openings[0]));
        assertTrue(statusOf(request) == AnswerStatus.Ok, "settled by those that opened");
        assertTrue(earned(0) > FEE / 3 && earned(1) > FEE / 3, "who are paid");
        assertEq(earned(2), 0, "and the one that kept back is not");
    }

    /// Nobody has the output that wins: the money is not locked.
    function test_WhatNobodySettlesInTheMinuteAfterIsRefunded() public {
        (Request memory request,) = readByThePayer();
        vm.warp(block.timestamp + OPENING);
        coordinator.refund(request);
        assertEq(coordinator.creditOf(PAYER), address(coordinator).balance, "all back");
    }

    function test_TheSameAtTheDeadline() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        vm.warp(request.deadline - WINDOW - OPENING);
        Opening[] memory openings = openingsOf(request, list("yes", "yes", "yes"));
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, first(openings, 2));
        vm.warp(request.deadline + 1);
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.refund(request);
        coordinator.openQuorum(request, only(openings[1]));
        assertTrue(earned(0) > FEE / 3, "paid");
    }
}
