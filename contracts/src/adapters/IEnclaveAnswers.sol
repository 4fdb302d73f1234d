// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IEnclaveAnswers
/// @notice A consumer whose answers anybody may bring who has them: who brings an answer is believed in nothing.
interface IEnclaveAnswers {
    /// @notice Emitted when an answer was accepted, before the consumer acts on it.
    event AnswerAccepted(
        bytes32 indexed requestId, bytes32 indexed keysetId, bytes32 outputHash, bytes32 transcriptRoot
    );
    /// @notice Emitted when an answer was brought whose output did not fit: anybody may `deliver` it. The question stays open, to
    /// other enclaves' answers too, so that a host that keeps an output shuts nobody out.
    event OutputAwaited(
        bytes32 indexed requestId, bytes32 indexed keysetId, bytes32 outputHash, bytes response
    );

    /// @notice Thrown when somebody but this contract calls `onAnswer`.
    error NotSelf(address caller);
    /// @notice Thrown when this contract waits for no answer to the question: never asked, or answered.
    error QuestionNotPending(bytes32 requestId);
    /// @notice Thrown when the answer comes after the question's deadline.
    error AnswerExpired(bytes32 requestId, uint64 deadline);
    /// @notice Thrown when the enclave claims to have answered before the question, or in the future.
    error AnswerTimeUnacceptable(bytes32 requestId, uint64 answeredAt);
    /// @notice Thrown when an answer that is not ok carries an output.
    error OutputUnexpected(bytes32 requestId);
    /// @notice Thrown when the answer's block is older than the question: it could have been made before, and chosen.
    error StateBlockTooOld(bytes32 requestId, uint256 blockNumber, uint256 requestBlock);
    /// @notice Thrown when the chain does not know the hash of the answer's block: in the future, the current one, or too old.
    error StateBlockUnknown(bytes32 requestId, uint256 blockNumber);
    /// @notice Thrown when an answer that a single host or odd node can cause comes before the last window.
    error FallbackWindowNotReached(bytes32 requestId, uint256 opensAt);
    /// @notice Thrown when a question's lifetime is not above the fallback window, or longer than the chain knows a block's hash.
    error LifetimeInvalid(uint256 lifetimeSeconds, uint256 minimumExclusive, uint256 maximum);
    /// @notice Thrown when the registry has no such policy: nobody could answer under it.
    error PolicyUnknown(bytes32 policyId);
    /// @notice Thrown when the output is not the one that the enclave signed.
    error OutputMismatch(bytes32 requestId, bytes32 expected, bytes32 actual);

    /// @notice Brings an answer by anyone who has it, past the network that should have: when it failed, or was too slow for a slow model.
    /// @param response As the enclave gave it out. docs/reference/protocol.md, Functions.
    /// @dev Establishes: the answer was signed for exactly this question (payload, policy, time, block), this contract and this
    /// chain, over a block not older than the question, by a key that is admitted under the question's policy now; it is within
    /// its time; it is the first to this question that has its output.
    /// @dev Does not establish: that the output is here. If only its hash is, `OutputAwaited` tells, and `deliver` brings it.
    function relay(bytes32 requestId, bytes calldata response) external;

    /// @notice Brings an answer whose response has only the output's hash, with the output; anyone.
    /// @param response As `OutputAwaited` has it.
    /// @dev Establishes: what `relay` does, now: the deadline and the key are checked again. The output is the signed one.
    function deliver(bytes32 requestId, bytes calldata response, bytes calldata output) external;
}
