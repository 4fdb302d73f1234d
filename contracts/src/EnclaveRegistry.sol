// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Appraisal, IAttestationVerifier } from "./interfaces/IAttestationVerifier.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IEnclaveRegistry, SignedStatement } from "./interfaces/IEnclaveRegistry.sol";
import { Chain } from "./libraries/Chain.sol";
import { Admissions } from "./registry/Admissions.sol";
import { Equivocation } from "./registry/Equivocation.sol";
import { Keyset, Keysets } from "./types/Keyset.sol";
import { PolicyHead, PolicyRules } from "./types/Policy.sol";

/// @title EnclaveRegistry
/// @notice See `IEnclaveRegistry` and `IPolicyRegistry` for what each function establishes and does not.
contract EnclaveRegistry is Admissions {
    /// @inheritdoc IEnclaveRegistry
    uint32 public immutable MAX_EVIDENCE_AGE_BLOCKS;
    /// @inheritdoc IEnclaveRegistry
    IChainAdapter public immutable CHAIN;

    mapping(bytes32 keysetId => bool) private _hasEquivocated;

    /// @param chain Adapter of the chain; zero on chains with Ethereum's rules.
    /// @param maxEvidenceAgeBlocks How many blocks back evidence may name its block; at most 8,191 are known to the chain.
    constructor(IChainAdapter chain, uint32 maxEvidenceAgeBlocks) {
        CHAIN = chain;
        MAX_EVIDENCE_AGE_BLOCKS = maxEvidenceAgeBlocks;
    }

    /// @inheritdoc IEnclaveRegistry
    function admit(
        bytes32 policyId,
        Keyset calldata keyset,
        uint256 blockNumber,
        IAttestationVerifier verifier,
        bytes calldata evidence
    ) external returns (bytes32 keysetId) {
        require(keyset.answerKey != address(0) && keyset.payee != address(0), KeysetInvalid());
        keysetId = Keysets.idOf(keyset);
        PolicyHead memory current = _known(policyId);
        require(
            _has(policyId, PolicyRules.VERIFIER, bytes32(uint256(uint160(address(verifier))))),
            VerifierNotAccepted(policyId, address(verifier))
        );
        require(
            _has(policyId, PolicyRules.BEHAVIOUR, keyset.behaviourDigest),
            BehaviourNotAccepted(policyId, keyset.behaviourDigest)
        );
        require(
            !_hasEquivocated[keysetId] && !_has(policyId, PolicyRules.REVOKED_KEYSET, keysetId),
            KeysetRevoked(keysetId)
        );

        bytes32 nonce =
            Keysets.admissionNonce(block.chainid, address(this), blockNumber, _recentBlockHash(blockNumber));
        Appraisal memory appraisal =
            verifier.appraise(policyId, Keysets.reportDataHead(nonce, keysetId, keyset.tlsKeyHash), evidence);
        require(
            _has(policyId, PolicyRules.PLATFORM, PolicyRules.ANY_PLATFORM)
                || _has(policyId, PolicyRules.PLATFORM, appraisal.platformId),
            PlatformNotAccepted(policyId, appraisal.platformId)
        );
        require(appraisal.validUntil > block.timestamp, EvidenceExpired(appraisal.validUntil));
        uint256 expiresAt = block.timestamp + current.validitySeconds;
        if (appraisal.validUntil < expiresAt) expiresAt = appraisal.validUntil;

        _admit(
            policyId,
            _seat(policyId, keysetId, keyset.answerKey),
            current,
            keyset.payee,
            uint40(expiresAt),
            appraisal
        );
        emit EnclaveAdmitted(
            policyId, keysetId, keyset, appraisal.platformId, appraisal.vendor, uint64(expiresAt)
        );
    }

    /// @inheritdoc IEnclaveRegistry
    function proveEquivocation(
        Keyset calldata keyset,
        bytes32 domainSeparator,
        SignedStatement calldata first,
        SignedStatement calldata second,
        bytes32[] calldata policyIds
    ) external {
        // The keyset commits to its answer key, so nobody can revoke a key with signatures of another one.
        require(Equivocation.isProof(domainSeparator, first, second, keyset.answerKey), NotEquivocation());
        bytes32 keysetId = Keysets.idOf(keyset);
        _hasEquivocated[keysetId] = true;
        for (uint256 i = 0; i < policyIds.length; ++i) {
            _deleteAdmission(policyIds[i], keysetId, keyset.answerKey);
        }
        emit EquivocationProven(
            keysetId, Equivocation.subject(first), keccak256(first.encoding), keccak256(second.encoding)
        );
    }

    function _recentBlockHash(uint256 blockNumber) private view returns (bytes32 blockHash) {
        uint256 current = Chain.blockNumber(CHAIN);
        require(
            blockNumber < current && current - blockNumber <= MAX_EVIDENCE_AGE_BLOCKS,
            BlockNotRecent(blockNumber)
        );
        blockHash = Chain.blockHash(CHAIN, blockNumber);
        require(blockHash != 0, BlockNotRecent(blockNumber));
    }

    function _has(bytes32 policyId, uint8 kind, bytes32 subject) private view returns (bool) {
        return _rules[policyId][PolicyRules.key(kind, subject)] != 0;
    }
}
