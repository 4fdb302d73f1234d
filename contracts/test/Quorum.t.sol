// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal, SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { Answers, AnswerStatus } from "../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { Aggregation, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { SimulatedEnclave, World } from "./support/World.sol";

contract QuorumTest is World {
    SimulatedEnclave[] private nodes;

    function setUp() public override {
        super.setUp();
        vm.warp(START);
        string[4] memory names = ["n0", "n1", "n2", "n3"];
        for (uint256 i = 0; i < names.length; ++i) {
            nodes.push(makeEnclave(names[i]));
            admit(nodes[i]);
        }
        vm.warp(START + 10);
    }

    function askQuorum(uint8 threshold, Aggregation aggregation) internal returns (Request memory) {
        RequestTerms memory asked = terms();
        asked.threshold = threshold;
        asked.aggregation = aggregation;
        return ask(asked);
    }

    function by(uint256 node, Request memory request, AnswerStatus status, bytes memory output)
        internal
        view
        returns (SignedAnswer memory)
    {
        return sign(answerTo(request, status, output, nodes[node]), output, nodes[node]);
    }

    function medianOf(int256[] memory values) internal returns (bytes32) {
        Request memory request = askQuorum(uint8(values.length), Aggregation.Median);
        SignedAnswer[] memory answers = new SignedAnswer[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            answers[i] = by(i, request, AnswerStatus.Ok, abi.encode(values[i]));
        }
        coordinator.fulfillQuorum(request, answers);
        return consumer.outputHashOf(Requests.id(request));
    }

    function testFuzz_MedianIsTheLowerMiddle(int256 a, int256 b, int256 c, int256 d, bool four) public {
        int256[] memory values = new int256[](four ? 4 : 3);
        (values[0], values[1], values[2]) = (a, b, c);
        if (four) values[3] = d;
        bytes32 delivered = medianOf(values);
        for (uint256 i = 0; i < values.length; ++i) {
            for (uint256 j = i + 1; j < values.length; ++j) {
                if (values[j] < values[i]) (values[i], values[j]) = (values[j], values[i]);
            }
        }
        assertEq(delivered, keccak256(abi.encode(values[(values.length - 1) / 2])), "median");
    }

    function testFuzz_FeeIsSharedAndNothingIsLost(bytes32 output, uint64 gasPrice) public {
        vm.txGasPrice(bound(gasPrice, 1, 10 gwei));
        Request memory request = askQuorum(3, Aggregation.Identical);
        (, uint96 escrow,,) = coordinator.pending(Requests.id(request));
        SignedAnswer[] memory answers = new SignedAnswer[](3);
        for (uint256 i = 0; i < 3; ++i) {
            answers[i] = by(i, request, AnswerStatus.Ok, abi.encode(output));
        }
        coordinator.fulfillQuorum(request, answers);
        assertEq(consumer.deliveries(Requests.id(request)), 1, "delivered once");
        uint256 sum = coordinator.creditOf(PAYER);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 earned = coordinator.creditOf(nodes[i].keyset.payee);
            assertTrue(earned >= FEE / 3, "each has a share");
            sum += earned;
        }
        assertEq(sum, escrow, "nothing is lost");
    }

    function expectDisagreed(Request memory request, SignedAnswer[] memory answers) internal {
        coordinator.fulfillQuorum(request, answers);
        bytes32 id = Requests.id(request);
        assertTrue(consumer.statusOf(id) == AnswerStatus.Disagreed, "disagreed");
        assertEq(consumer.outputHashOf(id), keccak256(""), "no output");
        assertTrue(coordinator.creditOf(PAYER) >= FEE, "the fee comes back");
    }

    function test_DisagreementIsDeliveredAndRefunded() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, "yes");
        answers[1] = by(1, request, AnswerStatus.Ok, "no");
        expectDisagreed(request, answers);
    }

    function testFuzz_StatusesNeverMix(uint8 aggregation, uint8 status) public {
        aggregation = uint8(bound(aggregation, 0, 2));
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.InvalidRequest)));
        Request memory request = askQuorum(2, Aggregation(aggregation));
        vm.warp(block.timestamp + FALLBACK_WINDOW);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, abi.encode(1));
        answers[1] = by(1, request, AnswerStatus(status), "");
        expectDisagreed(request, answers);
        bool earnsNothing = status == uint8(AnswerStatus.UpstreamFailed);
        assertTrue(
            (coordinator.creditOf(nodes[0].keyset.payee) == 0) == earnsNothing, "host-causable earns nothing"
        );
    }

    function test_MedianOfAnythingButAWordDisagrees() public {
        Request memory request = askQuorum(2, Aggregation.Median);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, abi.encode(1));
        answers[1] = by(1, request, AnswerStatus.Ok, abi.encode(1, 2));
        expectDisagreed(request, answers);
    }

    function test_SameNonOkStatusIsDelivered() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Refused, "");
        answers[1] = by(1, request, AnswerStatus.Refused, "");
        coordinator.fulfillQuorum(request, answers);
        assertTrue(consumer.statusOf(Requests.id(request)) == AnswerStatus.Refused, "refused");
    }

    function test_RevertWhen_OnePlatformAnswersTwice() public {
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, "yes");
        answers[1] = answers[0];
        vm.expectPartialRevert(IOracleCoordinator.PlatformRepeated.selector);
        coordinator.fulfillQuorum(request, answers);
    }

    function test_RevertWhen_TwoKeysetsOfOneMachineAnswer() public {
        SimulatedEnclave memory twin = makeEnclave("twin");
        twin.machine = nodes[0].machine;
        admit(twin);
        vm.warp(block.timestamp + 1);
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, "yes");
        answers[1] = sign(answerTo(request, AnswerStatus.Ok, "yes", twin), "yes", twin);
        vm.expectPartialRevert(IOracleCoordinator.PlatformRepeated.selector);
        coordinator.fulfillQuorum(request, answers);
    }

    function test_RevertWhen_ThePolicyWantsDistinctVendors() public {
        PolicyChange memory distinct = PolicyChange(PolicyRules.DISTINCT_VENDORS, 0, PolicyRules.PRESENT);
        policyId = createPolicy("vendors", one(distinct));
        admit(nodes[0]);
        admit(nodes[1]);
        vm.warp(block.timestamp + 1);
        Request memory request = askQuorum(2, Aggregation.Identical);
        SignedAnswer[] memory answers = new SignedAnswer[](2);
        answers[0] = by(0, request, AnswerStatus.Ok, "yes");
        answers[1] = by(1, request, AnswerStatus.Ok, "yes");
        vm.expectPartialRevert(IOracleCoordinator.PlatformRepeated.selector);
        coordinator.fulfillQuorum(request, answers);
    }

    function test_RevertWhen_AnswersAreTooFewOrTooMany() public {
        Request memory request = askQuorum(2, Aggregation.First);
        SignedAnswer memory first = by(0, request, AnswerStatus.Ok, "yes");
        bytes memory refused = abi.encodeWithSelector(
            IOracleCoordinator.FulfillmentRefused.selector, Requests.id(request), Refusal.ThresholdNotMet
        );
        vm.expectRevert(refused);
        coordinator.fulfill(request, first);
        SignedAnswer[] memory answers = new SignedAnswer[](1);
        answers[0] = first;
        vm.expectRevert(refused);
        coordinator.fulfillQuorum(request, answers);
        answers = new SignedAnswer[](3);
        for (uint256 i = 0; i < 3; ++i) {
            answers[i] = by(i, request, AnswerStatus.Ok, "yes");
        }
        vm.expectRevert(refused);
        coordinator.fulfillQuorum(request, answers);
    }

    function test_EquivocationRevokesTheKeyForGood() public {
        Request memory request = ask();
        SignedAnswer memory first = by(0, request, AnswerStatus.Ok, "yes");
        SignedAnswer memory second = by(0, request, AnswerStatus.Ok, "no");
        bytes32[] memory under = new bytes32[](1);
        under[0] = policyId;

        vm.expectRevert(IEnclaveRegistry.NotEquivocation.selector);
        proveEquivocation(first, first, under);
        SignedAnswer memory elsewhere = by(0, ask(), AnswerStatus.Ok, "no");
        vm.expectRevert(IEnclaveRegistry.NotEquivocation.selector);
        proveEquivocation(first, elsewhere, under);
        SignedAnswer memory another = by(1, request, AnswerStatus.Ok, "no");
        vm.expectRevert(IEnclaveRegistry.NotEquivocation.selector);
        proveEquivocation(first, another, under);

        proveEquivocation(first, second, under);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, first);
        bytes memory evidence = evidenceOf(nodes[0]);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.KeysetRevoked.selector, nodes[0].keysetId));
        enclaves.admit(policyId, nodes[0].keyset, block.number - 1, simulated, evidence);
    }

    function proveEquivocation(SignedAnswer memory first, SignedAnswer memory second, bytes32[] memory under)
        internal
    {
        enclaves.proveEquivocation(
            nodes[0].keyset,
            address(coordinator),
            first.answer,
            first.signature,
            second.answer,
            second.signature,
            under
        );
    }
}
