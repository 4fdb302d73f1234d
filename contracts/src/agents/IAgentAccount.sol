// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";
import { Call, Grant } from "./Grant.sol";

/// @notice A signed run, without what follows from it. Its output is abi.encode(Call[]) and its status `Ok`.
/// @param stateBlockNumber Of the block whose hash the run names.
struct SignedRun {
    uint64 nonce;
    uint48 stateBlockNumber;
    uint40 answeredAt;
    bytes32 transcriptRoot;
    bytes32 keysetId;
    bytes output;
    bytes signature;
}

/// @notice A signed run of an earlier slot that called nothing: `Ok` with no calls, or `ProgramFailed`.
struct IdleRun {
    uint64 nonce;
    uint48 stateBlockNumber;
    uint40 answeredAt;
    AnswerStatus status;
    bytes32 transcriptRoot;
    bytes signature;
}

/// @notice An input that was committed, as its event tells.
struct RunInput {
    uint64 nonce;
    uint40 requestedAt;
    uint48 blockNumber;
    bytes32 inputHash;
}

/// @notice All that is kept of a grant: one slot.
/// @param activeFrom Runs requested earlier are refused.
/// @param widenedAt The policy's last widening when the grant was proposed.
/// @param nextNonce Earlier slots are over; or the next input's number.
/// @param lastStateBlock Later slots name later blocks.
struct GrantState {
    uint40 activeFrom;
    uint40 widenedAt;
    uint64 nextNonce;
    uint48 lastStateBlock;
    bool isRevoked;
}

/// @title IAgentAccount
/// @notice Money and rights that a program holds, within a grant: acts on what an admitted enclave signed for a run of exactly that
/// program.
/// @dev Establishes: every call came out of one run of the granted program, which an enclave under the granted policy signed; each
/// slot, and each input, acts once; what leaves in a window is within the grant, payments for runs included; nobody who submits can
/// choose a field of a run, and with it another answer.
/// @dev Does not establish: that the run's block is the first at or after its slot: the enclave checks both headers, this the hash.
/// That an operator with several live keysets did not draw with each of them: a policy bounds these. That a permitted call is wise.
interface IAgentAccount {
    /// @notice Emitted when a grant is proposed; it acts from `activeFrom` on.
    event GrantProposed(bytes32 indexed grantId, uint40 activeFrom, Grant grant);
    /// @notice Emitted when the owner ends a grant.
    event GrantRevoked(bytes32 indexed grantId);
    /// @notice Emitted when the owner stops every grant, or lets them go on from `until`.
    event StoppedUntil(uint40 until);
    /// @notice Emitted when an input is committed. `blockNumber` is the block whose hash its run names.
    event RunRequested(
        bytes32 indexed grantId,
        uint64 indexed nonce,
        uint40 requestedAt,
        uint40 deadline,
        uint48 blockNumber,
        bytes input
    );
    /// @notice Emitted when a run acted.
    /// @param idleRuns Of earlier slots, paid for with it.
    /// @param paid Wei that the payee got; zero when it took none.
    event RunActed(
        bytes32 indexed grantId,
        bytes32 indexed requestId,
        bytes32 indexed keysetId,
        uint64 nonce,
        bytes32 transcriptRoot,
        uint256 idleRuns,
        address payee,
        uint256 paid
    );

    /// @notice Thrown to anybody but the owner.
    error NotOwner(address caller);
    /// @notice Thrown while the owner has stopped everything.
    error AccountStopped(uint40 until);
    /// @notice Thrown when the grant was never proposed, was revoked, or ended.
    error GrantNotLive(bytes32 grantId);
    /// @notice Thrown when the grant was proposed before, or its policy does not want keys older than the request.
    error GrantRefused(bytes32 grantId);
    /// @notice Thrown when the policy was widened since the grant, which does not follow it, or takes younger keys now.
    error PolicyWidened(bytes32 policyId, uint40 widenedAt);
    /// @notice Thrown when a run is not of the present slot, or its slot acted.
    error SlotNotDue(uint64 nonce);
    /// @notice Thrown when the input is not pending, or its time is over.
    error InputNotPending(uint64 nonce);
    /// @notice Thrown to whoever may not commit inputs, and of inputs in slot mode.
    error NotACaller(address caller);
    /// @notice Thrown when the chain does not know the block, or an earlier slot named it or a later one.
    error StateBlockRefused(uint48 blockNumber);
    /// @notice Thrown when the answer's time is outside of the run's.
    error AnsweredAtRefused(uint40 answeredAt);
    /// @notice Thrown when a run calls nothing: it is claimed with the next one that does.
    error NothingToDo(uint64 nonce);
    /// @notice Thrown when a run calls more often than it may.
    error TooManyCalls(uint256 actual, uint256 most);
    /// @notice Thrown when a call goes to the account itself, or to what it acts through.
    error TargetForbidden(address target);
    /// @notice Thrown when less gas is left than the call was promised (EIP-150 keeps back 1/64).
    error CallGasUnavailable(uint256 index, uint256 required, uint256 available);
    /// @notice Thrown when a call reverts: a run acts whole or not at all.
    error CallFailed(uint256 index);
    /// @notice Thrown when more would leave in this window than may. `token` zero: the chain's money.
    error OutflowExceeded(address token, uint256 spent, uint256 most);
    /// @notice Thrown when a claimed run is not of an earlier slot, in order, by the same key, or there are too many.
    error IdleRunRefused(uint256 index);

    /// @notice Proposes a grant; owner. It acts after `GRANT_DELAY_SECONDS`, until which `revoke` undoes it unseen.
    function propose(Grant calldata grant) external returns (bytes32 grantId);

    /// @notice Ends a grant at once; owner. It cannot be proposed again.
    function revoke(bytes32 grantId) external;

    /// @notice Stops every grant at once; owner.
    function stop() external;

    /// @notice Lets grants go on, after `GRANT_DELAY_SECONDS`; owner.
    function resume() external;

    /// @notice Commits an input in request mode; a caller of the grant.
    function requestRun(bytes calldata encodedGrant, bytes calldata input) external returns (uint64 nonce);

    /// @notice Does what the run of the present slot says, and pays for it, and for idle runs before it; anyone may send it.
    /// @param encodedGrant abi.encode(grant).
    function execute(bytes calldata encodedGrant, SignedRun calldata run, IdleRun[] calldata idle) external;

    /// @notice Does what the run of a committed input says, and pays for it; anyone may send it.
    function executeRequest(bytes calldata encodedGrant, SignedRun calldata run, RunInput calldata input)
        external;

    /// @notice What is kept of a grant.
    function stateOf(bytes32 grantId) external view returns (GrantState memory);

    /// @notice What has left of a token (zero: the chain's money) in the window that began at `startedAt`.
    function outflowOf(bytes32 grantId, address token) external view returns (uint40 startedAt, uint128 spent);

    /// @notice How long grants and `resume` wait.
    function GRANT_DELAY_SECONDS() external view returns (uint32);
}
