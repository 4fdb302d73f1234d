// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Concierge } from "../../examples/Concierge.sol";
import { ContentModerator } from "../../examples/ContentModerator.sol";
import { IOracleCoordinator, Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { OracleConsumer } from "../src/OracleConsumer.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Test } from "./support/Vm.sol";

/// How a contract developer tests a consumer: no enclave, no signature, only the mock.
contract ContentModeratorTest is Test {
    uint128 private constant FEE = 1e15;

    MockCoordinator private mock;
    ContentModerator private moderator;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.deal(address(this), 10 ether);
        mock = new MockCoordinator();
        moderator = new ContentModerator(mock.asCoordinator(), keccak256("policy"), "openai/gpt-5.1");
    }

    function ask() private returns (bytes32) {
        return moderator.moderate{ value: 1 ether }("I know where you live", FEE);
    }

    function verdictOf(bytes32 id) private view returns (ContentModerator.Verdict verdict) {
        (verdict,,) = moderator.posts(id);
    }

    function test_HidesWhatTheModelFlagsAsSevere() public {
        bytes32 id = ask();
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Waiting, "waits");
        assertTrue(mock.answer(id, abi.encode(true, uint8(8), "A threat.")), "delivered");
        (ContentModerator.Verdict verdict, uint8 severity, string memory reason) = moderator.posts(id);
        assertTrue(verdict == ContentModerator.Verdict.Hidden, "hidden");
        assertEq(severity, 8, "severity");
        assertEq(bytes(reason), bytes("A threat."), "reason");
    }

    function test_ShowsWhatTheModelLetsPass() public {
        bytes32 id = ask();
        mock.answer(id, abi.encode(false, uint8(0), "Harmless."));
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Shown, "shown");
    }

    function testFuzz_EachOtherStatusLeavesItToPeople(uint8 status) public {
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.Disagreed)));
        bytes32 id = ask();
        assertTrue(mock.answerStatus(id, AnswerStatus(status)), "delivered");
        assertTrue(verdictOf(id) == ContentModerator.Verdict.NeedsHuman, "needs a human");
        assertEq(mock.creditOf(address(this)), 1 ether, "the fee goes back");
    }

    function test_RevertWhen_TheAnswerIsLate() public {
        bytes32 id = ask();
        vm.warp(block.timestamp + 1 hours + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.FulfillmentRefused.selector, id, Refusal.DeadlinePassed)
        );
        mock.answer(id, abi.encode(false, uint8(0), ""));
    }

    function test_NeverAnsweredGivesTheMoneyBack() public {
        bytes32 id = ask();
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        mock.expire(id);
        vm.warp(block.timestamp + 1 hours + 1);
        mock.expire(id);
        assertEq(mock.creditOf(address(this)), 1 ether, "all back");
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Waiting, "never told");
    }

    function test_RevertWhen_AnswersTwice() public {
        bytes32 id = ask();
        mock.answer(id, abi.encode(false, uint8(0), ""));
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.FulfillmentRefused.selector, id, Refusal.NotPending)
        );
        mock.answer(id, abi.encode(true, uint8(9), ""));
    }

    function test_RevertWhen_SomebodyElseBringsAnAnswer() public {
        bytes32 id = ask();
        vm.expectRevert(abi.encodeWithSelector(OracleConsumer.NotCoordinator.selector, address(this)));
        moderator.onAnswer(id, AnswerStatus.Ok, abi.encode(false, uint8(0), ""));
    }

    function test_MalformedOutputIsARevertThatStopsNobody() public {
        bytes32 id = ask();
        assertTrue(!mock.answer(id, hex"01"), "not delivered");
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Waiting, "unchanged");
    }

    function test_ConciergeKeepsTextAndTypedReplies() public {
        Concierge concierge = new Concierge(mock.asCoordinator(), keccak256("policy"));
        bytes32 text = concierge.ask{ value: 1 ether }("openai/gpt-5.1", "Which temple?", "", FEE);
        mock.answer(text, "Apollo's, at Delphi.");
        bytes32 typed = concierge.ask{ value: 1 ether }("openai/gpt-5.1", "Which year?", "(int256 year)", FEE);
        mock.answer(typed, abi.encode(int256(-800)));
        (AnswerStatus status, bytes memory output) = concierge.replyTo(text);
        assertTrue(status == AnswerStatus.Ok, "ok");
        assertEq(output, "Apollo's, at Delphi.", "text");
        (, output) = concierge.replyTo(typed);
        assertTrue(abi.decode(output, (int256)) == -800, "typed");
    }

    receive() external payable { }
}
