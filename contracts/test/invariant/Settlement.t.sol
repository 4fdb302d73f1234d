// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { SignedAnswer } from "../../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../../src/types/Request.sol";
import { HostileConsumer, RecordingConsumer } from "../support/Consumers.sol";
import { SimulatedEnclave, World } from "../support/World.sol";

/// Does anything that the contracts allow, in any order, and keeps its own books.
contract SettlementHandler is World {
    Request[] private requests;
    SimulatedEnclave[] private nodes;
    RecordingConsumer[] private consumers;
    uint64 private subscriptionId;

    uint256 public moneyIn;
    uint256 public moneyOut;
    uint256 public settledUnderBadKey;
    uint256 public settledTwice;
    uint256 public blockedByConsumer;

    function setUp() public override {
        super.setUp();
        vm.warp(START);
        nodes.push(alice);
        nodes.push(makeEnclave("bob"));
        nodes.push(makeEnclave("never admitted"));
        admit(nodes[1]);
        consumers.push(consumer);
        for (uint256 mode = 0; mode < 4; ++mode) {
            HostileConsumer hostile = new HostileConsumer(coordinator);
            hostile.setMode(HostileConsumer.Mode(mode));
            consumers.push(hostile);
        }
        subscriptionId = coordinator.openSubscription{ value: 1000 ether }();
        moneyIn = 1000 ether;
        for (uint256 i = 0; i < consumers.length; ++i) {
            coordinator.setConsumer(subscriptionId, address(consumers[i]), type(uint96).max);
        }
        vm.warp(START + 10);
    }

    function request(
        uint256 who,
        uint8 delivery,
        uint8 threshold,
        uint8 aggregation,
        bool subscribed,
        uint64 fee
    ) external {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery(bound(delivery, 0, 2));
        if (asked.delivery != Delivery.Callback) asked.callbackGasLimit = 0;
        asked.threshold = uint8(bound(threshold, 1, 2));
        asked.aggregation = asked.threshold == 1 ? Aggregation.First : Aggregation(bound(aggregation, 0, 2));
        asked.fee = fee;
        if (subscribed) asked.subscriptionId = subscriptionId;
        uint256 escrow = coordinator.requiredEscrow(asked);
        if (subscribed) {
            (, uint96 free) = coordinator.subscription(subscriptionId);
            if (free < escrow) return;
        } else {
            moneyIn += escrow;
        }
        requests.push(askFrom(consumers[bound(who, 0, consumers.length - 1)], asked));
    }

    function fulfill(uint256 index, uint256 node, uint8 status, bytes32 word, uint64 gasPrice) external {
        if (requests.length == 0) return;
        vm.txGasPrice(bound(gasPrice, 1, 100 gwei));
        Request memory asked = requests[bound(index, 0, requests.length - 1)];
        SimulatedEnclave memory by = nodes[bound(node, 0, nodes.length - 1)];
        (bool wasPending,,,) = coordinator.pending(Requests.id(asked));
        bool live = enclaves.isLive(policyId, by.keysetId, by.keyset.answerKey);
        bool settled;
        if (asked.threshold == 1) {
            try coordinator.fulfill(asked, answerOf(asked, by, status, word)) {
                settled = true;
            } catch { }
        } else {
            SignedAnswer[] memory answers = new SignedAnswer[](2);
            answers[0] = answerOf(asked, nodes[0], status, word);
            answers[1] = answerOf(asked, by, status, word);
            live = live && enclaves.isLive(policyId, alice.keysetId, alice.keyset.answerKey);
            try coordinator.fulfillQuorum(asked, answers) {
                settled = true;
            } catch { }
        }
        if (settled && !wasPending) ++settledTwice;
        if (settled && !live) ++settledUnderBadKey;
        // An ok answer in time by a live key settles, whatever the consumer does.
        bool due = wasPending && live && asked.threshold == 1 && bound(status, 1, 7) == 1
            && block.timestamp <= asked.deadline && !isCancelled(asked);
        if (due && !settled) ++blockedByConsumer;
    }

    function isCancelled(Request memory asked) internal view returns (bool) {
        (,,, uint40 cancelAt) = coordinator.pending(Requests.id(asked));
        return cancelAt != 0 && block.timestamp >= cancelAt;
    }

    function answerOf(Request memory asked, SimulatedEnclave memory by, uint8 status, bytes32 word)
        internal
        view
        returns (SignedAnswer memory)
    {
        AnswerStatus told = AnswerStatus(bound(status, 1, 7));
        bytes memory output = told == AnswerStatus.Ok ? abi.encode(word) : bytes("");
        bool carried = asked.delivery == Delivery.Callback || asked.aggregation == Aggregation.Median;
        SignedAnswer memory signed = sign(answerTo(asked, told, output, by), output, by);
        if (!carried) signed.output = "";
        return signed;
    }

    function refund(uint256 index) external {
        if (requests.length == 0) return;
        try coordinator.refund(requests[bound(index, 0, requests.length - 1)]) { } catch { }
    }

    function cancel(uint256 index) external {
        if (requests.length == 0) return;
        vm.prank(PAYER);
        try coordinator.cancel(requests[bound(index, 0, requests.length - 1)]) { } catch { }
    }

    function wait_(uint256 duration) external {
        vm.warp(block.timestamp + bound(duration, 1, 1 hours));
    }

    function withdraw(uint256 index) external {
        address account = accounts()[bound(index, 0, accounts().length - 1)];
        moneyOut += coordinator.creditOf(account);
        coordinator.withdraw(account);
    }

    function withdrawSubscription(uint96 amount) external {
        (, uint96 free) = coordinator.subscription(subscriptionId);
        amount = uint96(bound(amount, 0, free));
        moneyOut += amount;
        coordinator.withdrawSubscription(subscriptionId, address(0xBEEF), amount);
    }

    function narrow(uint256 salt) external {
        vm.prank(GUARDIAN);
        policies.narrow(policyId, one(present(PolicyRules.REVOKED_CERTIFICATE, bytes32(salt))));
    }

    function renew(uint256 node) external {
        admit(nodes[bound(node, 0, 1)]);
    }

    function accounts() internal view returns (address[4] memory) {
        return [PAYER, alice.keyset.payee, nodes[1].keyset.payee, address(this)];
    }

    function held() external view returns (uint256 sum) {
        for (uint256 i = 0; i < accounts().length; ++i) {
            sum += coordinator.creditOf(accounts()[i]);
        }
        (, uint96 free) = coordinator.subscription(subscriptionId);
        sum += free;
        for (uint256 i = 0; i < requests.length; ++i) {
            (, uint96 escrow,,) = coordinator.pending(Requests.id(requests[i]));
            sum += escrow;
        }
    }

    function balance() external view returns (uint256) {
        return address(coordinator).balance;
    }

    function mostDeliveries() external view returns (uint256 most) {
        for (uint256 i = 0; i < requests.length; ++i) {
            uint256 count = consumer.deliveries(Requests.id(requests[i]));
            if (count > most) most = count;
        }
    }

    receive() external payable { }
}

