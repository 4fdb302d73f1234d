// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer, AnswerStatus } from "../types/Answer.sol";
import { Request, RequestTerms } from "../types/Request.sol";
import { IEnclaveRegistry } from "./IEnclaveRegistry.sol";

/// @notice An answer with what is needed to check and deliver it.
/// @param signature 65 bytes by the keyset's answer key.
/// @param output Empty when no output travels on chain: delivery by hash or pull.
/// @param stateBlockNumber Unsigned hint: number of the block whose hash is `answer.stateBlockHash`.
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

/// @notice A member of a quorum before its answer is known.
/// @param leaf Struct hash of its `Answer`.
/// @param signature 65 bytes by the keyset's answer key, over `QuorumLeaf(requestId, leaf, keysetId)`.
struct SignedLeaf {
    bytes32 leaf;
    bytes32 keysetId;
    bytes signature;
}

/// @notice The answer behind a committed leaf.
/// @param stateBlockNumber As in `SignedAnswer`.
/// @param output For a median: of each `Ok` answer. Else only where it is delivered and this is the answer that wins.
struct Opening {
    Answer answer;
    uint256 stateBlockNumber;
    bytes output;
}

/// @notice What is kept of a member of a quorum.
/// @param leafKey Upper 192 bits of keccak256(leaf ‖ keysetId).
/// @param platformTag Upper 88 bits of its platform's id.
struct QuorumMember {
    bytes24 leafKey;
    bytes11 platformTag;
    address payee;
    bool isOpened;
}

/// @notice Why an answer does not settle a request.
enum Refusal {
    None,
    NotPending,
    DeadlinePassed,
    Cancelled,
    AnswersAnotherRequest,
    StatusInvalid,
    FallbackWindowNotReached,
    OutputMismatch,
    OutputTooLarge,
    OutputUnexpected,
    StateBlockTooOld,
    StateBlockUnknown,
    StateBlockMismatch,
    AnsweredAtOutOfRange,
    ThresholdNotMet,
    LeafNotInBatch,
    SignerNotAdmitted,
    QuorumRequired
}

