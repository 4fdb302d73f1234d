// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Concierge } from "../../examples/Concierge.sol";
import { ContentModerator } from "../../examples/ContentModerator.sol";
import { IOracleCoordinator, Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { OracleConsumerBase } from "../src/consumer/OracleConsumerBase.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { Inference } from "../src/Inference.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Prompt } from "../src/types/Prompt.sol";
import { Test } from "./support/Vm.sol";

/// How a contract developer tests a consumer: no enclave, no signature, only the mock.
contract ContentModeratorTest is Test {
    uint96 private constant FEE = 1e15;

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

    function test_EachOtherStatusLeavesItToPeople() public {
        AnswerStatus[7] memory statuses = [
            AnswerStatus.Refused,
            AnswerStatus.InvalidOutput,
            AnswerStatus.OutOfBudget,
            AnswerStatus.ProgramFailed,
            AnswerStatus.UpstreamFailed,
            AnswerStatus.InvalidRequest,
            AnswerStatus.ClockUnknown
        ];
        for (uint256 i = 0; i < statuses.length; ++i) {
            bytes32 id = ask();
            // What a single host can cause comes last.
            if (i >= 4) vm.warp(block.timestamp + 1 hours);
            assertTrue(mock.answerStatus(id, statuses[i]), "delivered");
            assertTrue(verdictOf(id) == ContentModerator.Verdict.NeedsHuman, "needs a human");
        }
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
        assertTrue(verdictOf(id) == ContentModerator.Verdict.NeedsHuman, "told that nobody will answer");
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
        vm.expectRevert(abi.encodeWithSelector(OracleConsumerBase.NotCoordinator.selector, address(this)));
        moderator.onAnswer(id, 0, AnswerStatus.Ok, 0, abi.encode(false, uint8(0), ""));
    }

    function test_MalformedOutputIsARevertThatStopsNobody() public {
        bytes32 id = ask();
        assertTrue(!mock.answer(id, hex"01"), "not delivered");
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Waiting, "unchanged");
    }

    /// V3. Terms and gas fit each other: nothing within the terms is lost.
    function test_ALongReasonIsKept() public {
        bytes32 id = ask();
        string memory reason = string(new bytes(896));
        bytes memory output = abi.encode(true, uint8(10), reason);
        assertEq(output.length, 1_024, "as long as the terms allow");
        assertTrue(mock.answer(id, output), "delivered");
        assertTrue(verdictOf(id) == ContentModerator.Verdict.Hidden, "hidden");
    }

    function test_ConciergeKeepsWhateverItsTermsAllow() public {
        Concierge concierge = new Concierge(mock.asCoordinator(), keccak256("policy"));
        for (uint256 size = 32; size <= 1_024; size += 31) {
            bytes32 id = concierge.ask{ value: 0.1 ether }("openai/gpt-5.1", "Which temple?", "", FEE);
            bytes memory text = new bytes(size);
            for (uint256 i = 0; i < size; ++i) {
                text[i] = "a";
            }
            assertTrue(mock.answer(id, text), vm.toString(size));
            (, bytes memory output) = concierge.replyTo(id);
            assertEq(output, text, "kept");
        }
    }

    function test_ConciergeAsksWholePrompts() public {
        Concierge concierge = new Concierge(mock.asCoordinator(), keccak256("policy"));
        Prompt memory prompt = Inference.text("openai/gpt-5.1", "", "Has the bridge opened?");
        prompt = Inference.withPage(prompt, "https://news.example/bridge");
        bytes32 id = concierge.askPrompt{ value: 1 ether }(prompt, FEE);
        assertEq(mock.payloadOf(id), Inference.encode(prompt), "payload");
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
