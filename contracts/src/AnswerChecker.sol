// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IAnswerChecker } from "./interfaces/IAnswerChecker.sol";
import { IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { Answer, Answers } from "./types/Answer.sol";
import { Request, Requests } from "./types/Request.sol";

/// @title AnswerChecker
/// @notice See `IAnswerChecker` for what each function establishes and does not.
contract AnswerChecker is IAnswerChecker {
    /// @dev A block's time may lag by a slot or a few; an enclave's clock is within seconds.
    uint256 private constant MAX_CLOCK_AHEAD_SECONDS = 60;

    /// @notice The coordinator whose answers are checked.
    IOracleCoordinator public immutable COORDINATOR;
    IEnclaveRegistry private immutable ENCLAVES;

    mapping(address consumer => mapping(bytes32 requestId => bool)) private _consumed;

    /// @param coordinator The coordinator whose answers are checked.
    constructor(IOracleCoordinator coordinator) {
        COORDINATOR = coordinator;
        ENCLAVES = coordinator.ENCLAVES();
    }

    /// @inheritdoc IAnswerChecker
    function check(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint64 maxAgeSeconds
    ) external view returns (bytes32 requestId) {
        return _check(request, answer, output, signature, maxAgeSeconds);
    }

    /// @inheritdoc IAnswerChecker
    function consume(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint64 maxAgeSeconds
    ) external returns (bytes32 requestId) {
        requestId = _check(request, answer, output, signature, maxAgeSeconds);
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
        uint64 maxAgeSeconds
    ) private view returns (bytes32 requestId) {
        require(request.consumer == msg.sender, WrongConsumer(msg.sender, request.consumer));
        require(
            request.chainId == block.chainid && request.coordinator == address(COORDINATOR),
            WrongDomain(request.chainId, request.coordinator)
        );
        require(request.threshold == 1, ThresholdNotOne(request.threshold));
        requestId = Requests.idOf(request);
        require(answer.requestId == requestId, WrongQuestion(requestId, answer.requestId));
        require(keccak256(output) == answer.outputHash, WrongOutput(answer.outputHash, keccak256(output)));
        uint64 answeredAt = answer.answeredAt;
        require(answeredAt <= block.timestamp + MAX_CLOCK_AHEAD_SECONDS, AnswerFromTheFuture(answeredAt));
        require(
            uint256(answeredAt) + maxAgeSeconds >= block.timestamp, AnswerTooOld(answeredAt, maxAgeSeconds)
        );
        _requireSigned(request, requestId, answer, signature);
    }

    function _requireSigned(
        Request calldata request,
        bytes32 requestId,
        Answer calldata answer,
        bytes calldata signature
    ) private view {
        address signer = Answers.recover(
            Answers.digestOf(answer, block.chainid, address(COORDINATOR)), signature
        );
        (,, uint40 requestedAt,) = COORDINATOR.pending(requestId);
        ENCLAVES.payeeOf(request.policyId, request.policyVersion, requestedAt, answer.keysetId, signer);
    }
}
