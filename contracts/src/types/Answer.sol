// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice Outcome of a request. docs/reference/protocol.md, Answer. `Disagreed` is never signed: the coordinator settles
/// with it when the answers of a quorum do not agree.
enum AnswerStatus {
    Unset,
    Ok,
    Refused,
    UpstreamFailed,
    InvalidOutput,
    OutOfBudget,
    InvalidRequest,
    ClockUnknown,
    Disagreed
}

/// @notice What an enclave signs. docs/reference/protocol.md, Answer.
struct Answer {
    bytes32 requestId;
    AnswerStatus status;
    bytes32 outputHash;
    bytes32 transcriptRoot;
    bytes32 stateBlockHash;
    bytes32 keysetId;
    uint64 answeredAt;
}

/// @notice The digests of answers and of batches of them, and the signatures over these.
library Answers {
    bytes32 internal constant TYPEHASH = keccak256(
        "Answer(bytes32 requestId,uint8 status,bytes32 outputHash,bytes32 transcriptRoot,bytes32 stateBlockHash,bytes32 keysetId,uint64 answeredAt)"
    );
    bytes32 internal constant BATCH_TYPEHASH = keccak256("AnswerBatch(bytes32 root,uint32 count)");
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant NAME_HASH = keccak256("Adyton");
    bytes32 internal constant VERSION_HASH = keccak256("1");

    /// @dev Half the order of secp256k1, rounded down: a larger `s` is the malleable twin of a signature (EIP-2).
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Whether a host can cause the status by cutting the line or lying about time. Such answers earn nothing, and nodes
    /// that are not cut off get their chance first.
    function isHostCausable(AnswerStatus status) internal pure returns (bool) {
        return status == AnswerStatus.UpstreamFailed || status == AnswerStatus.ClockUnknown;
    }

    function structHash(Answer memory answer) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, answer));
    }

    /// @notice As `structHash`, of an answer in calldata.
    /// @dev Hashes the words as they come: a word with dirty upper bits gives a hash that nobody signed.
    function structHashOf(Answer calldata answer) internal pure returns (bytes32 hash) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: writes beyond the free memory pointer and leaves it. Seven static fields, a word each.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), answer, 224)
            hash := keccak256(free, 256)
        }
    }

    /// @notice Leaf of a batch's tree. The leading zero byte keeps leaves (33 bytes) and nodes (64 bytes) apart.
    function leaf(Answer memory answer) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0), structHash(answer)));
    }

    /// @notice Computed anew each time, so that a fork with a new chain id never accepts the old chain's answers.
    function domainSeparator(uint256 chainId, address coordinator) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, chainId, coordinator));
    }

    /// @notice As `digest`, of an answer in calldata.
    function digestOf(Answer calldata answer, uint256 chainId, address coordinator)
        internal
        pure
        returns (bytes32)
    {
        return _typedDigest(chainId, coordinator, structHashOf(answer));
    }

    /// @notice As `leaf`, of an answer in calldata.
    function leafOf(Answer calldata answer) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0), structHashOf(answer)));
    }

    function digest(Answer memory answer, uint256 chainId, address coordinator)
        internal
        pure
        returns (bytes32)
    {
        return _typedDigest(chainId, coordinator, structHash(answer));
    }

    function batchDigest(bytes32 root, uint32 count, uint256 chainId, address coordinator)
        internal
        pure
        returns (bytes32)
    {
        return _typedDigest(chainId, coordinator, keccak256(abi.encode(BATCH_TYPEHASH, root, count)));
    }

    /// @notice The signer of `digest_`, or the zero address when the signature is not in its one valid form
    /// (65 bytes r ‖ s ‖ v, low s, v 27 or 28).
    function recover(bytes32 digest_, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > MAX_S || (v != 27 && v != 28)) return address(0);
        return ecrecover(digest_, v, bytes32(signature[0:32]), s);
    }

    function _typedDigest(uint256 chainId, address coordinator, bytes32 hash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(chainId, coordinator), hash));
    }
}
