// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice How the answers of a request are combined. docs/reference/protocol.md, Request, field 13.
enum Aggregation {
    First,
    Identical,
    Median
}

/// @notice How an answer reaches the consumer. docs/reference/protocol.md, Request, field 14.
enum Delivery {
    Callback,
    Hash,
    Pull
}

/// @notice Everything a requestId commits to. docs/reference/protocol.md, Request: order and types are fixed there.
struct Request {
    uint256 chainId;
    address coordinator;
    address consumer;
    uint256 nonce;
    address payer;
    address refundTo;
    uint64 subscriptionId;
    bytes32 payloadHash;
    bytes32 payloadUriHash;
    bytes32 policyId;
    uint32 policyVersion;
    uint8 threshold;
    Aggregation aggregation;
    Delivery delivery;
    uint32 callbackGasLimit;
    uint32 maxOutputBytes;
    uint128 fee;
    uint64 gasPriceCap;
    uint64 deadline;
}

/// @notice What the requester chooses; the coordinator adds the rest of the `Request`.
/// @param payer Who may give notice of cancellation beside the consumer. Zero: the consumer. Ignored with a subscription,
/// whose owner is the payer.
/// @param refundTo Who is credited with what is not spent. Ignored with a subscription, which is credited itself.
/// @param subscriptionId Zero: paid with the call's value.
/// @param policyId The appraisal policy that the answering enclave must be admitted under.
/// @param threshold Answers needed, from distinct platforms; at least 1.
/// @param callbackGasLimit Gas for the callback, exactly; 0 unless `delivery` is `Callback`.
/// @param maxOutputBytes Longest output accepted.
/// @param fee Wei for the model's work, paid whole to the payee of an `Ok` answer.
/// @param gasPriceCap Wei per gas; gas is repaid at most at this price.
/// @param deadline Seconds since the epoch; later the request can only be refunded.
struct RequestTerms {
    address payer;
    address refundTo;
    uint64 subscriptionId;
    bytes32 policyId;
    uint8 threshold;
    Aggregation aggregation;
    Delivery delivery;
    uint32 callbackGasLimit;
    uint32 maxOutputBytes;
    uint128 fee;
    uint64 gasPriceCap;
    uint64 deadline;
}

/// @notice The identity of a request.
library Requests {
    bytes32 internal constant TYPEHASH = keccak256(
        "Request(uint256 chainId,address coordinator,address consumer,uint256 nonce,address payer,address refundTo,uint64 subscriptionId,bytes32 payloadHash,bytes32 payloadUriHash,bytes32 policyId,uint32 policyVersion,uint8 threshold,uint8 aggregation,uint8 delivery,uint32 callbackGasLimit,uint32 maxOutputBytes,uint128 fee,uint64 gasPriceCap,uint64 deadline)"
    );

    /// @dev Nineteen static fields, a word each.
    uint256 private constant ENCODED_BYTES = 608;

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

    /// @notice As `id`, of a request in calldata.
    /// @dev Hashes the words as they come: a word with dirty upper bits gives an id that nobody asked under.
    function idOf(Request calldata request) internal pure returns (bytes32 requestId) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: as above.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), request, ENCODED_BYTES)
            requestId := keccak256(free, add(ENCODED_BYTES, 0x20))
        }
    }
}
