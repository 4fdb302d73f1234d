// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ISubscriptions } from "../src/interfaces/ISubscriptions.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Request, RequestTerms } from "../src/types/Request.sol";
import { World } from "./support/World.sol";

contract SubscriptionsTest is World {
    address private constant OWNER = address(0x50B);
    uint96 private constant FUNDS = 10 ether;
    uint64 private subscriptionId;

    function setUp() public override {
        super.setUp();
        vm.deal(OWNER, 100 ether);
        vm.prank(OWNER);
        subscriptionId = coordinator.openSubscription{ value: FUNDS }();
        vm.prank(OWNER);
        coordinator.setConsumer(subscriptionId, address(consumer), 1 ether);
    }

    function subscribed() internal view returns (RequestTerms memory asked) {
        asked = terms();
        asked.subscriptionId = subscriptionId;
    }

    function balance() internal view returns (uint96 free) {
        (, free) = coordinator.subscription(subscriptionId);
    }

    function test_EscrowIsReservedAndTheRestComesBack() public {
        Request memory request = ask(subscribed());
        assertEq(request.payer, OWNER, "the owner is the payer");
        assertEq(balance(), FUNDS - coordinator.requiredEscrow(subscribed()), "reserved");
        fulfill(request, ok(request, "yes"));
        assertEq(balance(), FUNDS - coordinator.creditOf(alice.keyset.payee), "the rest came back");
    }

    /// Peer fault: subscription emptied while a request is open.
    function test_SubscriptionCannotBeEmptiedWhileARequestIsOpen() public {
        Request memory request = ask(subscribed());
        uint96 free = balance();
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISubscriptions.SubscriptionBalanceTooLow.selector, subscriptionId, free + 1, free
            )
        );
        coordinator.withdrawSubscription(subscriptionId, OWNER, free + 1);
        vm.prank(OWNER);
        coordinator.withdrawSubscription(subscriptionId, OWNER, free);
        fulfill(request, ok(request, "yes"));
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "the payee is paid all the same");
    }

    function test_RefundGoesToTheSubscription() public {
        Request memory request = ask(subscribed());
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        assertEq(balance(), FUNDS, "all back");
    }

    function test_RevertWhen_ConsumerIsNotListedOrAboveItsCap() public {
        uint256 escrow = coordinator.requiredEscrow(subscribed());
        RequestTerms memory asked = subscribed();
        vm.expectRevert(
            abi.encodeWithSelector(
                ISubscriptions.SubscriptionCapExceeded.selector, subscriptionId, address(this), escrow, 0
            )
        );
        coordinator.request(asked, hex"0101");
        vm.prank(OWNER);
        coordinator.setConsumer(subscriptionId, address(this), uint96(escrow - 1));
        vm.expectPartialRevert(ISubscriptions.SubscriptionCapExceeded.selector);
        coordinator.request(asked, hex"0101");
        vm.prank(OWNER);
        coordinator.setConsumer(subscriptionId, address(this), uint96(escrow));
        coordinator.request(asked, hex"0101");
    }

    function test_RevertWhen_BalanceIsTooLow() public {
        uint96 rest = uint96(coordinator.requiredEscrow(subscribed()) - 1);
        vm.prank(OWNER);
        coordinator.withdrawSubscription(subscriptionId, OWNER, FUNDS - rest);
        RequestTerms memory asked = subscribed();
        vm.expectPartialRevert(ISubscriptions.SubscriptionBalanceTooLow.selector);
        consumer.ask(asked, hex"0101");
    }

    function test_RevertWhen_ValueIsSentWithASubscription() public {
        RequestTerms memory asked = subscribed();
        vm.expectRevert(abi.encodeWithSelector(ISubscriptions.ValueNotNeeded.selector, 1));
        consumer.ask{ value: 1 }(asked, hex"0101");
    }

    function test_OnlyTheOwnerRulesAndOwnershipIsAccepted() public {
        bytes memory refused = abi.encodeWithSelector(
            ISubscriptions.NotSubscriptionOwner.selector, subscriptionId, address(this)
        );
        vm.expectRevert(refused);
        coordinator.setConsumer(subscriptionId, address(this), 1);
        vm.expectRevert(refused);
        coordinator.withdrawSubscription(subscriptionId, address(this), 1);
        vm.expectRevert(refused);
        coordinator.offerSubscription(subscriptionId, address(this));
        vm.expectRevert(refused);
        coordinator.acceptSubscription(subscriptionId);
        vm.prank(OWNER);
        coordinator.offerSubscription(subscriptionId, address(this));
        coordinator.acceptSubscription(subscriptionId);
        coordinator.setConsumer(subscriptionId, address(this), 1);
    }

    function test_AnyoneFunds() public {
        coordinator.fundSubscription{ value: 1 ether }(subscriptionId);
        assertEq(balance(), FUNDS + 1 ether, "funded");
        vm.expectPartialRevert(ISubscriptions.NotSubscriptionOwner.selector);
        coordinator.fundSubscription{ value: 1 }(subscriptionId + 1);
    }

    function testFuzz_NonOkLeavesTheFeeInTheSubscription(uint8 status) public {
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.ClockUnknown)));
        Request memory request = ask(subscribed());
        vm.warp(request.deadline - FALLBACK_WINDOW);
        fulfill(request, answered(request, AnswerStatus(status), ""));
        assertEq(balance() + coordinator.creditOf(alice.keyset.payee), FUNDS, "nothing is lost");
    }

    /// faults/contracts.md, G1: who buys a subscription does not buy the seller's consumers.
    function test_TheSellersConsumersMayNotAskFromTheBuyersSubscription() public {
        address buyer = address(0xB1);
        vm.prank(OWNER);
        coordinator.offerSubscription(subscriptionId, buyer);
        vm.prank(buyer);
        coordinator.acceptSubscription(subscriptionId);
        assertEq(coordinator.capOf(subscriptionId, address(consumer)), 0, "no cap is left");
        RequestTerms memory asked = subscribed();
        vm.expectPartialRevert(ISubscriptions.SubscriptionCapExceeded.selector);
        consumer.ask(asked, hex"0102");
        (address[] memory consumers,) = coordinator.consumersOf(subscriptionId);
        assertEq(consumers.length, 0, "nor listed");
        vm.prank(buyer);
        coordinator.setConsumer(subscriptionId, address(consumer), 1 ether);
        consumer.ask(asked, hex"0102");
    }

    function test_EveryConsumerAndItsCapAreListed() public {
        address[3] memory others = [address(0xC1), address(0xC2), address(0xC3)];
        vm.startPrank(OWNER);
        for (uint96 i = 0; i < 3; ++i) {
            coordinator.setConsumer(subscriptionId, others[i], i + 1);
        }
        coordinator.setConsumer(subscriptionId, others[0], 9);
        coordinator.setConsumer(subscriptionId, address(consumer), 0);
        coordinator.setConsumer(subscriptionId, address(0xC4), 0);
        vm.stopPrank();
        (address[] memory consumers, uint96[] memory caps) = coordinator.consumersOf(subscriptionId);
        assertEq(consumers.length, 3, "those with a cap");
        uint256 sum = 0;
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(caps[i], coordinator.capOf(subscriptionId, consumers[i]), "its cap");
            sum += caps[i];
        }
        assertEq(sum, 9 + 2 + 3, "each once");
    }
}
