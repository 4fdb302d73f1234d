// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import {
    IOracleCoordinator,
    Opening,
    QuorumMember,
    SignedAnswer,
    SignedLeaf
} from "../../src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyRules } from "../../src/types/Policy.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../../src/types/Request.sol";
import { HostileConsumer, RecordingConsumer } from "../support/Consumers.sol";
import { SimulatedEnclave } from "../support/RegistryWorld.sol";
import { World } from "../support/World.sol";

/// Keeps what it is told, or refuses to listen.
contract FickleConsumer is RecordingConsumer {
    bool private _isDeaf;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) RecordingConsumer(coordinator, policyId) { }

    function setDeaf(bool isDeaf) external {
        _isDeaf = isDeaf;
    }

    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal override {
        require(!_isDeaf, "deaf");
        super._onAnswer(requestId, context, status, answeredAt, output);
    }
}

/// Does anything that the contracts allow, in any order, and keeps its own books.
contract SettlementHandler is World {
    uint256 private constant QUORUM_NODES = 4;
    /// A call from here, and what surrounds it, beside what the coordinator itself is charged for.
    uint256 private constant CALL_GAS = 3_000;

    Request[] private requests;
    SimulatedEnclave[] private nodes;
    RecordingConsumer[] private consumers;
    uint64 private subscriptionId;
    mapping(bytes32 requestId => Opening[]) private openings;
    mapping(bytes32 requestId => SignedAnswer) private failed;

    uint256 public moneyIn;
    uint256 public moneyOut;
    uint256 public settledUnderBadKey;
    uint256 public settledTwice;
    uint256 public blockedByConsumer;
    uint256 public deliveredOlder;
    uint256 public overpaid;
    uint256 public deliveredAgainWrongly;
    uint256 public shrunk;

    function setUp() public override {
        super.setUp();
        vm.warp(START);
        nodes.push(alice);
        for (uint256 i = 1; i < QUORUM_NODES; ++i) {
            nodes.push(makeEnclave(string(abi.encodePacked("node ", uint8(48 + i)))));
            admit(nodes[i]);
        }
        nodes.push(makeEnclave("never admitted"));
        consumers.push(consumer);
        consumers.push(new FickleConsumer(coordinator, policyId));
        for (uint256 mode = 0; mode < 4; ++mode) {
            HostileConsumer hostile = new HostileConsumer(coordinator, policyId);
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
        asked.threshold = uint8(bound(threshold, 1, 3));
        asked.aggregation = asked.threshold == 1 ? Aggregation.First : Aggregation(bound(aggregation, 1, 3));
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

    /// An answer over this block, of that time; not always a good one.
    function fulfill(
        uint256 index,
        uint256 node,
        uint8 status,
        bytes32 word,
        uint64 gasPrice,
        uint8 blocksAgo,
        uint16 secondsAgo
    ) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        SimulatedEnclave memory by = nodes[bound(node, 0, nodes.length - 1)];
        Answer memory answer = answerOf(asked, by, status, word);
        uint256 number = block.number - 1 - (blocksAgo > 200 ? blocksAgo - 200 : 0);
        answer.stateBlockHash = blockhash(number);
        answer.answeredAt -= secondsAgo > 64_000 ? secondsAgo - 64_000 : 0;
        SignedAnswer memory signed = sign(answer, outputOf(asked, answer, word), by);
        signed.stateBlockNumber = number;
        vm.txGasPrice(bound(gasPrice, 1, 4 gwei));
        settleSingle(asked, signed, by);
    }

    function settleSingle(Request memory asked, SignedAnswer memory signed, SimulatedEnclave memory by)
        internal
    {
        bytes32 id = Requests.id(asked);
        (bool wasPending,, uint48 requestBlock,,) = coordinator.pending(id);
        bool live = enclaves.isLive(policyId, by.keysetId, by.keyset.answerKey);
        uint256 earnedBefore = coordinator.creditOf(by.keyset.payee);
        bytes memory data = abi.encodeCall(coordinator.fulfill, (asked, signed));
        uint256 gasBefore = gasleft();
        (bool settled,) = address(coordinator).call(data);
        uint256 executed = gasBefore - gasleft();
        bool isOlder = signed.stateBlockNumber < requestBlock
            || (signed.answer.status != AnswerStatus.ClockUnknown
                && signed.answer.answeredAt + 300 < asked.requestedAt);
        if (settled) {
            if (!wasPending) ++settledTwice;
            if (!live) ++settledUnderBadKey;
            if (isOlder) ++deliveredOlder;
            uint256 earned = coordinator.creditOf(by.keyset.payee) - earnedBefore;
            uint256 fee = signed.answer.status == AnswerStatus.Ok ? asked.fee : 0;
            // The escrow may have been short: then it earned less than its fee and gas.
            if (earned > fee && (earned - fee) / tx.gasprice * 100 > chargedFor(data, executed, id) * 103) {
                ++overpaid;
            }
            if (coordinator.stateOf(id) >> 248 == 3) failed[id] = signed;
        }
        // An ok answer in time by a live key settles, whatever the consumer does.
        bool due = wasPending && live && asked.threshold == 1 && signed.answer.status == AnswerStatus.Ok
            && !isOlder && block.timestamp <= asked.deadline && !isCancelled(id);
        if (due && !settled) ++blockedByConsumer;
    }

    /// What a transaction with this calldata is charged; a little more than the EVM does, never less.
    function chargedFor(bytes memory data, uint256 executed, bytes32 id) internal view returns (uint256) {
        uint256 tokens = 0;
        for (uint256 i = 0; i < data.length; ++i) {
            tokens += data[i] == 0 ? 1 : 4;
        }
        uint256 standard = 4 * tokens + executed + CALL_GAS;
        if (coordinator.stateOf(id) == 0) standard -= 4_800;
        return 21_000 + (10 * tokens > standard ? 10 * tokens : standard);
    }

    function commitQuorum(uint256 index, uint8 mask, uint8 status, bytes32 word) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        bytes32 id = Requests.id(asked);
        uint256 before = membersOf(id);
        for (uint256 i = 0; i < QUORUM_NODES; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            // Half of them agree.
            Answer memory answer = answerOf(
                asked, nodes[i], (mask >> (4 + i)) & 1 == 0 ? 1 : status, word & bytes32(uint256(1))
            );
            SignedLeaf[] memory leaves = new SignedLeaf[](1);
            leaves[0] = leafOf(answer, nodes[i]);
            try coordinator.commitQuorum(asked, leaves) {
                bytes memory output =
                    answer.status == AnswerStatus.Ok ? abi.encode(word & bytes32(uint256(1))) : bytes("");
                openings[id].push(Opening(answer, block.number - 1, output));
            } catch { }
        }
        if (membersOf(id) < before) ++shrunk;
    }

    function openQuorum(uint256 index, uint8 mask, uint64 gasPrice) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        bytes32 id = Requests.id(asked);
        Opening[] storage all = openings[id];
        uint256 before = membersOf(id);
        vm.txGasPrice(bound(gasPrice, 1, 4 gwei));
        for (uint256 i = 0; i < all.length && i < 8; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            Opening[] memory part = new Opening[](1);
            part[0] = all[i];
            bool isMedian = asked.aggregation != Aggregation.Identical;
            if (asked.delivery != Delivery.Callback && !isMedian) part[0].output = "";
            bool wasPending = isPending(asked);
            try coordinator.openQuorum(asked, part) {
                if (!wasPending) ++settledTwice;
            } catch { }
        }
        if (isPending(asked) && membersOf(id) < before) ++shrunk;
    }

    function clearQuorum(uint256 index) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        bytes32 id = Requests.id(asked);
        (QuorumMember[] memory members, uint40 windowEndsAt, uint40 openingsEndAt) = coordinator.quorumOf(id);
        uint256 opened = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i].isOpened) ++opened;
        }
        try coordinator.clearQuorum(asked) {
            bool isDue = windowEndsAt != 0 && block.timestamp > openingsEndAt && opened < asked.threshold;
            if (!isDue || membersOf(id) != opened) ++shrunk;
        } catch { }
    }

    function membersOf(bytes32 id) internal view returns (uint256) {
        (QuorumMember[] memory members,,) = coordinator.quorumOf(id);
        return members.length;
    }

    function setDeaf(bool isDeaf) external {
        FickleConsumer(payable(address(consumers[1]))).setDeaf(isDeaf);
    }

    function deliver(uint256 index, uint64 later) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        bytes32 id = Requests.id(asked);
        SignedAnswer memory signed = failed[id];
        bool isFailed = coordinator.stateOf(id) >> 248 == 3;
        uint64 answeredAt = signed.answer.answeredAt + (later > type(uint64).max / 2 ? 1 : 0);
        try coordinator.deliver(asked, signed.answer.status, answeredAt, signed.output) {
            bool isRight =
                isFailed && answeredAt == signed.answer.answeredAt && block.timestamp <= asked.deadline;
            if (!isRight) ++deliveredAgainWrongly;
        } catch { }
    }

    function clearFailed(uint256 index) external {
        if (requests.length == 0) return;
        Request memory asked = pick(index);
        try coordinator.clearFailed(asked) {
            if (block.timestamp <= asked.deadline) ++deliveredAgainWrongly;
        } catch { }
    }

    function refund(uint256 index) external {
        if (requests.length == 0) return;
        try coordinator.refund(pick(index)) { } catch { }
    }

    function cancel(uint256 index) external {
        if (requests.length == 0) return;
        vm.prank(PAYER);
        try coordinator.cancel(pick(index)) { } catch { }
    }

    function wait_(uint256 duration, bool isLong) external {
        vm.warp(block.timestamp + bound(duration, 1, isLong ? 1 hours : 40));
        vm.roll(block.number + 1);
    }

    function withdraw(uint256 index) external {
        address[] memory all = accounts();
        address account = all[bound(index, 0, all.length - 1)];
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
        if (enclaves.rule(policyId, PolicyRules.REVOKED_CERTIFICATE, bytes32(salt)) != 0) return;
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(present(PolicyRules.REVOKED_CERTIFICATE, bytes32(salt))));
    }

    function renew(uint256 node) external {
        admit(nodes[bound(node, 0, QUORUM_NODES - 1)]);
    }

    function pick(uint256 index) internal view returns (Request memory) {
        // Mostly the newest: there is more to do to it.
        uint256 last = requests.length - 1;
        return requests[index % 4 == 0 ? bound(index, 0, last) : last];
    }

    function answerOf(Request memory asked, SimulatedEnclave memory by, uint8 status, bytes32 word)
        internal
        view
        returns (Answer memory)
    {
        AnswerStatus told = AnswerStatus(bound(status, 1, 7));
        return answerTo(asked, told, told == AnswerStatus.Ok ? abi.encode(word) : bytes(""), by);
    }

    function outputOf(Request memory asked, Answer memory answer, bytes32 word)
        internal
        pure
        returns (bytes memory)
    {
        bool isCarried = asked.delivery == Delivery.Callback && answer.status == AnswerStatus.Ok;
        return isCarried ? abi.encode(word) : bytes("");
    }

    function isCancelled(bytes32 id) internal view returns (bool) {
        (,,, uint40 cancelAt,) = coordinator.pending(id);
        return cancelAt != 0 && block.timestamp >= cancelAt;
    }

    function accounts() internal view returns (address[] memory all) {
        all = new address[](QUORUM_NODES + 2);
        for (uint256 i = 0; i < QUORUM_NODES; ++i) {
            all[i] = nodes[i].keyset.payee;
        }
        (all[QUORUM_NODES], all[QUORUM_NODES + 1]) = (PAYER, address(this));
    }

    function held() external view returns (uint256 sum) {
        address[] memory all = accounts();
        for (uint256 i = 0; i < all.length; ++i) {
            sum += coordinator.creditOf(all[i]);
        }
        (, uint96 free) = coordinator.subscription(subscriptionId);
        sum += free;
        for (uint256 i = 0; i < requests.length; ++i) {
            sum += pendingEscrow(requests[i]);
        }
    }

    function balance() external view returns (uint256) {
        return address(coordinator).balance;
    }

    function mostDeliveries() external view returns (uint256 most) {
        for (uint256 i = 0; i < requests.length; ++i) {
            bytes32 id = Requests.id(requests[i]);
            uint256 count = consumer.deliveries(id) + consumers[1].deliveries(id);
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
        bytes4[] memory selectors = new bytes4[](17);
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
        selectors[10] = handler.commitQuorum.selector;
        selectors[11] = handler.openQuorum.selector;
        selectors[12] = handler.clearQuorum.selector;
        selectors[13] = handler.deliver.selector;
        selectors[14] = handler.setDeaf.selector;
        selectors[15] = handler.clearFailed.selector;
        selectors[16] = handler.request.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// One campaign for all: each is asked after every call of every run.
    function invariant_MoneyAnswersAndQuorumsAreSafe() public view {
        moneyInIsMoneyOutPlusHeldAndNobodyIsOverpaid();
        noAnswerSettlesThatIsOlderThanItsRequestOrOfABadKey();
        aRequestIsDeliveredAtMostOnceAFailedCallbackToo();
        aCommittedQuorumNeverShrinksByChoiceAndNoConsumerStopsASettlement();
    }

    /// Money in = money out + held: no wei is made, lost or stuck; and nobody is repaid above 103 % of what is charged.
    function moneyInIsMoneyOutPlusHeldAndNobodyIsOverpaid() private view {
        uint256 held = handler.held();
        require(handler.balance() == held, "every wei held belongs to somebody");
        require(handler.moneyIn() == handler.moneyOut() + held, "money in = money out + held");
        require(handler.overpaid() == 0, "more than 103 % was repaid");
    }

    function noAnswerSettlesThatIsOlderThanItsRequestOrOfABadKey() private view {
        require(handler.deliveredOlder() == 0, "an answer from before its request settled");
        require(handler.settledUnderBadKey() == 0, "a key that is not live settled");
    }

    function aRequestIsDeliveredAtMostOnceAFailedCallbackToo() private view {
        require(handler.mostDeliveries() <= 1, "delivered twice");
        require(handler.settledTwice() == 0, "settled twice");
        require(handler.deliveredAgainWrongly() == 0, "another answer, or another time, was delivered again");
    }

    function aCommittedQuorumNeverShrinksByChoiceAndNoConsumerStopsASettlement() private view {
        require(handler.shrunk() == 0, "a member was removed that could still open, or had");
        require(handler.blockedByConsumer() == 0, "a consumer stopped a settlement");
    }
}
