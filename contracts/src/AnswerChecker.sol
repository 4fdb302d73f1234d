// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IAnswerChecker } from "./interfaces/IAnswerChecker.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal } from "./interfaces/IOracleCoordinator.sol";
import { Chain } from "./libraries/Chain.sol";
import { RequestState } from "./libraries/RequestState.sol";
import { Answer, Answers } from "./types/Answer.sol";
import { Request, Requests } from "./types/Request.sol";

/// @title AnswerChecker
/// @notice See `IAnswerChecker` for what each function establishes and does not.
contract AnswerChecker is IAnswerChecker {
    /// @notice The coordinator whose answers are checked.
    IOracleCoordinator public immutable COORDINATOR;
    IEnclaveRegistry private immutable ENCLAVES;
    IChainAdapter private immutable CHAIN;
    uint32 private immutable FALLBACK_WINDOW;

    mapping(address consumer => mapping(bytes32 requestId => bool)) private _consumed;

    /// @param coordinator The coordinator whose answers are checked.
    constructor(IOracleCoordinator coordinator) {
        COORDINATOR = coordinator;
        ENCLAVES = coordinator.ENCLAVES();
        CHAIN = ENCLAVES.CHAIN();
        FALLBACK_WINDOW = coordinator.FALLBACK_WINDOW_SECONDS();
    }

    /// @inheritdoc IAnswerChecker
    function check(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber,
        uint64 maxAgeSeconds
    ) external view returns (bytes32 requestId) {
        return _check(request, answer, output, signature, stateBlockNumber, maxAgeSeconds);
    }

    /// @inheritdoc IAnswerChecker
    function consume(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber,
        uint64 maxAgeSeconds
    ) external returns (bytes32 requestId) {
        requestId = _check(request, answer, output, signature, stateBlockNumber, maxAgeSeconds);
        require(!_consumed[msg.sender][requestId], AnswerAlreadyConsumed(requestId));
        _consumed[msg.sender][requestId] = true;
        emit AnswerConsumed(msg.sender, requestId);
    }

    /// @inheritdoc IAnswerChecker
    function isConsumed(address consumer, bytes32 requestId) external view returns (bool) {
        return _consumed[consumer][requestId];
    }

    function _check(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber,
        uint64 maxAgeSeconds
    ) private view returns (bytes32 requestId) {
        requestId = _checkRequest(request);
        require(answer.requestId == requestId, WrongQuestion(requestId, answer.requestId));
        require(keccak256(output) == answer.outputHash, WrongOutput(answer.outputHash, keccak256(output)));
        uint64 answeredAt = answer.answeredAt;
        require(
            Answers.isTimely(answer.status, answeredAt, request.requestedAt),
            AnswerRefused(requestId, Refusal.AnsweredAtOutOfRange)
        );
        require(
            uint256(answeredAt) + maxAgeSeconds >= block.timestamp, AnswerTooOld(answeredAt, maxAgeSeconds)
        );
        require(
            !Answers.isLastResort(answer.status) || block.timestamp + FALLBACK_WINDOW >= request.deadline,
            AnswerRefused(requestId, Refusal.FallbackWindowNotReached)
        );
        Refusal refusal = _stateBlockRefusal(requestId, answer.stateBlockHash, stateBlockNumber);
        require(refusal == Refusal.None, AnswerRefused(requestId, refusal));
        _requireSigned(request, answer, signature);
    }

    function _checkRequest(Request calldata request) private view returns (bytes32 requestId) {
        require(request.consumer == msg.sender, WrongConsumer(msg.sender, request.consumer));
        require(
            request.chainId == block.chainid && request.coordinator == address(COORDINATOR),
            WrongDomain(request.chainId, request.coordinator)
        );
        require(request.threshold == 1, ThresholdNotOne(request.threshold));
        (, requestId) = Requests.load(request);
    }

    /// @dev A request that neither waits nor was pulled has no block that an answer could be younger than.
    function _stateBlockRefusal(bytes32 requestId, bytes32 stateBlockHash, uint256 stateBlockNumber)
        private
        view
        returns (Refusal)
    {
        RequestState state = RequestState.wrap(COORDINATOR.stateOf(requestId));
        require(state.isPending() || state.isPulled(), RequestNotAsked(requestId));
        if (stateBlockNumber < state.requestBlock()) return Refusal.StateBlockTooOld;
        bytes32 canonicalHash = Chain.blockHash(CHAIN, stateBlockNumber);
        if (canonicalHash == 0) return Refusal.StateBlockUnknown;
        return canonicalHash == stateBlockHash ? Refusal.None : Refusal.StateBlockMismatch;
    }

    function _requireSigned(Request calldata request, Answer calldata answer, bytes calldata signature)
        private
        view
    {
        (, bytes32 hash) = Answers.load(answer);
        address signer =
            Answers.recover(Answers.typedDigest(block.chainid, address(COORDINATOR), hash), signature);
        ENCLAVES.payeeOf(request.policyId, request.requestedAt, answer.keysetId, signer);
    }
}
