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
    Disagreed,
    ProgramFailed
}

/// @notice What an enclave signs. docs/reference/protocol.md, Answer.
/// @param stateBlockHash Of a block not older than the request's: nobody could make the answer before that block. Zero off chain.
struct Answer {
    bytes32 requestId;
    AnswerStatus status;
    bytes32 outputHash;
    bytes32 transcriptRoot;
    bytes32 stateBlockHash;
    bytes32 keysetId;
    uint64 answeredAt;
}

/// @notice The digests of answers, of batches of them and of a quorum's leaves, and the signatures over these.
library Answers {
    bytes32 internal constant TYPEHASH = keccak256(
        "Answer(bytes32 requestId,uint8 status,bytes32 outputHash,bytes32 transcriptRoot,bytes32 stateBlockHash,bytes32 keysetId,uint64 answeredAt)"
    );
    bytes32 internal constant BATCH_TYPEHASH = keccak256("AnswerBatch(bytes32 root,uint32 count)");
    bytes32 internal constant QUORUM_LEAF_TYPEHASH =
        keccak256("QuorumLeaf(bytes32 requestId,bytes32 leaf,bytes32 keysetId)");
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant NAME_HASH = keccak256("Adyton");
    bytes32 internal constant VERSION_HASH = keccak256("2");

    /// @dev Sets of statuses, a bit for each: all but `Unset` and `Disagreed`; `Ok` and `ProgramFailed`; `UpstreamFailed` and
    /// `ClockUnknown`; these and `InvalidRequest`.
    uint256 private constant SIGNED = 0x2fe;
    uint256 private constant EARNING_FEE = 0x202;
    uint256 private constant EARNING_NOTHING = 0x088;
    uint256 private constant LAST_RESORT = 0x0c8;

    /// @dev How far an enclave's clock may be from the chain's: a block's time may lag by a few slots.
    uint256 internal constant CLOCK_TOLERANCE_SECONDS = 300;
    /// @dev Times have 40 bits wherever they are kept.
    uint256 internal constant MAX_TIME = type(uint40).max;

    /// @dev Seven static fields, a word each.
    uint256 private constant ENCODED_BYTES = 224;
    /// @dev Half the order of secp256k1, rounded down: a larger `s` is the malleable twin of a signature (EIP-2).
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Whether an enclave signs the status. Also of a byte that is none.
    function isSigned(AnswerStatus status) internal pure returns (bool) {
        return _isIn(status, SIGNED);
    }

    /// @notice Whether the answer came of work that the fee is for.
    function earnsFee(AnswerStatus status) internal pure returns (bool) {
        return _isIn(status, EARNING_FEE);
    }

    /// @notice Whether settling is repaid. A host can cause the others by cutting the line, spending a cap or lying about time.
    function earnsGas(AnswerStatus status) internal pure returns (bool) {
        return !_isIn(status, EARNING_NOTHING);
    }

    /// @notice Whether a single host or odd node can cause the status. Such answers settle only shortly before the deadline, so
    /// that they keep no other node from answering.
    function isLastResort(AnswerStatus status) internal pure returns (bool) {
        return _isIn(status, LAST_RESORT);
    }

    /// @notice Whether an answer to a request of that time may carry the time `answeredAt` now. `ClockUnknown` says that the
    /// enclave has no time.
    function isTimely(AnswerStatus status, uint256 answeredAt, uint256 requestedAt)
        internal
        view
        returns (bool)
    {
        if (answeredAt > MAX_TIME) return false;
        if (status == AnswerStatus.ClockUnknown) return true;
        // Unchecked: sums of times of 40 bits and the chain's.
        unchecked {
            return answeredAt + CLOCK_TOLERANCE_SECONDS >= requestedAt
                && answeredAt <= block.timestamp + CLOCK_TOLERANCE_SECONDS;
        }
    }

    /// @notice keccak256(abi.encode(TYPEHASH, answer)).
    function structHash(Answer memory answer) internal pure returns (bytes32 hash) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: the word before the struct holds the typehash meanwhile, and again what it held.
        assembly ("memory-safe") {
            let head := sub(answer, 0x20)
            let held := mload(head)
            mstore(head, typehash)
            hash := keccak256(head, add(ENCODED_BYTES, 0x20))
            mstore(head, held)
        }
    }

    /// @notice An answer in calldata, copied, and its struct hash.
    /// @dev Takes the words as they come: a word with dirty upper bits gives a hash that nobody signed.
    function load(Answer calldata given) internal pure returns (Answer memory answer, bytes32 hash) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: allocates the typehash and, behind it, the struct.
        assembly ("memory-safe") {
            let free := mload(0x40)
            answer := add(free, 0x20)
            mstore(0x40, add(answer, ENCODED_BYTES))
            mstore(free, typehash)
            calldatacopy(answer, given, ENCODED_BYTES)
            hash := keccak256(free, add(ENCODED_BYTES, 0x20))
        }
    }

    /// @notice Leaf of a batch's tree. The leading zero byte keeps leaves (33 bytes) and nodes (64 bytes) apart.
    function leaf(Answer memory answer) internal pure returns (bytes32) {
        return leafOf(structHash(answer));
    }

    /// @notice As `leaf`, of an answer's struct hash.
    function leafOf(bytes32 hash) internal pure returns (bytes32 leaf_) {
        // Memory-safe: scratch space.
        assembly ("memory-safe") {
            mstore8(0, 0)
            mstore(1, hash)
            leaf_ := keccak256(0, 33)
        }
    }

    /// @notice Computed anew each time, so that a fork with a new chain id never accepts the old chain's answers.
    function domainSeparator(uint256 chainId, address coordinator) internal pure returns (bytes32) {
        return separatorOf(NAME_HASH, chainId, coordinator);
    }

    function digest(Answer memory answer, uint256 chainId, address coordinator)
        internal
        pure
        returns (bytes32)
    {
        return typedDigest(chainId, coordinator, structHash(answer));
    }

    function batchDigest(bytes32 root, uint32 count, uint256 chainId, address coordinator)
        internal
        pure
        returns (bytes32)
    {
        return typedDigest(chainId, coordinator, keccak256(abi.encode(BATCH_TYPEHASH, root, count)));
    }

    /// @notice What a member of a quorum signs before anybody may see its answer: `answerHash` is the answer's struct hash, which
    /// the transcript's salts keep from being guessed.
    function quorumLeafDigest(
        bytes32 requestId,
        bytes32 answerHash,
        bytes32 keysetId,
        uint256 chainId,
        address coordinator
    ) internal pure returns (bytes32) {
        return typedDigest(
            chainId, coordinator, keccak256(abi.encode(QUORUM_LEAF_TYPEHASH, requestId, answerHash, keysetId))
        );
    }

    /// @notice The EIP-712 digest of a struct's hash.
    function typedDigest(uint256 chainId, address coordinator, bytes32 hash) internal pure returns (bytes32) {
        return digestUnder(separatorOf(NAME_HASH, chainId, coordinator), hash);
    }

    /// @notice The domain separator of a contract under `nameHash`: keccak256(abi.encode(DOMAIN_TYPEHASH, nameHash, VERSION_HASH,
    /// chainId, verifyingContract)).
    /// @dev By hand, as `digestUnder`: encoded by Solidity these two are most of what digests cost.
    function separatorOf(bytes32 nameHash, uint256 chainId, address verifyingContract)
        internal
        pure
        returns (bytes32 separator)
    {
        bytes32 typehash = DOMAIN_TYPEHASH;
        bytes32 versionHash = VERSION_HASH;
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mstore(add(free, 0x20), nameHash)
            mstore(add(free, 0x40), versionHash)
            mstore(add(free, 0x60), chainId)
            mstore(add(free, 0x80), shr(96, shl(96, verifyingContract)))
            separator := keccak256(free, 0xa0)
        }
    }

    /// @notice keccak256(abi.encodePacked(hex"1901", separator, hash)).
    function digestUnder(bytes32 separator, bytes32 hash) internal pure returns (bytes32 digest_) {
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), separator)
            mstore(add(free, 0x22), hash)
            digest_ := keccak256(free, 0x42)
        }
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

    /// @notice As `recover`, of a signature in the form of EIP-2098: `vs` is s, with v - 27 in its highest bit.
    function recoverCompact(bytes32 digest_, bytes32 r, bytes32 vs) internal pure returns (address) {
        uint256 s = uint256(vs) & (type(uint256).max >> 1);
        if (s > MAX_S) return address(0);
        return ecrecover(digest_, 27 + uint8(uint256(vs) >> 255), r, bytes32(s));
    }

    /// @dev Of any byte: Solidity itself would revert on one that is no status.
    function _isIn(AnswerStatus status, uint256 set) private pure returns (bool yes) {
        // Memory-safe: uses no memory.
        assembly ("memory-safe") {
            yes := and(shr(status, set), 1)
        }
    }
}
