// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

import { Inference } from "../src/Inference.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { IOracleCoordinator } from "../src/interfaces/IOracleCoordinator.sol";
import { FeedTerms, IPushFeed } from "../src/interfaces/IPushFeed.sol";
import { PushFeed } from "../src/PushFeed.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Request } from "../src/types/Request.sol";
import { Test } from "./support/Vm.sol";

contract PushFeedTest is Test {
    uint32 private constant PERIOD = 3_600;
    uint32 private constant MIN_INTERVAL = 60;
    /// The start of a period.
    uint256 private constant START = 500_000 * 3_600;
    address private constant TRIGGER = address(0x7716);
    address private constant STRANGER = address(0x5742);

    MockCoordinator private mock;
    PushFeed private feed;

    function setUp() public {
        vm.warp(START);
        vm.roll(1_000);
        mock = new MockCoordinator();
        feed = newFeed(PERIOD, address(0xE0E0));
        feed.setTrigger(TRIGGER, true);
        vm.deal(address(this), 100 ether);
        subscribe();
        vm.roll(1_100);
    }

    function terms(uint32 period, address emitter) private pure returns (FeedTerms memory) {
        return FeedTerms({
            policyId: keccak256("policy"),
            subscriptionId: 7,
            fee: 1e15,
            gasPriceCap: 20 gwei,
            callbackGasLimit: 200_000,
            maxOutputBytes: 256,
            answerWithinSeconds: 600,
            periodSeconds: period,
            minIntervalSeconds: MIN_INTERVAL,
            emitter: emitter,
            topic: keccak256("Rained()")
        });
    }

    function newFeed(uint32 period, address emitter) private returns (PushFeed) {
        return new PushFeed(
            mock.asCoordinator(),
            IChainAdapter(address(0)),
            address(this),
            Inference.encode(Inference.text("openai/gpt-5.1", "", "Did it rain?")),
            terms(period, emitter)
        );
    }

    /// Rounds are paid by a subscription of the mock's.
    function subscribe() private {
        while (true) {
            uint64 id = mock.openSubscription{ value: 1 ether }();
            if (id < 7) continue;
            mock.setConsumer(id, address(feed), 1 ether);
            return;
        }
    }

    function requestRound(address sender) private returns (uint64) {
        vm.prank(sender);
        return feed.requestRound();
    }

    function requestEventRound(uint64 eventBlock) private returns (uint64) {
        vm.prank(TRIGGER);
        return feed.requestEventRound(eventBlock);
    }

    function test_AsksWithItsTermsAndKeepsTheAnswer() public {
        assertEq(requestRound(STRANGER), 1, "round");
        bytes32 id = mock.lastRequestId();
        Request memory asked = mock.requestOf(id);
        assertEq(asked.subscriptionId, 7, "subscription");
        assertEq(asked.fee, 1e15, "fee");
        assertEq(asked.deadline, START + 600, "deadline");
        assertEq(mock.payloadOf(id), feed.payload(), "payload");
        vm.warp(START + 9);
        assertTrue(mock.answerAt(id, uint64(START + 5), "It did."), "delivered");
        (uint64 round, uint64 updatedAt, bytes memory output) = feed.latest();
        assertEq(round, 1, "latest round");
        assertEq(updatedAt, START + 5, "when the enclave answered");
        assertEq(output, bytes("It did."), "output");
    }

    function testFuzz_OneRoundInEachPeriod(uint256 first, uint256 second) public {
        first = bound(first, START, START + PERIOD - 1);
        second = bound(second, first, START + PERIOD - 1);
        vm.warp(first);
        requestRound(STRANGER);
        vm.warp(second);
        assertEq(feed.scheduledAt(), START + PERIOD, "due");
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.RoundNotDue.selector, START + PERIOD));
        requestRound(TRIGGER);
        vm.warp(START + PERIOD);
        assertEq(requestRound(STRANGER), 2, "the next period");
    }

    function test_APeriodThatNobodyUsedIsGone() public {
        requestRound(STRANGER);
        vm.warp(START + 5 * uint256(PERIOD));
        assertEq(requestRound(STRANGER), 2, "one round");
        vm.expectPartialRevert(IPushFeed.RoundNotDue.selector);
        requestRound(STRANGER);
    }

    function test_AnEventStartsOneRoundForItsBlockAndThoseBefore() public {
        assertEq(requestEventRound(1_090), 1, "round");
        vm.warp(START + MIN_INTERVAL);
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.EventBlockInvalid.selector, 1_090, 1_090));
        requestEventRound(1_090);
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.EventBlockInvalid.selector, 1_089, 1_090));
        requestEventRound(1_089);
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.EventBlockInvalid.selector, 1_101, 1_090));
        requestEventRound(1_101);
        assertEq(requestEventRound(1_100), 2, "a newer block");
    }

    function test_RevertWhen_TheEventIsOlderThanTheFeed() public {
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.EventBlockInvalid.selector, 1_000, 1_000));
        requestEventRound(1_000);
        assertEq(requestEventRound(1_001), 1, "the block after");
    }

    function test_AnEventsRoundServesItsPeriodToo() public {
        requestEventRound(1_090);
        assertEq(feed.scheduledAt(), START + PERIOD, "due");
    }

    function test_EventsWaitForTheInterval() public {
        requestEventRound(1_090);
        vm.warp(START + MIN_INTERVAL - 1);
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.RoundNotDue.selector, START + MIN_INTERVAL));
        requestEventRound(1_091);
    }

    function test_RevertWhen_AStrangerReportsAnEvent() public {
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.NotTrigger.selector, STRANGER));
        vm.prank(STRANGER);
        feed.requestEventRound(1_090);
        feed.setTrigger(TRIGGER, false);
        vm.expectRevert(abi.encodeWithSelector(IPushFeed.NotTrigger.selector, TRIGGER));
        requestEventRound(1_090);
    }

    function test_RevertWhen_TheFeedHasNoSuchTrigger() public {
        feed = newFeed(0, address(0xE0E0));
        vm.expectRevert(IPushFeed.TriggerNotSupported.selector);
        feed.requestRound();
        feed = newFeed(PERIOD, address(0));
        feed.setTrigger(TRIGGER, true);
        vm.expectRevert(IPushFeed.TriggerNotSupported.selector);
        requestEventRound(1_090);
        IOracleCoordinator coordinator = mock.asCoordinator();
        FeedTerms memory neither = terms(0, address(0));
        vm.expectRevert(IPushFeed.TriggerNotSupported.selector);
        new PushFeed(coordinator, IChainAdapter(address(0)), address(this), "", neither);
    }

    function test_AnOlderRoundNeverReplacesANewerOne() public {
        requestRound(STRANGER);
        bytes32 first = mock.lastRequestId();
        requestEventRound(1_090);
        mock.answer(mock.lastRequestId(), "new");
        mock.answer(first, "old");
        (uint64 round,, bytes memory output) = feed.latest();
        assertEq(round, 2, "round");
        assertEq(output, bytes("new"), "output");
    }

    function testFuzz_OtherStatusesLeaveTheFeedAlone(uint8 status) public {
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.ProgramFailed)));
        vm.assume(status != uint8(AnswerStatus.Disagreed));
        requestRound(STRANGER);
        vm.warp(START + 550);
        assertTrue(mock.answerStatus(mock.lastRequestId(), AnswerStatus(status)), "delivered");
        vm.expectRevert(IPushFeed.NoAnswerYet.selector);
        feed.latest();
    }

    function test_TheOwnerSetsTheOfferAndNobodyElse() public {
        feed.setOffer(2e15, 40 gwei);
        requestRound(STRANGER);
        assertEq(mock.requestOf(mock.lastRequestId()).fee, 2e15, "fee");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        feed.setOffer(0, 0);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        feed.setTrigger(STRANGER, true);
    }

    function test_RevertWhen_SomebodyElseAnswers() public {
        requestRound(STRANGER);
        bytes32 id = mock.lastRequestId();
        vm.expectRevert();
        vm.prank(STRANGER);
        feed.onAnswer(id, bytes32(uint256(1)), AnswerStatus.Ok, 0, "forged");
    }
}
