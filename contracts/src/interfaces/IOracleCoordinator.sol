// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer, AnswerStatus } from "../types/Answer.sol";
import { Request, RequestTerms } from "../types/Request.sol";
import { IEnclaveRegistry } from "./IEnclaveRegistry.sol";

/// @notice An answer with what is needed to check and deliver it.
/// @param signature 65 bytes by the keyset's answer key; empty in a batch.
/// @param output Empty when no output travels on chain: delivery by hash or pull without a median.
/// @param stateBlockNumber Unsigned hint: number of the block whose hash is `answer.stateBlockHash`; else ignored.
struct SignedAnswer {
    Answer answer;
    bytes signature;
    bytes output;
    uint256 stateBlockNumber;
}

/// @notice One answer of a batch, and the request that it settles.
/// @param stateBlockNumber As in `SignedAnswer`.
struct BatchItem {
    Request request;
    Answer answer;
    bytes output;
    uint256 stateBlockNumber;
}

/// @notice Why an answer does not settle a request.
enum Refusal {
    None,
    NotPending,
    DeadlinePassed,
    Cancelled,
    AnswersAnotherRequest,
    StatusInvalid,
    FallbackWindowOpen,
    OutputMismatch,
    OutputTooLarge,
    OutputUnexpected,
    StateBlockMismatch,
    ThresholdNotMet,
    LeafNotInBatch,
    SignerNotAdmitted
}

/// @title IOracleCoordinator
/// @notice Takes questions with their escrow, settles answers of admitted enclaves, and gives back what is not spent.
/// @dev Establishes: an answer was signed by a key admitted under the request's policy, to exactly this request; each request
/// settles at most once; money in equals money out; nobody but the payee earns, whoever transmits; a consumer that reverts,
/// burns its gas, re-enters or returns megabytes costs only itself.
/// @dev Does not establish: that the answer is true, or which weights produced it. It establishes which endpoint answered what,
/// on an attested enclave's word.
/// @dev Warning: payloads are public. Immutable; settlement and refund cannot be paused.
interface IOracleCoordinator {
    /// @notice Emitted when a request is made. `payload` is empty when it travels by `payloadUri`.
    event Requested(
        bytes32 indexed requestId,
        address indexed consumer,
        bytes32 indexed policyId,
        Request request,
        bytes payload,
        string payloadUri
    );
    /// @notice Emitted when a request is settled by an answer.
    /// @param keysetId Whose answer was delivered; the first of a quorum.
    /// @param delivered Whether the callback returned; true for the other deliveries.
    /// @param paid Wei credited to payees.
    event Fulfilled(
        bytes32 indexed requestId,
        bytes32 indexed keysetId,
        AnswerStatus status,
        bytes32 outputHash,
        bool delivered,
        uint256 paid
    );
    /// @notice Emitted after `Fulfilled` when a quorum settled the request.
    event QuorumCounted(bytes32 indexed requestId, bytes32[] keysetIds, bytes32[] platformIds);
    /// @notice Emitted when an item of a batch does not settle; the rest goes on.
    event BatchItemRefused(bytes32 indexed requestId, Refusal reason);
    /// @notice Emitted when a request ends without an answer, after its deadline or a cancellation.
    event Refunded(bytes32 indexed requestId, uint256 amount);
    /// @notice Emitted when notice of cancellation is given.
    event CancelNoticed(bytes32 indexed requestId, uint64 effectiveAt);
    /// @notice Emitted when credit is paid out.
    event Withdrawn(address indexed account, uint256 amount);
    /// @notice Emitted when the guardian stops or allows new requests.
    event PausedSet(bool paused);

    /// @notice Thrown when an answer does not settle the request.
    error FulfillmentRefused(bytes32 requestId, Refusal reason);
    /// @notice Thrown when the request is not waiting for an answer.
    error RequestNotPending(bytes32 requestId);
    /// @notice Thrown when a quorum counts one platform (or, if the policy asks for it, one vendor) twice.
    error PlatformRepeated(bytes32 platformId, uint8 vendor);
    /// @notice Thrown when a batch has no item, or its items, proofs and count do not fit together.
    error BatchMalformed(uint256 items, uint256 proofs, uint32 count);
    /// @notice Thrown when the items are not the batch of this root.
    error BatchRootMismatch(bytes32 expected, bytes32 actual);
    /// @notice Thrown when the escrow is below the fee and the worst-case gas.
    error EscrowTooSmall(uint256 required, uint256 actual);
    /// @notice Thrown when a term is outside its limits; `term` names it.
    error TermInvalid(string term);
    /// @notice Thrown when the payload is empty or larger than 65,536 bytes.
    error PayloadInvalid(uint256 length);
    /// @notice Thrown when the policy does not exist.
    error PolicyUnknown(bytes32 policyId);
    /// @notice Thrown when new requests are paused.
    error RequestsPaused();
    /// @notice Thrown when the request can still be answered.
    error NotRefundable(bytes32 requestId, uint256 refundableAfter);
    /// @notice Thrown when notice was given already.
    error CancelAlreadyNoticed(bytes32 requestId);
    /// @notice Thrown when the caller has not the role that the function needs.
    error NotAuthorized(address caller);
    /// @notice Thrown when an account refuses its money.
    error WithdrawalFailed(address account);

