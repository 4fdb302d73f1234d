// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice How the answers of a request are combined. docs/reference/protocol.md, Request, `aggregation`.
/// `First` needs a threshold of 1, the others one above it. `Median` reads outputs as int256, `MedianUnsigned` as uint256.
enum Aggregation {
    First,
    Identical,
    Median,
    MedianUnsigned
}

/// @notice How an answer reaches the consumer. docs/reference/protocol.md, Request, `delivery`.
enum Delivery {
    Callback,
    Hash,
    Pull
}

/// @notice Everything a requestId commits to. docs/reference/protocol.md, Request: order and types are fixed there.
/// @param requestedAt Time of the request's block, seconds.
/// @param nonce Tells equal requests of one second apart; counts up from 0 to the first that is free.
/// @param context The consumer's own 32 bytes, which come back with the answer.
struct Request {
    uint256 chainId;
    address coordinator;
    address consumer;
    uint40 requestedAt;
    uint32 nonce;
    bytes32 context;
    address payer;
    address refundTo;
    uint64 subscriptionId;
    bytes32 payloadHash;
    bytes32 payloadUriHash;
    bytes32 policyId;
    uint8 threshold;
    Aggregation aggregation;
    Delivery delivery;
    uint32 callbackGasLimit;
    uint24 maxOutputBytes;
    uint96 fee;
    uint64 gasPriceCap;
    uint40 deadline;
}

/// @notice What the requester chooses; the coordinator adds the rest of the `Request`.
/// @param context Comes back with the answer and with a refund, so that a consumer need not keep the requestId.
/// @param payer Who may give notice of cancellation beside the consumer. Zero: the consumer. Ignored with a subscription,
/// whose owner is the payer.
/// @param refundTo Who is credited with what is not spent. Ignored with a subscription, which is credited itself.
/// @param subscriptionId Zero: paid with the call's value.
/// @param policyId The appraisal policy that the answering enclave must be admitted under. Not checked to exist: nobody can
/// answer under a policy that does not.
/// @param threshold Answers needed, from distinct platforms; at least 1.
/// @param callbackGasLimit Gas for the callback, exactly; 0 unless `delivery` is `Callback`.
/// @param maxOutputBytes Longest output accepted; times `threshold` at most 98,304.
/// @param fee Wei for the model's work, paid whole to the payee of an `Ok` or `ProgramFailed` answer.
/// @param gasPriceCap Wei per gas; gas is repaid at most at this price.
/// @param deadline Seconds since the epoch; later the request can only be refunded.
struct RequestTerms {
    bytes32 context;
    address payer;
    address refundTo;
    uint64 subscriptionId;
    bytes32 policyId;
    uint8 threshold;
    Aggregation aggregation;
    Delivery delivery;
    uint32 callbackGasLimit;
    uint24 maxOutputBytes;
    uint96 fee;
    uint64 gasPriceCap;
    uint40 deadline;
}

/// @notice The identity of a request.
library Requests {
    bytes32 internal constant TYPEHASH = keccak256(
        "Request(uint256 chainId,address coordinator,address consumer,uint40 requestedAt,uint32 nonce,bytes32 context,address payer,address refundTo,uint64 subscriptionId,bytes32 payloadHash,bytes32 payloadUriHash,bytes32 policyId,uint8 threshold,uint8 aggregation,uint8 delivery,uint32 callbackGasLimit,uint24 maxOutputBytes,uint96 fee,uint64 gasPriceCap,uint40 deadline)"
    );

    /// @dev Twenty static fields, a word each.
    uint256 internal constant ENCODED_BYTES = 640;

    /// @notice The requestId: it commits to every field, so no answer to one request fits another.
    /// @dev keccak256(abi.encode(TYPEHASH, request)).
    function id(Request memory request) internal pure returns (bytes32 requestId) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: writes beyond the free memory pointer and leaves it. A struct of static fields lies in memory as
        // abi.encode would write it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mcopy(add(free, 0x20), request, ENCODED_BYTES)
            requestId := keccak256(free, add(ENCODED_BYTES, 0x20))
        }
    }

    /// @notice A request in calldata, copied, and its id.
    /// @dev Takes the words as they come: a word with dirty upper bits gives an id that nobody asked under. Trust no field before
    /// the id is found in a coordinator's state.
    function load(Request calldata given) internal pure returns (Request memory request, bytes32 requestId) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: allocates the typehash and, behind it, the struct.
        assembly ("memory-safe") {
            let free := mload(0x40)
            request := add(free, 0x20)
            mstore(0x40, add(request, ENCODED_BYTES))
            mstore(free, typehash)
            calldatacopy(request, given, ENCODED_BYTES)
            requestId := keccak256(free, add(ENCODED_BYTES, 0x20))
        }
    }
}
