// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer } from "../types/Answer.sol";
import { Request } from "../types/Request.sol";
import { Refusal } from "./IOracleCoordinator.sol";

/// @title IAnswerChecker
/// @notice Checks an answer that a consumer was handed off chain (delivery by pull).
/// @dev Establishes: the answer is to exactly the request that the caller expects, signed by a key that is admitted now under
/// that request's policy, with this output, over a block not older than the request, and not older than the caller allows.
/// @dev Does not establish: that the answer is true, or (by `check`) that it was not used before: `consume` does.
interface IAnswerChecker {
    /// @notice Emitted when a consumer used an answer.
    event AnswerConsumed(address indexed consumer, bytes32 indexed requestId);

    /// @notice Thrown when the answer is to another request than the caller expects.
    error WrongQuestion(bytes32 expected, bytes32 actual);
    /// @notice Thrown when the request is another contract's.
    error WrongConsumer(address expected, address actual);
    /// @notice Thrown when the request was made on another chain or coordinator.
    error WrongDomain(uint256 chainId, address coordinator);
    /// @notice Thrown when the output is not the signed one.
    error WrongOutput(bytes32 expected, bytes32 actual);
    /// @notice Thrown when the request neither waits for an answer nor was settled by one that was pulled.
    error RequestNotAsked(bytes32 requestId);
    /// @notice Thrown when the answer's block is older than the request's, or not known, or another; when its time is outside of what a
    /// coordinator accepts; or when a single host or odd node can cause its status and the last window has not begun.
    error AnswerRefused(bytes32 requestId, Refusal reason);
    /// @notice Thrown when the answer is older than the caller allows.
    error AnswerTooOld(uint64 answeredAt, uint64 maxAgeSeconds);
    /// @notice Thrown when the request wants more answers than one.
    error ThresholdNotOne(uint8 threshold);
    /// @notice Thrown when the caller used the answer before.
    error AnswerAlreadyConsumed(bytes32 requestId);

    /// @notice Reverts unless the answer is good for `msg.sender`.
    /// @dev Warning: rebuild `request` from what you asked (or compare its id with the one you stored). A request that the
    /// answer's bearer hands you is a question of the bearer's.
    /// @dev Warning: the chain forgets old blocks (Ethereum: after some 27 hours), and then refuses answers over them.
    /// @param stateBlockNumber Number of the block whose hash is `answer.stateBlockHash`.
    /// @param maxAgeSeconds Oldest acceptable `answeredAt`, seconds before now.
    /// @return requestId The id of `request`.
    function check(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber,
        uint64 maxAgeSeconds
    ) external view returns (bytes32 requestId);

    /// @notice As `check`, and marks the answer used by the caller.
    function consume(
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber,
        uint64 maxAgeSeconds
    ) external returns (bytes32 requestId);

    /// @notice Whether `consumer` used the answer to `requestId`.
    function isConsumed(address consumer, bytes32 requestId) external view returns (bool);
}