    /// @notice Asks; the escrow is the call's value. Emits the payload.
    /// @dev Establishes: `requestId` commits to every term; the escrow covers the fee and the worst-case gas at `gasPriceCap`.
    /// @dev Does not establish: that any node serves it. If none does, anyone may `refund` after the deadline.
    function request(RequestTerms calldata terms, bytes calldata payload)
        external
        payable
        returns (bytes32 requestId);

    /// @notice As `request`, with a payload that is fetched from `uri` (https or ipfs) and checked against its hash.
    function requestByUri(RequestTerms calldata terms, bytes32 payloadHash, string calldata uri)
        external
        payable
        returns (bytes32 requestId);

    /// @notice Settles a request of threshold 1 with one answer. Anyone may send it.
    /// @dev Establishes: the commitment is gone before the callback; the callback got exactly `callbackGasLimit`.
    /// @dev Does not establish: that the callback succeeded; see `Fulfilled.delivered`.
    function fulfill(Request calldata request_, SignedAnswer calldata signed) external;

    /// @notice Settles a request with `threshold` answers from distinct platforms. Anyone may send it.
    /// @dev Establishes: the platforms (and vendors, if the policy asks for it) are distinct. Answers that do not agree are
    /// delivered as `Disagreed`, and the fee goes back; answers of different status never agree.
    /// @dev Does not establish: with aggregation `First`, which of the answers is delivered: the transmitter orders them.
    function fulfillQuorum(Request calldata request_, SignedAnswer[] calldata answers) external;

    /// @notice Settles answers that an enclave signed as one batch. Anyone may send it, with any part of the batch.
    /// @dev Establishes: each settled answer is a leaf of the signed root. An item that is refused, or whose callback reverts,
    /// does not stop the rest.
    /// @param count How many answers the batch has.
    /// @param proofs One for each item; none when the items are the whole batch, in ascending order of their leaves.
    function fulfillBatch(
        BatchItem[] calldata items,
        bytes32 root,
        uint32 count,
        bytes32[][] calldata proofs,
        bytes calldata signature
    ) external;

    /// @notice Gives the escrow back after the deadline, or once a cancellation took effect. Anyone may send it.
    function refund(Request calldata request_) external;

    /// @notice Gives notice of cancellation; consumer or payer. It takes effect after `CANCEL_DELAY_SECONDS`; an answer before
    /// that still settles, so that nobody can read an answer in the mempool and then take the money back.
    function cancel(Request calldata request_) external;

    /// @notice Pays an account all its credit. Anyone may send it; the money goes to the account.
    function withdraw(address account) external;

    /// @notice Stops or allows new requests; guardian. Settlement, refund and withdrawal are never stopped.
    function setPaused(bool newPaused) external;

    /// @notice Escrow that `terms` need: the fee, and the worst-case gas at `gasPriceCap`.
    function requiredEscrow(RequestTerms calldata terms) external view returns (uint256);

    /// @notice Worst-case gas of settling `terms`, the callback included.
    function estimateGas(RequestTerms calldata terms) external pure returns (uint256);

    /// @notice What an account can withdraw.
    function creditOf(address account) external view returns (uint256);

    /// @notice Whether a request waits for an answer, and its escrow and times.
    function pending(bytes32 requestId)
        external
        view
        returns (bool isPending, uint96 escrow, uint40 requestedAt, uint40 cancelAt);

    /// @notice Whether `status` and the output of hash `outputHash` are the stored answer of a request delivered by hash.
    function isStoredAnswer(bytes32 requestId, AnswerStatus status, bytes32 outputHash)
        external
        view
        returns (bool);

    /// @notice Whether new requests are stopped.
    function paused() external view returns (bool);

    /// @notice The registry whose keys settle.
    function ENCLAVES() external view returns (IEnclaveRegistry);

    /// @notice How long the assigned nodes have before a host-causable status settles.
    function FALLBACK_WINDOW_SECONDS() external view returns (uint32);

    /// @notice How long a notice of cancellation waits.
    function CANCEL_DELAY_SECONDS() external view returns (uint32);
}