/// @title IOracleCoordinator
/// @notice Takes questions with their escrow, settles answers of admitted enclaves, and gives back what is not spent.
/// @dev Establishes: an answer was signed by a key admitted under the request's policy, to exactly this request, over a block not
/// older than it; each request settles at most once; money in equals money out; nobody but the payee earns, whoever transmits; a
/// consumer that reverts, burns its gas, re-enters or returns megabytes costs only itself.
/// @dev Does not establish: that the answer is true, or which weights produced it. It establishes which endpoint answered what,
/// on an attested enclave's word.
/// @dev Warning: payloads are public. Immutable; settlement and refund cannot be paused.
interface IOracleCoordinator {
    /// @notice Emitted when a request is made. What is not here is the chain's, the contract's, or the payload's hash; `OracleLens`
    /// puts the `Request` together.
    /// @param payerAndFee payer 160 bits ‖ fee 96.
    /// @param refundAndGas refundTo 160 bits ‖ gasPriceCap 64 ‖ callbackGasLimit 32.
    /// @param rest zero 32 bits ‖ subscriptionId 64 ‖ deadline 40 ‖ requestedAt 40 ‖ nonce 32 ‖ maxOutputBytes 24 ‖ threshold 8 ‖
    /// aggregation 8 ‖ delivery 8.
    event Requested(
        bytes32 indexed requestId,
        address indexed consumer,
        bytes32 indexed policyId,
        uint256 payerAndFee,
        uint256 refundAndGas,
        uint256 rest,
        bytes32 context,
        bytes payload
    );
    /// @notice As `Requested`, of a request whose payload lies at a URI.
    event RequestedByUri(
        bytes32 indexed requestId,
        address indexed consumer,
        bytes32 indexed policyId,
        uint256 payerAndFee,
        uint256 refundAndGas,
        uint256 rest,
        bytes32 context,
        bytes32 payloadHash,
        string payloadUri
    );
    /// @notice Emitted when a request is settled by an answer.
    /// @param keysetId Whose answer was delivered; zero when a quorum disagrees, or combines answers to one that is none of them.
    /// @param answeredAt When the enclave answered, seconds; of a quorum, its oldest member.
    /// @param delivered Whether the callback returned; true for the other deliveries.
    /// @param paid Wei credited to payees.
    event Fulfilled(
        bytes32 indexed requestId,
        bytes32 indexed keysetId,
        AnswerStatus status,
        uint64 answeredAt,
        bytes32 outputHash,
        bool delivered,
        uint256 paid
    );
    /// @notice Emitted when a callback that failed was made again, and returned.
    event Delivered(bytes32 indexed requestId);
    /// @notice Emitted when members of a quorum are committed.
    /// @param windowEndsAt When no member may be added any more and openings begin; zero while there are fewer than `threshold`.
    event QuorumCommitted(
        bytes32 indexed requestId,
        bytes32[] leaves,
        bytes32[] keysetIds,
        bytes32[] platformIds,
        uint40 windowEndsAt
    );
    /// @notice Emitted when members of a quorum showed their answers.
    event QuorumOpened(bytes32 indexed requestId, bytes32[] leaves);
    /// @notice Emitted when a quorum could not settle: members that did not open are gone, and their platforms barred.
    event QuorumCleared(bytes32 indexed requestId);
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
    /// @notice Thrown when the answer is not the one whose callback failed, or none did.
    error CallbackNotFailed(bytes32 requestId);
    /// @notice Thrown when a callback fails again.
    error CallbackFailedAgain(bytes32 requestId);
    /// @notice Thrown when no leaf can be added: each is in the set already, its platform (or vendor) is, or is barred.
    error LeavesNotNew(bytes32 requestId);
    /// @notice Thrown when a quorum is full, or its window has ended.
    error QuorumClosed(bytes32 requestId);
    /// @notice Thrown when openings have not begun; zero: fewer than `threshold` members are committed.
    error QuorumNotOpen(bytes32 requestId, uint256 opensAt);
    /// @notice Thrown when openings have ended, or the quorum waits for some.
    error QuorumNotReady(bytes32 requestId, uint256 openingsEndAt);
    /// @notice Thrown when no member committed to the answer.
    error LeafNotCommitted(bytes32 requestId, bytes32 leaf);
    /// @notice Thrown when a batch has no item, or its items, proofs and count do not fit together.
    error BatchMalformed(uint256 items, uint256 proofs, uint32 count);
    /// @notice Thrown when the items are not the batch of this root.
    error BatchRootMismatch(bytes32 expected, bytes32 actual);
    /// @notice Thrown when the escrow is below the fee and the worst-case gas.
    error EscrowTooSmall(uint256 required, uint256 actual);
    /// @notice Thrown when a term is outside its limits; `term` names it.
    error TermInvalid(string term);
    /// @notice Thrown when the payload is empty or larger than 65,536 bytes, or the URI than 2,048.
    error PayloadInvalid(uint256 length);
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
    /// @dev Does not establish: that the policy exists or any node serves it. If none does, anyone may `refund` after the deadline.
    /// @dev Warning: the id holds the block's time, so a simulated call returns another one than the transaction. Tell requests
    /// apart by their `context`.
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
    /// @dev Does not establish: that the callback succeeded; see `Fulfilled.delivered` and `deliver`.
    function fulfill(Request calldata request_, SignedAnswer calldata signed) external;

    /// @notice As `fulfill`, with the calldata of `Packed`, about a third as long.
    /// @param r The signature, in the form of EIP-2098.
    /// @param vs s, with v - 27 in its highest bit.
    function fulfillPacked(bytes32 keysetId, bytes32 r, bytes32 vs, bytes calldata item) external;

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

    /// @notice As `fulfillBatch`, of a whole batch in ascending order of its leaves, with the calldata of `Packed`.
    function fulfillBatchPacked(bytes32 keysetId, bytes32 r, bytes32 vs, uint32 count, bytes calldata items)
        external;

    /// @notice Commits members of a quorum by hashes of their answers, before anybody may see these. Anyone may send it, and add.
    /// @dev Establishes: each member is admitted, on a platform (and of a vendor, if the policy asks for it) of its own. With the
    /// `threshold`-th the policy's window starts; when it ends nobody is added any more. Nobody removes a member.
    /// @dev Does not establish: who is in the set when its window is 0: then whoever sends it has seen the answers. Or which of its
    /// own platforms an operator lets take part.
    function commitQuorum(Request calldata request_, SignedLeaf[] calldata leaves) external;

