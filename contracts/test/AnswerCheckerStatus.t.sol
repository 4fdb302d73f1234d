// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerChecker } from "../src/AnswerChecker.sol";
import { IAnswerChecker } from "../src/interfaces/IAnswerChecker.sol";
import { Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { World } from "./support/World.sol";

/// Whoever brings a pulled answer chooses which: a status that one odd host can cause waits as it does at the coordinator.
contract AnswerCheckerStatusTest is World {
    uint64 private constant MAX_AGE = 1 hours;
    AnswerChecker private checker;

    function setUp() public override {
        super.setUp();
        checker = new AnswerChecker(coordinator);
    }

    function askToPull() internal returns (Request memory) {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery.Pull;
        asked.callbackGasLimit = 0;
        return ask(asked);
    }

    function consume(Request memory request, Answer memory answer) internal {
        bytes memory signature = sign(answer, "", alice).signature;
        vm.prank(address(consumer));
        checker.consume(request, answer, "", signature, block.number - 1, MAX_AGE);
    }

    function testFuzz_WhatASingleHostCanCauseWaitsForTheLastWindowHereToo(uint8 seed) public {
        AnswerStatus status = AnswerStatus(uint8(bound(seed, 1, 9)));
        if (status == AnswerStatus.Disagreed) status = AnswerStatus.ProgramFailed;
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, status, "", alice);
        vm.warp(request.deadline - FALLBACK_WINDOW - 1);
        if (!Answers.isLastResort(status)) return consume(request, answer);
        bytes memory signature = sign(answer, "", alice).signature;
        vm.prank(address(consumer));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAnswerChecker.AnswerRefused.selector, Requests.id(request), Refusal.FallbackWindowNotReached
            )
        );
        checker.consume(request, answer, "", signature, block.number - 1, MAX_AGE);
        vm.warp(request.deadline - FALLBACK_WINDOW);
        consume(request, answer);
    }
}
