// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The public keys that an enclave made at start, and whom it earns for. docs/reference/protocol.md, Keyset.
struct Keyset {
    address answerKey;
    bytes32 tlsKeyHash;
    bytes32 sealingKey;
    bytes32 logKey;
    bytes32 behaviourDigest;
    bytes32 operatorDigest;
    bytes32 softwareVersionHash;
    address payee;
}

/// @notice The identity of a keyset, and the report data that binds evidence to it.
library Keysets {
    bytes32 internal constant TYPEHASH = keccak256(
        "Keyset(address answerKey,bytes32 tlsKeyHash,bytes32 sealingKey,bytes32 logKey,bytes32 behaviourDigest,bytes32 operatorDigest,bytes32 softwareVersionHash,address payee)"
    );
    bytes32 internal constant ADMISSION_TYPEHASH =
        keccak256("Admission(uint256 chainId,address registry,uint256 blockNumber,bytes32 blockHash)");

    function id(Keyset memory keyset) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, keyset));
    }

    /// @notice As `id`, of a keyset in calldata.
    /// @dev Hashes the words as they come: a word with dirty upper bits gives an id that no evidence is of.
    function idOf(Keyset calldata keyset) internal pure returns (bytes32 keysetId) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: writes beyond the free memory pointer and leaves it. Eight static fields, a word each.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), keyset, 256)
            keysetId := keccak256(free, 288)
        }
    }

    /// @notice The nonce that makes evidence fresh without a clock: nobody knows a block's hash before the block.
    function admissionNonce(uint256 chainId, address registry, uint256 blockNumber, bytes32 blockHash)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ADMISSION_TYPEHASH, chainId, registry, blockNumber, blockHash));
    }

    /// @notice The claims: always these 132 bytes. docs/reference/protocol.md, Claims and report data.
    function claims(bytes32 nonce, bytes32 keysetId, bytes32 tlsKeyHash)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            hex"a3656e6f6e63655820", // map of 3, "nonce", bytes(32)
            nonce,
            hex"666b65797365745820", // "keyset", bytes(32)
            keysetId,
            hex"6b7075626b65792d6861736858248201", // "pubkey-hash", bytes(36) that holds [1 (sha-256), …
            hex"5820", // … bytes(32)]
            tlsKeyHash
        );
    }

    /// @notice First half of the report data; the second half is zero.
    function reportDataHead(bytes32 nonce, bytes32 keysetId, bytes32 tlsKeyHash)
        internal
        pure
        returns (bytes32)
    {
        return sha256(claims(nonce, keysetId, tlsKeyHash));
    }
}
