// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../../src/Inference.sol";
import { OracleCoordinator } from "../../src/OracleCoordinator.sol";
import { IChainAdapter } from "../../src/interfaces/IChainAdapter.sol";
import { SignedAnswer } from "../../src/interfaces/IOracleCoordinator.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { Aggregation, Delivery, Request, RequestTerms, Requests } from "../../src/types/Request.sol";
import { RecordingConsumer } from "./Consumers.sol";
import { RegistryWorld, SimulatedEnclave } from "./RegistryWorld.sol";
import { Vm } from "./Vm.sol";

/// A coordinator and a consumer beside the registry, and what is asked of and answered to them.
abstract contract World is RegistryWorld {
    uint32 internal constant FALLBACK_WINDOW = 60;
    uint32 internal constant CANCEL_DELAY = 300;
    uint128 internal constant FEE = 1e15;
    uint64 internal constant GAS_PRICE_CAP = 2 gwei;

    address internal constant PAYER = address(0xA5);
    address internal constant TRANSMITTER = address(0x7A);

    OracleCoordinator internal coordinator;
    RecordingConsumer internal consumer;

    function setUp() public virtual override {
        super.setUp();
        coordinator = new OracleCoordinator(
            enclaves, IChainAdapter(address(0)), GUARDIAN, FALLBACK_WINDOW, CANCEL_DELAY
        );
        consumer = new RecordingConsumer(coordinator, policyId);
    }

    function terms() internal view returns (RequestTerms memory) {
        return RequestTerms({
            payer: PAYER,
            refundTo: PAYER,
            subscriptionId: 0,
            policyId: policyId,
            threshold: 1,
            aggregation: Aggregation.First,
            delivery: Delivery.Callback,
            callbackGasLimit: 200_000,
            maxOutputBytes: 1024,
            fee: FEE,
            gasPriceCap: GAS_PRICE_CAP,
            deadline: uint64(block.timestamp) + 1 hours
        });
    }

    function ask() internal returns (Request memory) {
        return ask(terms());
    }

    function ask(RequestTerms memory asked) internal returns (Request memory) {
        return askFrom(consumer, asked);
    }

    function askFrom(RecordingConsumer from, RequestTerms memory asked)
        internal
        returns (Request memory request)
    {
        bytes memory payload =
            Inference.encode(Inference.text("openai/gpt-5.1", "", "Which temple was the oracle's?"));
        uint256 escrow = asked.subscriptionId == 0 ? coordinator.requiredEscrow(asked) : 0;
        vm.recordLogs();
        from.ask{ value: escrow }(asked, payload);
        return lastRequested();
    }

    /// The request of the last `Requested` event.
    function lastRequested() internal returns (Request memory request) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i > 0; --i) {
            if (logs[i - 1].emitter == address(coordinator) && logs[i - 1].topics.length == 4) {
                (request,,) = abi.decode(logs[i - 1].data, (Request, bytes, string));
                assertEq(Requests.id(request), logs[i - 1].topics[1], "requestId of the event");
                return request;
            }
        }
        revert("no request");
    }

    function answerTo(
        Request memory request,
        AnswerStatus status,
        bytes memory output,
        SimulatedEnclave memory enclave
    ) internal view returns (Answer memory) {
        return Answer({
            requestId: Requests.id(request),
            status: status,
            outputHash: keccak256(output),
            transcriptRoot: keccak256("transcript"),
            stateBlockHash: 0,
            keysetId: enclave.keysetId,
            answeredAt: uint64(block.timestamp)
        });
    }

    function sign(Answer memory answer, bytes memory output, SimulatedEnclave memory enclave)
        internal
        view
        returns (SignedAnswer memory)
    {
        bytes32 digest = Answers.digest(answer, block.chainid, address(coordinator));
        return SignedAnswer(answer, signBy(enclave, digest), output, 0);
    }

    function answered(Request memory request, AnswerStatus status, bytes memory output)
        internal
        view
        returns (SignedAnswer memory)
    {
        return sign(answerTo(request, status, output, alice), output, alice);
    }

    function ok(Request memory request, bytes memory output) internal view returns (SignedAnswer memory) {
        return answered(request, AnswerStatus.Ok, output);
    }

    /// Sent by a stranger, as every fulfilment may be.
    function fulfill(Request memory request, SignedAnswer memory signed) internal {
        vm.prank(TRANSMITTER);
        coordinator.fulfill(request, signed);
    }
}
