// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Refusal, SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { ISubscriptions } from "../src/interfaces/ISubscriptions.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { World } from "./support/World.sol";

/// The mock refuses what the coordinator refuses (faults/contracts.md, V1), and does what it does.
contract MockCoordinatorTest is World {
    struct BadRequest {
        string what;
        RequestTerms terms;
        bytes payload;
        uint256 value;
        bytes4 refusal;
    }

    MockCoordinator private mock;
    RecordingConsumer private mocked;

    function setUp() public override {
        super.setUp();
        mock = new MockCoordinator();
        mocked = new RecordingConsumer(mock.asCoordinator(), policyId);
    }

    function bad(string memory what, RequestTerms memory asked) internal pure returns (BadRequest memory) {
        return BadRequest(what, asked, hex"0102", 1000 ether, IOracleCoordinator.TermInvalid.selector);
    }

    /// One table for both.
    function badRequests() internal view returns (BadRequest[] memory table) {
        table = new BadRequest[](22);
        uint256 n = 0;
        RequestTerms memory asked = terms();
        asked.threshold = 0;
        table[n++] = bad("no answer asked for", asked);
        asked = terms();
        (asked.threshold, asked.aggregation) = (9, Aggregation.Identical);
        table[n++] = bad("more answers than a quorum has members", asked);
        asked = terms();
        asked.threshold = 2;
        table[n++] = bad("first of two", asked);
        asked = terms();
        asked.aggregation = Aggregation.Identical;
        table[n++] = bad("identical of one", asked);
        asked = terms();
        asked.aggregation = Aggregation.MedianUnsigned;
        table[n++] = bad("median of one", asked);
        asked = terms();
        asked.callbackGasLimit = 0;
        table[n++] = bad("a callback without gas", asked);
        asked = terms();
        asked.callbackGasLimit = 5_000_001;
        table[n++] = bad("a callback with too much gas", asked);
        asked = terms();
        asked.delivery = Delivery.Pull;
        table[n++] = bad("gas without a callback", asked);
        asked = terms();
        asked.maxOutputBytes = 65_537;
        table[n++] = bad("too long an output", asked);
        asked = terms();
        (asked.threshold, asked.aggregation, asked.maxOutputBytes) = (2, Aggregation.Median, 49_153);
        table[n++] = bad("too long outputs of a quorum", asked);
        asked = terms();
        asked.deadline = uint40(block.timestamp);
        table[n++] = bad("no time", asked);
        asked = terms();
        asked.deadline = uint40(block.timestamp) + 60;
        table[n++] = bad("no more time than the fallback window", asked);
        asked = terms();
        asked.deadline = uint40(block.timestamp) + 88_463;
        table[n++] = bad("longer than blocks are known", asked);
        asked = terms();
        asked.deadline = uint40(block.timestamp) + 365 days;
        table[n++] = bad("a year", asked);
        asked = terms();
        asked.refundTo = address(0);
        table[n++] = bad("a refund to nobody", asked);
        table[n] = bad("an empty payload", terms());
        (table[n].payload, table[n].refusal) = ("", IOracleCoordinator.PayloadInvalid.selector);
        table[++n] = bad("too long a payload", terms());
        (table[n].payload, table[n].refusal) = (new bytes(65_537), IOracleCoordinator.PayloadInvalid.selector);
        table[++n] = bad("too small an escrow", terms());
        (table[n].value, table[n].refusal) = (1, IOracleCoordinator.EscrowTooSmall.selector);
        table[++n] = bad("no escrow", terms());
        (table[n].value, table[n].refusal) = (0, IOracleCoordinator.EscrowTooSmall.selector);
        asked = terms();
        asked.subscriptionId = 77;
        table[++n] = bad("a subscription that is not there", asked);
        (table[n].value, table[n].refusal) = (0, ISubscriptions.SubscriptionBalanceTooLow.selector);
        asked = terms();
        asked.subscriptionId = 1;
        table[++n] = bad("a subscription that does not list it", asked);
        (table[n].value, table[n].refusal) = (0, ISubscriptions.SubscriptionCapExceeded.selector);
        table[++n] = bad("money beside a subscription", asked);
        (table[n].value, table[n].refusal) = (1, ISubscriptions.ValueNotNeeded.selector);
        assertEq(n + 1, table.length, "the table is full");
    }

    function test_MockAndCoordinatorRefuseTheSameRequests() public {
        coordinator.openSubscription{ value: 1000 ether }();
        mock.openSubscription{ value: 1000 ether }();
        BadRequest[] memory table = badRequests();
        for (uint256 i = 0; i < table.length; ++i) {
            assertRefused(address(coordinator), table[i]);
            assertRefused(address(mock), table[i]);
        }
    }

    function assertRefused(address target, BadRequest memory row) internal {
        // The coordinator's fallback window is 60 seconds here, the mock's 120.
        (bool accepted, bytes memory reason) = target.call{ value: row.value }(
            abi.encodeCall(IOracleCoordinator.request, (row.terms, row.payload))
        );
        assertTrue(!accepted, string.concat(row.what, ": accepted"));
        assertTrue(bytes4(reason) == row.refusal, string.concat(row.what, ": refused otherwise"));
    }

    function askMock(RequestTerms memory asked) internal returns (bytes32 id) {
        id = mocked.ask{ value: mock.requiredEscrow(asked) }(asked, hex"0102");
        nextBlock();
    }

    function test_MockAsksForTheSameEscrowAndMakesTheSameId() public {
        RequestTerms memory asked = terms();
        assertEq(mock.requiredEscrow(asked), coordinator.requiredEscrow(asked), "escrow");
        bytes32 id = askMock(asked);
        assertEq(Requests.id(mock.requestOf(id)), id, "id");
        assertEq(id, mock.lastRequestId(), "the last");
        assertEq(mock.payloadOf(id), hex"0102", "payload");
    }

    function test_MockDeliversAsTheCoordinatorDoes() public {
        RequestTerms memory asked = terms();
        asked.context = keccak256("mine");
        bytes32 id = askMock(asked);
        assertTrue(mock.answerAt(id, uint64(block.timestamp - 1), "yes"), "delivered");
        assertEq(mocked.contextOf(id), keccak256("mine"), "context");
        assertEq(mocked.answeredAtOf(id), block.timestamp - 1, "age");
        assertEq(mock.creditOf(mock.PAYEE()), FEE, "the fee is somebody's");
        assertEq(mock.creditOf(PAYER) + FEE, address(mock).balance, "the rest comes back");
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.FulfillmentRefused.selector, id, Refusal.NotPending)
        );
        mock.answer(id, "again");
    }

    function test_MockRefusesTheAnswersThatTheCoordinatorRefuses() public {
        bytes32 id = askMock(terms());
        expectMockRefusal(id, Refusal.OutputTooLarge);
        mock.answer(id, new bytes(1_025));
        expectMockRefusal(id, Refusal.AnsweredAtOutOfRange);
        mock.answerAt(id, uint64(block.timestamp) + 301, "");
        AnswerStatus[3] memory last =
            [AnswerStatus.UpstreamFailed, AnswerStatus.InvalidRequest, AnswerStatus.ClockUnknown];
        for (uint256 i = 0; i < last.length; ++i) {
            expectMockRefusal(id, Refusal.FallbackWindowNotReached);
            mock.answerStatus(id, last[i]);
        }
        AnswerStatus[3] memory none = [AnswerStatus.Unset, AnswerStatus.Ok, AnswerStatus.Disagreed];
        for (uint256 i = 0; i < none.length; ++i) {
            expectMockRefusal(id, Refusal.StatusInvalid);
            mock.answerStatus(id, none[i]);
        }
        vm.warp(mock.requestOf(id).deadline + 1);
        expectMockRefusal(id, Refusal.DeadlinePassed);
        mock.answer(id, "");
    }

    function expectMockRefusal(bytes32 id, Refusal reason) internal {
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.FulfillmentRefused.selector, id, reason));
    }

    function test_MockCancelsRefundsAndDeliversAgain() public {
        RequestTerms memory asked = terms();
        asked.payer = address(this);
        bytes32 id = askMock(asked);
        mock.cancel(mock.requestOf(id));
        vm.warp(block.timestamp + mock.CANCEL_DELAY_SECONDS());
        mock.refund(mock.requestOf(id));
        assertEq(mocked.refunds(id), 1, "told");
        asked.callbackGasLimit = 30_000;
        asked.deadline = uint40(block.timestamp) + 1 hours;
        id = askMock(asked);
        uint64 answeredAt = uint64(block.timestamp);
        assertTrue(!mock.answer(id, "yes"), "out of gas");
        mock.deliver(mock.requestOf(id), AnswerStatus.Ok, answeredAt, "yes");
        assertEq(mocked.deliveries(id), 1, "delivered");
    }

    function test_MockServesSubscriptionsAndQuorums() public {
        uint64 subscription = mock.openSubscription{ value: 1 ether }();
        mock.setConsumer(subscription, address(mocked), 1 ether);
        RequestTerms memory asked = terms();
        (asked.subscriptionId, asked.threshold, asked.aggregation) = (subscription, 3, Aggregation.Identical);
        bytes32 id = mocked.ask(asked, hex"0102");
        nextBlock();
        assertTrue(mock.answerStatus(id, AnswerStatus.Disagreed), "told");
        (, uint96 balance) = mock.subscription(subscription);
        assertEq(balance, 1 ether, "all came back");
        Request memory request = mock.requestOf(id);
        vm.expectRevert(MockCoordinator.NothingIsSignedHere.selector);
        mock.clearQuorum(request);
    }
}
