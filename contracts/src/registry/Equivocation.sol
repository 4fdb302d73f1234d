// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import { SignedStatement } from "../interfaces/IEnclaveRegistry.sol";
import { Answers } from "../types/Answer.sol";

/// @notice Two statements of one key that an honest enclave never signs both.
/// @dev A statement's encoding is `typehash ‖ subject ‖ rest`. Only types of which an enclave signs one for each subject count:
/// of others (an attestation result's subject is a keyset) it signs another whenever there is news.
library Equivocation {
    /// @dev For statements to come: a ledger's signers sign one for each epoch. docs/reference/protocol.md, Equivocation.
    bytes32 internal constant SNAPSHOT_TYPEHASH = keccak256("Snapshot(bytes32 subject,bytes32 content)");

    /// @dev Typehash, subject and at least a word that can differ.
    uint256 private constant MIN_ENCODING_BYTES = 96;

    /// @notice Whether `signer` signed both, under one domain, and they are of one type and subject and differ in the rest.
    function isProof(
        bytes32 domainSeparator,
        SignedStatement calldata first,
        SignedStatement calldata second,
        address signer
    ) internal pure returns (bool) {
        if (first.encoding.length < MIN_ENCODING_BYTES || second.encoding.length < MIN_ENCODING_BYTES) {
            return false;
        }
        bytes32 typehash = bytes32(first.encoding[0:32]);
        bool isSignedOnce = typehash == Answers.TYPEHASH || typehash == Answers.QUORUM_LEAF_TYPEHASH
            || typehash == SNAPSHOT_TYPEHASH;
        bool isSameSubject = bytes32(second.encoding[0:32]) == typehash && subject(first) == subject(second);
        bool differs = keccak256(first.encoding) != keccak256(second.encoding);
        return isSignedOnce && isSameSubject && differs && _isSignedBy(domainSeparator, first, signer)
            && _isSignedBy(domainSeparator, second, signer);
    }

    /// @notice What a statement is about, such as a requestId.
    function subject(SignedStatement calldata statement) internal pure returns (bytes32) {
        return bytes32(statement.encoding[32:64]);
    }

    function _isSignedBy(bytes32 domainSeparator, SignedStatement calldata statement, address signer)
        private
        pure
        returns (bool)
    {
        bytes32 signedHash = keccak256(statement.encoding);
        if (statement.batchCount != 0) {
            bytes32 leaf = keccak256(abi.encodePacked(bytes1(0), signedHash));
            if (!MerkleProof.verifyCalldata(statement.proof, statement.batchRoot, leaf)) return false;
            signedHash =
                keccak256(abi.encode(Answers.BATCH_TYPEHASH, statement.batchRoot, statement.batchCount));
        }
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainSeparator, signedHash));
        return signer != address(0) && Answers.recover(digest, statement.signature) == signer;
    }
}
