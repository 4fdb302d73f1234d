// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Refusal } from "../src/interfaces/IOracleCoordinator.sol";
import { Callback } from "../src/libraries/Callback.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { HostileConsumer, RecordingConsumer } from "./support/Consumers.sol";
import { World } from "./support/World.sol";

/// A consumer whose callback fails until it is told not to.
contract MoodyConsumer is RecordingConsumer {
    bool public isWell;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) RecordingConsumer(coordinator, policyId) { }

    function recover() external {
        isWell = true;
    }

    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal override {
        require(isWell, "not now");
        super._onAnswer(requestId, context, status, answeredAt, output);
    }
}

/// A failed callback is made again, once; a refund is told.
contract RedeliveryTest is World {
    MoodyConsumer private moody;

    function setUp() public override {
        super.setUp();
        moody = new MoodyConsumer(coordinator, policyId);
    }

    function failed() internal returns (Request memory request, uint64 answeredAt) {
        RequestTerms memory asked = terms();
        asked.context = keccak256("mine");
        request = askFrom(moody, asked);
        answeredAt = uint64(block.timestamp);
        fulfill(request, ok(request, "yes"));
        assertEq(moody.deliveries(Requests.id(request)), 0, "the callback failed");
        assertEq(coordinator.stateOf(Requests.id(request)) >> 248, 3, "and is remembered");
    }

    function test_AFailedCallbackIsDeliveredOnceMoreByAnybody() public {
        (Request memory request, uint64 answeredAt) = failed();
        bytes32 id = Requests.id(request);
        uint256 held = address(coordinator).balance;
        uint256 earned = coordinator.creditOf(alice.keyset.payee);
        vm.warp(block.timestamp + 100);
        moody.recover();
        vm.prank(TRANSMITTER);
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
        assertEq(moody.deliveries(id), 1, "delivered");
        assertEq(moody.answeredAtOf(id), answeredAt, "with its age");
        assertEq(moody.contextOf(id), keccak256("mine"), "and its context");
        assertEq(address(coordinator).balance, held, "unpaid");
        assertEq(coordinator.creditOf(alice.keyset.payee), earned, "unpaid");
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.CallbackNotFailed.selector, id));
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
    }

    function test_RevertWhen_ACallbackThatReturnedIsDeliveredAgain() public {
        Request memory request = ask();
        fulfill(request, ok(request, "yes"));
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.CallbackNotFailed.selector, Requests.id(request))
        );
        coordinator.deliver(request, AnswerStatus.Ok, uint64(block.timestamp), "yes");
    }

    function test_RevertWhen_AnythingButTheAnswerThatFailedIsDelivered() public {
        (Request memory request, uint64 answeredAt) = failed();
        moody.recover();
        bytes memory refused =
            abi.encodeWithSelector(IOracleCoordinator.CallbackNotFailed.selector, Requests.id(request));
        vm.expectRevert(refused);
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yez");
        vm.expectRevert(refused);
        coordinator.deliver(request, AnswerStatus.ProgramFailed, answeredAt, "yes");
        vm.expectRevert(refused);
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt + 1, "yes");
        Request memory other = request;
        other.context = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.CallbackNotFailed.selector, Requests.id(other))
        );
        coordinator.deliver(other, AnswerStatus.Ok, answeredAt, "yes");
    }

    function test_RevertWhen_ItFailsAgainAndThenItCanStillBeDelivered() public {
        (Request memory request, uint64 answeredAt) = failed();
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.CallbackFailedAgain.selector, Requests.id(request))
        );
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
        moody.recover();
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
    }

    function testFuzz_TheSecondDeliveryIsNeverStarved(uint256 gasSent) public {
        (Request memory request, uint64 answeredAt) = failed();
        moody.recover();
        gasSent = bound(gasSent, 60_000, 600_000);
        try coordinator.deliver{ gas: gasSent }(request, AnswerStatus.Ok, answeredAt, "yes") {
            assertTrue(moody.lastGas() > request.callbackGasLimit - 6_000, "with at least its gas");
        } catch {
            assertEq(moody.deliveries(Requests.id(request)), 0, "or not at all");
        }
    }

    function test_ACallbackThatNeededMoreGasGetsIt() public {
        RequestTerms memory asked = terms();
        asked.callbackGasLimit = 30_000;
        Request memory request = ask(asked);
        uint64 answeredAt = uint64(block.timestamp);
        fulfill(request, ok(request, "yes"));
        assertEq(consumer.deliveries(Requests.id(request)), 0, "out of gas");
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
        assertEq(consumer.deliveries(Requests.id(request)), 1, "more was sent");
    }

    function test_RevertWhen_DeliveredAfterTheDeadlineAndThenAnyoneClears() public {
        (Request memory request, uint64 answeredAt) = failed();
        moody.recover();
        vm.warp(request.deadline);
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.clearFailed(request);
        vm.warp(request.deadline + 1);
        expectRefusal(request, Refusal.DeadlinePassed);
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
        vm.prank(TRANSMITTER);
        coordinator.clearFailed(request);
        assertEq(coordinator.stateOf(Requests.id(request)), 0, "forgotten");
        vm.expectPartialRevert(IOracleCoordinator.CallbackNotFailed.selector);
        coordinator.clearFailed(request);
    }

    function test_ReentrancyFromTheSecondDeliveryGainsNothing() public {
        HostileConsumer hostile = new HostileConsumer(coordinator, policyId);
        hostile.setMode(HostileConsumer.Mode.Revert);
        Request memory request = askFrom(hostile, terms());
        uint64 answeredAt = uint64(block.timestamp);
        fulfill(request, ok(request, "yes"));
        hostile.setMode(HostileConsumer.Mode.Reenter);
        hostile.addCall(abi.encodeCall(coordinator.deliver, (request, AnswerStatus.Ok, answeredAt, "yes")));
        hostile.addCall(abi.encodeCall(coordinator.clearFailed, (request)));
        coordinator.deliver(request, AnswerStatus.Ok, answeredAt, "yes");
        bool[] memory results = hostile.results();
        assertTrue(!results[0] && !results[1], "none got through");
    }

    function test_ARefundIsToldToTheConsumer() public {
        RequestTerms memory asked = terms();
        asked.context = keccak256("mine");
        Request memory request = ask(asked);
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        assertEq(consumer.refunds(Requests.id(request)), 1, "told once");
        assertEq(consumer.contextOf(Requests.id(request)), keccak256("mine"), "with its context");
    }

    function test_ACancellationIsToldWhenItIsRefundedAndNotAtItsNotice() public {
        Request memory request = ask();
        vm.prank(PAYER);
        coordinator.cancel(request);
        assertEq(consumer.refunds(Requests.id(request)), 0, "not yet");
        vm.warp(block.timestamp + CANCEL_DELAY);
        coordinator.refund(request);
        assertEq(consumer.refunds(Requests.id(request)), 1, "told");
    }

    function test_AConsumerThatRefusesItsRefundIsRefundedAllTheSame() public {
        HostileConsumer hostile = new HostileConsumer(coordinator, policyId);
        HostileConsumer.Mode[4] memory modes = [
            HostileConsumer.Mode.Revert,
            HostileConsumer.Mode.BurnGas,
            HostileConsumer.Mode.ReturnBomb,
            HostileConsumer.Mode.RevertBomb
        ];
        for (uint256 i = 0; i < modes.length; ++i) {
            hostile.setMode(modes[i]);
            Request memory request = askFrom(hostile, terms());
            uint256 escrow = pendingEscrow(request);
            uint256 before = coordinator.creditOf(PAYER);
            vm.warp(request.deadline + 1);
            coordinator.refund(request);
            assertEq(coordinator.creditOf(PAYER) - before, escrow, "all back");
        }
    }

    function test_RevertWhen_ARefundIsStarved() public {
        Request memory request = ask();
        vm.warp(request.deadline + 1);
        vm.expectPartialRevert(Callback.CallbackGasUnavailable.selector);
        coordinator.refund{ gas: 150_000 }(request);
        coordinator.refund(request);
    }

    function test_OnlyCallbackDeliveryIsToldOfARefund() public {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery.Pull;
        asked.callbackGasLimit = 0;
        Request memory request = ask(asked);
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        assertEq(consumer.refunds(Requests.id(request)), 0, "not told");
    }

    /// faults/contracts.md, D1: credit of a contract that takes no money goes where it says.
    function test_TheHolderSendsItsCreditElsewhere() public {
        RequestTerms memory asked = terms();
        asked.refundTo = address(consumer);
        Request memory request = ask(asked);
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        uint256 credit = coordinator.creditOf(address(consumer));
        coordinator.withdrawTo(payable(address(0xBEEF)));
        assertEq(address(0xBEEF).balance, 0, "nobody sends another's");
        consumer.takeCredit(payable(address(0xBEEF)));
        assertEq(address(0xBEEF).balance, credit, "sent");
        assertEq(coordinator.creditOf(address(consumer)), 0, "once");
    }
}
