// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ERC1967Proxy } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import { OracleConsumer } from "../src/OracleConsumer.sol";
import { OracleConsumerUpgradeable } from "../src/OracleConsumerUpgradeable.sol";
import { ReplaceableOracleConsumer } from "../src/ReplaceableOracleConsumer.sol";
import { OracleConsumerBase } from "../src/consumer/OracleConsumerBase.sol";
import { IOracleCoordinator } from "../src/interfaces/IOracleCoordinator.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Request, RequestTerms } from "../src/types/Request.sol";
import { Test } from "./support/Vm.sol";

/// Asks for whoever pays, for itself, and once more from within an answer. Takes no money: it has no `receive`.
contract FollowingConsumer is OracleConsumer {
    uint96 private constant FEE = 1e15;
    uint256 public followUps;
    bytes32 public lastId;
    bytes32 public lastContext;
    uint64 public lastAnsweredAt;
    uint256 public refunds;

    constructor(IOracleCoordinator coordinator, bytes32 policyId)
        payable
        OracleConsumer(coordinator, policyId)
    { }

    function terms() external view returns (RequestTerms memory) {
        return _terms(FEE);
    }

    function termsOf(uint24 maxOutputBytes) external view returns (RequestTerms memory) {
        return _terms(FEE, maxOutputBytes);
    }

    function ask(uint256 value, bytes32 context) external payable {
        RequestTerms memory asked = _terms(FEE);
        asked.context = context;
        lastId = _request(asked, "payload", value);
    }

    function askByUri(uint256 value) external payable {
        lastId = _requestByUri(_terms(FEE), keccak256("payload"), "https://example.org/p", value);
    }

    function askFor(address refundTo) external payable {
        RequestTerms memory asked = _terms(FEE);
        asked.refundTo = refundTo;
        asked.payer = refundTo;
        lastId = _request(asked, "payload", msg.value);
    }

    function follow(uint256 times) external {
        followUps = times;
    }

    function take(address payable to) external {
        _withdrawCredit(to);
    }

    function _onAnswer(bytes32, bytes32 context, AnswerStatus, uint64 answeredAt, bytes calldata)
        internal
        override
    {
        (lastContext, lastAnsweredAt) = (context, answeredAt);
        if (followUps == 0) return;
        --followUps;
        lastId = _request(_terms(FEE), "follow-up", 0.01 ether);
    }

    function _onRefund(bytes32, bytes32 context) internal override {
        ++refunds;
        lastContext = context;
    }
}