    /// @notice Shows answers of members, after the window. Settles at once when all are open; openings end 60 seconds after the
    /// window, and then, with at least `threshold` open, this settles with those, `openings` being only what carries the output.
    /// @dev Establishes: each member that opened is counted, and no other. See `Aggregation` for what is delivered: with
    /// `Identical`, what most members share, at least `threshold` of them, and `Disagreed` on a tie; with a median, that of the
    /// `Ok` answers if they are at least `threshold`, the mean of the middle two rounded down for an even number.
    function openQuorum(Request calldata request_, Opening[] calldata openings) external;

    /// @notice Commits and opens in one transaction: for policies without a window.
    function fulfillQuorum(
        Request calldata request_,
        SignedLeaf[] calldata leaves,
        Opening[] calldata openings
    ) external;

    /// @notice Removes members that did not open in time, when fewer than `threshold` did, and bars their platforms from the
    /// request. Others may then be added to those that opened. Anyone may send it.
    function clearQuorum(Request calldata request_) external;

    /// @notice Makes a callback again that failed; until the deadline, anyone. Reverts unless it returns.
    /// @dev Establishes: the answer is the one that settled the request, and is not delivered a third time. The callback gets at least
    /// `callbackGasLimit`. Nothing is paid.
    function deliver(Request calldata request_, AnswerStatus status, uint64 answeredAt, bytes calldata output)
        external;

    /// @notice Forgets an answer whose callback failed, after the deadline; anyone.
    function clearFailed(Request calldata request_) external;

    /// @notice Gives the escrow back after the deadline, or once a cancellation took effect, and tells the consumer. Anyone may send
    /// it. A committed quorum holds the escrow until its openings have ended, and for 60 seconds more where a member opened: those
    /// that opened settle then.
    function refund(Request calldata request_) external;

    /// @notice Gives notice of cancellation; consumer or payer. It takes effect after `CANCEL_DELAY_SECONDS`; an answer before
    /// that still settles, so that nobody can read an answer in the mempool and then take the money back.
    function cancel(Request calldata request_) external;

    /// @notice Pays an account all its credit. Anyone may send it; the money goes to the account.
    function withdraw(address account) external;

    /// @notice Pays the caller's credit to `to`: for contracts that take no money.
    function withdrawTo(address payable to) external;

    /// @notice Stops or allows new requests; guardian. Settlement, refund and withdrawal are never stopped.
    function setPaused(bool newPaused) external;

    /// @notice Escrow that `terms` need: the fee, and the worst-case gas at `gasPriceCap`.
    function requiredEscrow(RequestTerms calldata terms) external view returns (uint256);

    /// @notice What an account can withdraw.
    function creditOf(address account) external view returns (uint256);

    /// @notice Whether a request waits for an answer, and what is kept of it.
    /// @param requestBlock Number of its block; an answer's block is not older.
    /// @param cancelAt When a cancellation takes effect; zero without one.
    /// @param committedAt When the `threshold`-th member of its quorum was committed; zero before.
    function pending(bytes32 requestId)
        external
        view
        returns (bool isPending, uint96 escrow, uint48 requestBlock, uint40 cancelAt, uint40 committedAt);

    /// @notice The request's storage slot. `RequestState` has its layout.
    function stateOf(bytes32 requestId) external view returns (uint256);

    /// @notice Whether this is the stored answer of a request delivered by hash.
    function isStoredAnswer(bytes32 requestId, AnswerStatus status, uint64 answeredAt, bytes32 outputHash)
        external
        view
        returns (bool);

    /// @notice The committed members of a request's quorum, and when openings begin (zero: not enough members) and end.
    function quorumOf(bytes32 requestId)
        external
        view
        returns (QuorumMember[] memory members, uint40 windowEndsAt, uint40 openingsEndAt);

    /// @notice Whether new requests are stopped.
    function paused() external view returns (bool);

    /// @notice The registry whose keys settle.
    function ENCLAVES() external view returns (IEnclaveRegistry);

    /// @notice How long before the deadline answers begin to settle that a single host or odd node can cause.
    function FALLBACK_WINDOW_SECONDS() external view returns (uint32);

    /// @notice How long a notice of cancellation waits.
    function CANCEL_DELAY_SECONDS() external view returns (uint32);

    /// @notice Longest time from request to deadline: 7 days, or nine tenths of the time for which the chain knows a block's hash.
    function MAX_LIFETIME_SECONDS() external view returns (uint32);
}