contract SettlementInvariants {
    SettlementHandler private handler;

    function setUp() public {
        handler = new SettlementHandler();
        handler.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// Forge picks senders among addresses it has seen, and lets them pay for gas: as the coordinator, out of what it holds.
    function targetSenders() public pure returns (address[] memory senders) {
        senders = new address[](1);
        senders[0] = address(0xCA11);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](10);
        selectors[0] = handler.request.selector;
        selectors[1] = handler.fulfill.selector;
        selectors[2] = handler.refund.selector;
        selectors[3] = handler.cancel.selector;
        selectors[4] = handler.wait_.selector;
        selectors[5] = handler.withdraw.selector;
        selectors[6] = handler.withdrawSubscription.selector;
        selectors[7] = handler.narrow.selector;
        selectors[8] = handler.renew.selector;
        selectors[9] = handler.fulfill.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// Money in = money out + held: no wei is made, lost or stuck.
    function invariant_MoneyInIsMoneyOutPlusHeld() public view {
        require(handler.balance() == handler.held(), "every wei held belongs to somebody");
        require(handler.moneyIn() == handler.moneyOut() + handler.held(), "money in = money out + held");
    }

    function invariant_ARequestIsDeliveredAtMostOnce() public view {
        require(handler.mostDeliveries() <= 1, "delivered twice");
        require(handler.settledTwice() == 0, "settled twice");
    }

    function invariant_NothingIsDeliveredUnderAKeyNotAdmittedAtThatBlock() public view {
        require(handler.settledUnderBadKey() == 0, "a key that is not live settled");
    }

    function invariant_AHostileConsumerCostsOnlyItself() public view {
        require(handler.blockedByConsumer() == 0, "a consumer stopped a settlement");
    }
}