contract OracleConsumerTest is Test {
    bytes32 private constant POLICY = keccak256("policy");
    address private constant USER = address(0xA1);

    MockCoordinator private mock;
    FollowingConsumer private consumer;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        vm.fee(3 gwei);
        vm.txGasPrice(900 gwei);
        mock = new MockCoordinator();
        vm.deal(address(this), 100 ether);
        vm.deal(USER, 100 ether);
        consumer = new FollowingConsumer{ value: 1 ether }(mock.asCoordinator(), POLICY);
    }

    function asked() private view returns (Request memory) {
        return mock.requestOf(consumer.lastId());
    }

    function expectRefundee(address account) private view {
        assertEq(asked().refundTo, account, "refundTo");
        assertEq(asked().payer, account, "payer");
    }

    function test_RevertWhen_ThePolicyIsUnknown() public {
        IOracleCoordinator coordinator = mock.asCoordinator();
        vm.expectRevert(abi.encodeWithSelector(OracleConsumerBase.PolicyUnknown.selector, bytes32(0)));
        new FollowingConsumer(coordinator, 0);
    }

    function test_RevertWhen_AnybodyElseBringsAnAnswerOrARefund() public {
        bytes memory refused =
            abi.encodeWithSelector(OracleConsumerBase.NotCoordinator.selector, address(this));
        vm.expectRevert(refused);
        consumer.onAnswer(0, 0, AnswerStatus.Ok, 0, "");
        vm.expectRevert(refused);
        consumer.onRefund(0, 0);
    }

    /// Decision 12: what a caller's gas price is changes nothing.
    function testFuzz_TheDefaultCapIsTwiceTheBaseFeeAndTwoGwei(uint64 gasPrice, uint56 baseFee) public {
        vm.fee(baseFee);
        vm.txGasPrice(gasPrice);
        assertEq(consumer.terms().gasPriceCap, 2 * uint256(baseFee) + 2 gwei, "cap");
    }

    /// V3: gas for a new slot for each word of the output, and for what lies beside it.
    function testFuzz_DefaultGasFitsTheOutput(uint24 maxOutputBytes) public view {
        RequestTerms memory terms = consumer.termsOf(maxOutputBytes);
        uint256 words = (uint256(maxOutputBytes) + 31) / 32;
        uint256 needed = 22_100 * (words + 2);
        if (needed > type(uint32).max) needed = type(uint32).max;
        assertTrue(terms.callbackGasLimit >= needed, "gas");
        assertEq(terms.maxOutputBytes, maxOutputBytes, "bytes");
        assertEq(consumer.terms().maxOutputBytes, 1_024, "default");
    }

    function test_WhoPaysIsWhoIsRefunded() public {
        vm.prank(USER);
        consumer.ask{ value: 0.01 ether }(0.01 ether, 0);
        expectRefundee(USER);
        vm.prank(USER);
        consumer.askByUri{ value: 0.01 ether }(0.01 ether);
        expectRefundee(USER);
        vm.prank(USER);
        consumer.askFor{ value: 0.01 ether }(address(0xB2));
        expectRefundee(address(0xB2));
    }

    /// D2. A contract that pays itself is refunded itself, whatever a poker sends along.
    function testFuzz_AContractThatPaysItselfIsRefundedItself(uint256 sent) public {
        sent = bound(sent, 0, 0.01 ether - 1);
        vm.prank(USER);
        consumer.ask{ value: sent }(0.01 ether, 0);
        expectRefundee(address(consumer));
        mock.answer(consumer.lastId(), "yes");
        assertEq(mock.creditOf(USER), 0, "nothing for the poker");
        assertEq(mock.creditOf(address(consumer)), 0.01 ether - 1e15, "all but the fee");
    }

    /// D1. What a follow-up does not spend goes to the contract, which can take it out though it receives none.
    function test_AFollowUpIsRefundedToTheContractThatAsked() public {
        consumer.follow(1);
        vm.prank(USER);
        consumer.ask{ value: 0.01 ether }(0.01 ether, 0);
        assertTrue(mock.answer(consumer.lastId(), "yes"), "delivered");
        expectRefundee(address(consumer));
        mock.answer(consumer.lastId(), "yes");
        assertEq(mock.creditOf(address(mock)), 0, "nothing is the coordinator's");
        uint256 credit = mock.creditOf(address(consumer));
        assertEq(credit, 0.01 ether - 1e15, "all but the fee");
        uint256 before = USER.balance;
        consumer.take(payable(USER));
        assertEq(USER.balance, before + credit, "taken out to somebody else");
    }

    function test_ContextAndTimeComeBack() public {
        consumer.ask{ value: 0.01 ether }(0.01 ether, keccak256("order 7"));
        vm.warp(block.timestamp + 60);
        mock.answerAt(consumer.lastId(), uint64(block.timestamp) - 30, "yes");
        assertEq(consumer.lastContext(), keccak256("order 7"), "context");
        assertEq(consumer.lastAnsweredAt(), block.timestamp - 30, "time");
    }

    function test_ARefundIsTold() public {
        consumer.ask{ value: 0.01 ether }(0.01 ether, keccak256("order 7"));
        vm.warp(block.timestamp + 1 hours + 1);
        mock.expire(consumer.lastId());
        assertEq(consumer.refunds(), 1, "told");
        assertEq(consumer.lastContext(), keccak256("order 7"), "context");
    }
}

