// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../../src/Inference.sol";
import { OracleLens } from "../../src/OracleLens.sol";
import { IChainAdapter } from "../../src/interfaces/IChainAdapter.sol";
import { Opening, Refusal, SignedAnswer, SignedLeaf } from "../../src/interfaces/IOracleCoordinator.sol";
import { IOracleCoordinator } from "../../src/interfaces/IOracleCoordinator.sol";
import { ISubscriptions } from "../../src/interfaces/ISubscriptions.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { Aggregation, Delivery, Request, RequestTerms, Requests } from "../../src/types/Request.sol";
import { RecordingConsumer } from "./Consumers.sol";
import { RegistryWorld, SimulatedEnclave } from "./RegistryWorld.sol";
import { Vm } from "./Vm.sol";

/// All that `OracleCoordinator` can be called for.
interface ICoordinator is IOracleCoordinator, ISubscriptions { }

/// A coordinator and a consumer beside the registry, and what is asked of and answered to them.
abstract contract World is RegistryWorld {
    uint32 internal constant FALLBACK_WINDOW = 60;
    uint32 internal constant CANCEL_DELAY = 300;
    uint96 internal constant FEE = 1e15;
    uint64 internal constant GAS_PRICE_CAP = 2 gwei;

    address internal constant PAYER = address(0xA5);
    address internal constant TRANSMITTER = address(0x7A);

    ICoordinator internal coordinator;
    OracleLens internal lens;
    RecordingConsumer internal consumer;

    function setUp() public virtual override {
        super.setUp();
        coordinator = deployCoordinator(IChainAdapter(address(0)));
        consumer = new RecordingConsumer(coordinator, policyId);
        lens = new OracleLens();
    }

    /// From its artifact: a test that imported it would be compiled by IR, as it is.
    function deployCoordinator(IChainAdapter chain) internal returns (ICoordinator) {
        bytes memory arguments = abi.encode(enclaves, chain, GUARDIAN, FALLBACK_WINDOW, CANCEL_DELAY);
        return ICoordinator(vm.deployCode("OracleCoordinator.sol:OracleCoordinator", arguments));
    }

    function terms() internal view returns (RequestTerms memory) {
        return RequestTerms({
            context: 0,
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
            deadline: uint40(block.timestamp) + 1 hours
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
        request = lastRequested();
        nextBlock();
    }

    /// A block that is younger than what was asked.
    function nextBlock() internal {
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 1);
    }

    /// The request of the last `Requested` event.
    function lastRequested() internal returns (Request memory request) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i > 0; --i) {
            Vm.Log memory log = logs[i - 1];
            if (log.emitter == address(coordinator) && log.topics.length == 4) {
                bytes32 requestId;
                (request, requestId) = lens.decodeRequested(address(coordinator), log.topics, log.data);
                assertEq(requestId, log.topics[1], "requestId of the event");
                return request;
            }
        }
        revert("no request");
    }

    function pendingEscrow(Request memory request) internal view returns (uint256) {
        (, uint96 escrow,,,) = coordinator.pending(Requests.id(request));
        return escrow;
    }

    function isPending(Request memory request) internal view returns (bool yes) {
        (yes,,,,) = coordinator.pending(Requests.id(request));
    }

    function expectRefusal(Request memory request, Refusal reason) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IOracleCoordinator.FulfillmentRefused.selector, Requests.id(request), reason
            )
        );
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
            stateBlockHash: blockhash(block.number - 1),
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
        return SignedAnswer(answer, signBy(enclave, digest), output, block.number - 1);
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

    /// A signature in the form of EIP-2098.
    function compact(bytes memory signature) internal pure returns (bytes32 r, bytes32 vs) {
        uint8 v;
        // Memory-safe: reads a signature of 65 bytes.
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            vs := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
        if (v == 28) vs |= bytes32(uint256(1) << 255);
    }

    /// What `fulfillPacked` gets of it, written apart from `Packed`. `before` is the item before in a batch.
    function pack(Request memory request, SignedAnswer memory signed, bool isFirst, Request memory before)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory word1 = abi.encodePacked(request.payer, request.fee);
        bytes memory word2 = abi.encodePacked(request.refundTo, request.gasPriceCap, request.callbackGasLimit);
        uint8 flags = (request.payloadUriHash != 0 ? 1 : 0) | (request.context != 0 ? 2 : 0)
            | (request.delivery == Delivery.Callback ? 0 : 4);
        bytes memory words;
        if (!isFirst && keccak256(word1) == keccak256(abi.encodePacked(before.payer, before.fee))) {
            flags |= 8;
        } else {
            words = word1;
        }
        bytes32 word2Before =
            keccak256(abi.encodePacked(before.refundTo, before.gasPriceCap, before.callbackGasLimit));
        if (!isFirst && keccak256(word2) == word2Before) {
            flags |= 16;
        } else if (request.refundTo == request.payer) {
            flags |= 128;
            words = abi.encodePacked(words, request.gasPriceCap, request.callbackGasLimit);
        } else {
            words = abi.encodePacked(words, word2);
        }
        if (!isFirst && request.policyId == before.policyId) flags |= 32;
        else words = abi.encodePacked(words, request.policyId);
        words = abi.encodePacked(words, request.payloadHash, signed.answer.transcriptRoot);
        if (flags & 1 != 0) words = abi.encodePacked(words, request.payloadUriHash);
        if (flags & 2 != 0) words = abi.encodePacked(words, request.context);
        return packHead(request, signed, flags, abi.encodePacked(words, tailOf(signed, flags)));
    }

    function tailOf(SignedAnswer memory signed, uint8 flags) private pure returns (bytes memory) {
        return flags & 4 == 0 ? signed.output : abi.encodePacked(signed.answer.outputHash);
    }

    function packHead(Request memory request, SignedAnswer memory signed, uint8 flags, bytes memory rest)
        private
        pure
        returns (bytes memory)
    {
        bytes memory word3 = abi.encodePacked(
            uint24(64 + rest.length),
            request.subscriptionId,
            request.deadline,
            request.threshold,
            uint8(request.aggregation),
            uint8(request.delivery),
            flags,
            uint8(signed.answer.status),
            uint40(signed.answer.answeredAt),
            uint48(signed.stateBlockNumber)
        );
        return abi.encodePacked(
            word3, request.consumer, request.requestedAt, request.nonce, request.maxOutputBytes, rest
        );
    }

    function fulfillPacked(Request memory request, SignedAnswer memory signed) internal {
        (bytes32 r, bytes32 vs) = compact(signed.signature);
        bytes memory item = pack(request, signed, true, request);
        vm.prank(TRANSMITTER);
        coordinator.fulfillPacked(signed.answer.keysetId, r, vs, item);
    }

    function leafOf(Answer memory answer, SimulatedEnclave memory enclave)
        internal
        view
        returns (SignedLeaf memory)
    {
        bytes32 leaf = Answers.structHash(answer);
        bytes32 digest = Answers.quorumLeafDigest(
            answer.requestId, leaf, answer.keysetId, block.chainid, address(coordinator)
        );
        return SignedLeaf(leaf, answer.keysetId, signBy(enclave, digest));
    }
}
