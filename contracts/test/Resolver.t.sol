// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Resolver } from "../../examples/Resolver.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Test } from "./support/Vm.sol";

/// What a contract makes of a program's answer: no more than its own rules allow.
contract ResolverTest is Test {
    uint96 private constant FEE = 1e15;

    MockCoordinator private mock;
    Resolver private resolver;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.deal(address(this), 10 ether);
        mock = new MockCoordinator();
        string[] memory sources = new string[](2);
        (sources[0], sources[1]) = ("https://one.example/", "https://two.example/");
        string[] memory models = new string[](1);
        models[0] = "openai/gpt-5.6-terra";
        resolver =
            new Resolver(mock.asCoordinator(), keccak256("policy"), keccak256("program"), sources, models);
    }

    function resolved(bytes memory output)
        private
        returns (bool delivered, Resolver.Outcome outcome, uint16 confidenceBps)
    {
        bytes32 id = resolver.resolve{ value: 1 ether }("Did it open?", FEE);
        delivered = mock.answer(id, output);
        (, outcome, confidenceBps,) = resolver.questions(id);
    }

    function test_TakesWhatMostModelsSay() public {
        (bool delivered, Resolver.Outcome outcome, uint16 confidence) =
            resolved(abi.encode(uint8(1), uint16(6_666), "Two papers say so."));
        assertTrue(delivered && outcome == Resolver.Outcome.Yes, "yes");
        assertEq(confidence, 6_666, "confidence");
    }

    function test_StaysUndecidedBelowItsOwnThreshold() public {
        (, Resolver.Outcome outcome,) = resolved(abi.encode(uint8(2), uint16(5_999), "Perhaps."));
        assertTrue(outcome == Resolver.Outcome.Undecided, "undecided");
    }

    function test_StaysUndecidedOnAnOutcomeThatItDoesNotKnow() public {
        (bool delivered, Resolver.Outcome outcome,) = resolved(abi.encode(uint8(3), uint16(10_000), ""));
        assertTrue(delivered && outcome == Resolver.Outcome.Undecided, "undecided");
    }

    function test_IsSettledWhenTheProgramFails() public {
        bytes32 id = resolver.resolve{ value: 1 ether }("Did it open?", FEE);
        assertTrue(mock.answerStatus(id, AnswerStatus.ProgramFailed), "delivered");
        (bool isSettled, Resolver.Outcome outcome,,) = resolver.questions(id);
        assertTrue(isSettled && outcome == Resolver.Outcome.Undecided, "settled, undecided");
    }

    receive() external payable { }
}