contract Replaceable is ReplaceableOracleConsumer {
    address private immutable OWNER = msg.sender;
    uint256 public answers;
    bytes32 public lastId;

    constructor(IOracleCoordinator first, bytes32 policy, uint40 delay)
        ReplaceableOracleConsumer(first, policy, delay)
    { }

    function ask() external payable {
        lastId = _request(_terms(1e15), "payload", msg.value);
    }

    function takePrevious(address payable to) external {
        _withdrawPreviousCredit(to);
    }

    function _authorizeReplacement() internal view override {
        require(msg.sender == OWNER, "not the owner");
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override {
        ++answers;
    }
}

contract ReplaceableOracleConsumerTest is Test {
    bytes32 private constant POLICY = keccak256("policy");
    bytes32 private constant NEXT_POLICY = keccak256("next policy");
    uint40 private constant DELAY = 3 days;

    MockCoordinator private first;
    MockCoordinator private second;
    Replaceable private consumer;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.deal(address(this), 100 ether);
        (first, second) = (new MockCoordinator(), new MockCoordinator());
        consumer = new Replaceable(first.asCoordinator(), POLICY, DELAY);
    }

    function propose(MockCoordinator next) private {
        consumer.proposeCoordinator(next.asCoordinator(), NEXT_POLICY);
    }

    function replace(MockCoordinator next) private {
        propose(next);
        vm.warp(block.timestamp + DELAY);
        consumer.replaceCoordinator();
    }

    function expectNotReplaceable(uint256 replaceableAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(ReplaceableOracleConsumer.NotReplaceable.selector, uint40(replaceableAt))
        );
        consumer.replaceCoordinator();
    }

    function isBelieved(MockCoordinator coordinator) private returns (bool believed) {
        vm.prank(address(coordinator));
        try consumer.onAnswer(0, 0, AnswerStatus.Ok, 0, "") {
            return true;
        } catch { }
    }

    function test_AProposedCoordinatorWaits() public {
        expectNotReplaceable(0);
        propose(second);
        uint256 replaceableAt = block.timestamp + DELAY;
        assertTrue(!isBelieved(second), "not yet");
        vm.warp(replaceableAt - 1);
        expectNotReplaceable(replaceableAt);
        vm.warp(replaceableAt);
        consumer.replaceCoordinator();
        assertEq(address(consumer.coordinator()), address(second), "coordinator");
        assertEq(consumer.policyId(), NEXT_POLICY, "policy");
        consumer.ask{ value: 0.01 ether }();
        assertEq(second.requestOf(consumer.lastId()).policyId, NEXT_POLICY, "asks under it");
    }

    function test_TheOldOneIsBelievedForSevenDaysMore() public {
        consumer.ask{ value: 0.01 ether }();
        bytes32 inFlight = consumer.lastId();
        propose(second);
        vm.warp(block.timestamp + DELAY);
        consumer.replaceCoordinator();
        uint256 until = block.timestamp + 7 days;
        assertTrue(isBelieved(first) && isBelieved(second), "both");
        first.expire(inFlight);
        assertEq(first.creditOf(address(this)), 0.01 ether, "refunds go on");
        vm.warp(until);
        assertTrue(isBelieved(first), "to the last second");
        vm.warp(until + 1);
        assertTrue(!isBelieved(first) && isBelieved(second), "no longer");
    }

    function test_RevertWhen_TwoWouldBeBelievedBesideTheNewOne() public {
        replace(second);
        uint256 until = block.timestamp + 7 days;
        propose(first);
        vm.warp(block.timestamp + DELAY);
        expectNotReplaceable(until + 1);
        vm.warp(until + 1);
        consumer.replaceCoordinator();
    }

    function test_RevertWhen_AProposalIsTakenBackOrExpired() public {
        propose(second);
        consumer.proposeCoordinator(IOracleCoordinator(address(0)), 0);
        vm.warp(block.timestamp + DELAY);
        expectNotReplaceable(0);
        propose(second);
        vm.warp(block.timestamp + DELAY + 14 days + 1);
        expectNotReplaceable(0);
    }

    function test_RevertWhen_AnybodyElseReplacesOrThePolicyIsUnknown() public {
        IOracleCoordinator next = second.asCoordinator();
        vm.prank(address(0xBAD));
        vm.expectRevert(bytes("not the owner"));
        consumer.proposeCoordinator(next, NEXT_POLICY);
        vm.prank(address(0xBAD));
        vm.expectRevert(bytes("not the owner"));
        consumer.replaceCoordinator();
        vm.expectRevert(abi.encodeWithSelector(OracleConsumerBase.PolicyUnknown.selector, bytes32(0)));
        consumer.proposeCoordinator(next, 0);
    }

    function test_NobodyIsBelievedAsThePreviousOneBeforeThereIsOne() public {
        vm.prank(address(0));
        vm.expectRevert(abi.encodeWithSelector(OracleConsumerBase.NotCoordinator.selector, address(0)));
        consumer.onAnswer(0, 0, AnswerStatus.Ok, 0, "");
    }

    receive() external payable { }
}

contract Upgradeable is OracleConsumerUpgradeable {
    uint256 public answers;

    function initialize(IOracleCoordinator first, bytes32 policy) external initializer {
        __OracleConsumer_init(first, policy);
    }

    function initializeLate(IOracleCoordinator first, bytes32 policy) external {
        __OracleConsumer_init(first, policy);
    }

    function ask() external payable returns (bytes32) {
        return _request(_terms(1e15), "payload", msg.value);
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override {
        ++answers;
    }
}

contract OracleConsumerUpgradeableTest is Test {
    bytes32 private constant POLICY = keccak256("policy");

    MockCoordinator private mock;
    Upgradeable private consumer;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.deal(address(this), 1 ether);
        mock = new MockCoordinator();
        bytes memory call = abi.encodeCall(Upgradeable.initialize, (mock.asCoordinator(), POLICY));
        consumer = Upgradeable(payable(new ERC1967Proxy(address(new Upgradeable()), call)));
    }

    function test_AsksAndIsAnsweredBehindAProxy() public {
        bytes32 requestId = consumer.ask{ value: 0.01 ether }();
        assertEq(mock.requestOf(requestId).consumer, address(consumer), "the proxy asks");
        assertEq(mock.requestOf(requestId).policyId, POLICY, "policy");
        assertTrue(mock.answer(requestId, "yes"), "delivered");
        assertEq(consumer.answers(), 1, "kept in the proxy's storage");
        vm.expectRevert(abi.encodeWithSelector(OracleConsumerBase.NotCoordinator.selector, address(this)));
        consumer.onAnswer(requestId, 0, AnswerStatus.Ok, 0, "");
    }

    function test_StorageLiesWhereErc7201SaysSo() public view {
        bytes32 position = keccak256(abi.encode(uint256(keccak256("adyton.storage.OracleConsumer")) - 1))
            & ~bytes32(uint256(0xff));
        assertEq(
            vm.load(address(consumer), position), bytes32(uint256(uint160(address(mock)))), "coordinator"
        );
        assertEq(vm.load(address(consumer), bytes32(uint256(position) + 1)), POLICY, "policy");
    }

    function test_RevertWhen_ItIsInitializedTwiceOrOutsideAnInitializer() public {
        IOracleCoordinator first = mock.asCoordinator();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        consumer.initialize(first, POLICY);
        vm.expectRevert(Initializable.NotInitializing.selector);
        consumer.initializeLate(first, POLICY);
    }
}
