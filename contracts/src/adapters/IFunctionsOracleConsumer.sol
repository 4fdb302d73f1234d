// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IFunctionsOracleConsumer
/// @notice A consumer whose answers come through Chainlink Functions, or through anybody else who has them: who brings an answer
/// is believed in nothing.
interface IFunctionsOracleConsumer {
    /// @notice Emitted when a question was sent. `call` is what the enclave is asked with.
    event QuestionAsked(
        bytes32 indexed requestId, bytes32 indexed functionsRequestId, uint64 deadline, bytes call
    );
    /// @notice Emitted when the network of nodes brought an error instead of an answer. The question stays open.
    event TransportFailed(bytes32 indexed requestId, bytes err);
    /// @notice Emitted when an answer was accepted, before the consumer acts on it.
    event AnswerAccepted(
        bytes32 indexed requestId, bytes32 indexed keysetId, bytes32 outputHash, bytes32 transcriptRoot
    );
    /// @notice Emitted when an accepted answer's output did not fit: anybody may `deliver` it.
    event OutputAwaited(bytes32 indexed requestId, bytes32 outputHash);

    /// @notice Thrown when somebody but the Functions router calls back.
    error NotRouter(address caller);
    /// @notice Thrown when somebody but this contract calls `onAnswer`.
    error NotSelf(address caller);
    /// @notice Thrown when this contract made no such Functions request, or it was called back already.
    error FunctionsRequestUnknown(bytes32 functionsRequestId);
    /// @notice Thrown when this contract waits for no answer to the question: never asked, or answered.
    error QuestionNotPending(bytes32 requestId);
    /// @notice Thrown when the answer comes after the question's deadline.
    error AnswerExpired(bytes32 requestId, uint64 deadline);
    /// @notice Thrown when the enclave claims to have answered before the question, or in the future.
    error AnswerTimeUnacceptable(bytes32 requestId, uint64 answeredAt);
    /// @notice Thrown when an answer that is not ok carries an output.
    error OutputUnexpected(bytes32 requestId);
    /// @notice Thrown when this contract waits for no output of the question.
    error OutputNotAwaited(bytes32 requestId);
    /// @notice Thrown when the output is not the one that the enclave signed.
    error OutputMismatch(bytes32 requestId, bytes32 expected, bytes32 actual);

    /// @notice The router's callback (Functions v1).
    /// @param response The answer, when `err` is empty.
    /// @dev Establishes: see `relay`.
    function handleOracleFulfillment(bytes32 functionsRequestId, bytes calldata response, bytes calldata err)
        external;

    /// @notice Brings an answer past the nodes, by anyone who has it: when they failed, or were too slow for a slow model.
    /// @param response As the enclave gave it out. docs/reference/protocol.md, Functions.
    /// @dev Establishes: the answer was signed for exactly this question (payload, policy, nonce), this contract and this chain, by
    /// a key that is admitted under the question's policy now; it is within its time; it is the first to this question.
    /// @dev Does not establish: that the output is here. If only its hash is, `deliver` brings it.
    function relay(bytes32 requestId, bytes calldata response) external;

    /// @notice Brings the output of an answer that was accepted by hash; anyone.
    /// @dev Establishes: the output is the signed one, and is acted on once.
    function deliver(bytes32 requestId, bytes calldata output) external;
}
