// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Appraisal, IAttestationVerifier } from "./interfaces/IAttestationVerifier.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { AdmissionRecord, IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { IPolicyRegistry } from "./interfaces/IPolicyRegistry.sol";
import { Chain } from "./libraries/Chain.sol";
import { Answer, Answers } from "./types/Answer.sol";
import { Keyset, Keysets } from "./types/Keyset.sol";
import { PolicyHead, PolicyRules } from "./types/Policy.sol";

/// @title EnclaveRegistry
/// @notice See `IEnclaveRegistry` for what each function establishes and does not.
contract EnclaveRegistry is IEnclaveRegistry {
    /// @dev What every fulfilment reads: one slot, keyed by the hash of (policyId, keysetId, signer), so that finding it
    /// proves all three.
    struct Admission {
        address payee;
        uint40 expiresAt;
        uint24 epoch;
        // 31 bits of version and, lowest, whether a verifier enclave vouched: those pay for a second look.
        uint32 widenedVersionAndVouched;
    }

    /// @dev What only quorums, policies with `keysBeforeRequest` and vouched admissions read.
    struct Details {
        bytes32 platformId;
        uint40 admittedAt;
        uint8 vendor;
        bytes32 voucher;
        bytes32 voucherPolicyId;
        address voucherSigner;
    }

    /// @inheritdoc IEnclaveRegistry
    IPolicyRegistry public immutable POLICIES;
    /// @inheritdoc IEnclaveRegistry
    uint32 public immutable MAX_EVIDENCE_AGE_BLOCKS;
    IChainAdapter private immutable CHAIN;

    mapping(bytes32 admissionKey => Admission) private _admissions;
    mapping(bytes32 admissionKey => Details) private _details;
    mapping(bytes32 keysetId => bool) private _hasEquivocated;

    /// @param policies Where policies live.
    /// @param chain Adapter of the chain; zero on chains with Ethereum's rules.
    /// @param maxEvidenceAgeBlocks How many blocks back evidence may name its block; at most 8,191 are known to the chain.
    constructor(IPolicyRegistry policies, IChainAdapter chain, uint32 maxEvidenceAgeBlocks) {
        POLICIES = policies;
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
        keysetId = Keysets.id(keyset);
        PolicyHead memory head = POLICIES.head(policyId);
        require(head.version != 0, PolicyUnknown(policyId));
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
        _record(policyId, keysetId, keyset, head, appraisal);
    }

    /// @inheritdoc IEnclaveRegistry
    function proveEquivocation(
        Keyset calldata keyset,
        address coordinator,
        Answer calldata first,
        bytes calldata firstSignature,
        Answer calldata second,
        bytes calldata secondSignature,
        bytes32[] calldata policyIds
    ) external {
        bytes32 firstDigest = Answers.digest(first, block.chainid, coordinator);
        bytes32 secondDigest = Answers.digest(second, block.chainid, coordinator);
        address signer = Answers.recover(firstDigest, firstSignature);
        // The keyset commits to its answer key, so nobody can revoke a key with signatures of another one.
        bytes32 keysetId = Keysets.id(keyset);
        require(
            signer != address(0) && signer == keyset.answerKey && first.requestId == second.requestId
                && firstDigest != secondDigest && Answers.recover(secondDigest, secondSignature) == signer,
            NotEquivocation()
        );
        _hasEquivocated[keysetId] = true;
        for (uint256 i = 0; i < policyIds.length; ++i) {
            delete _admissions[_key(policyIds[i], keysetId, signer)];
        }
        emit EquivocationProven(keysetId, first.requestId, firstDigest, secondDigest);
    }

    /// @inheritdoc IEnclaveRegistry
    function payeeOf(
        bytes32 policyId,
        uint32 policyVersion,
        uint64 requestedAt,
        bytes32 keysetId,
        address signer
    ) external view returns (address payee) {
        (payee,) = _requireLive(policyId, policyVersion, requestedAt, keysetId, signer);
    }

    /// @inheritdoc IEnclaveRegistry
    function memberOf(
        bytes32 policyId,
        uint32 policyVersion,
        uint64 requestedAt,
        bytes32 keysetId,
        address signer
    ) external view returns (address payee, bytes32 platformId, uint8 vendor, bool distinctVendors) {
        bytes32 key;
        (payee, key) = _requireLive(policyId, policyVersion, requestedAt, keysetId, signer);
        platformId = _details[key].platformId;
        vendor = _details[key].vendor;
        distinctVendors = POLICIES.head(policyId).distinctVendors;
    }

    /// @inheritdoc IEnclaveRegistry
    function admission(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (AdmissionRecord memory)
    {
        bytes32 key = _key(policyId, keysetId, signer);
        Admission memory admitted = _admissions[key];
        Details memory details = _details[key];
        return AdmissionRecord({
            payee: admitted.payee,
            expiresAt: admitted.expiresAt,
            epoch: admitted.epoch,
            widenedVersion: admitted.widenedVersionAndVouched >> 1,
            admittedAt: details.admittedAt,
            vendor: details.vendor,
            platformId: details.platformId,
            voucher: details.voucher
        });
    }

    /// @inheritdoc IEnclaveRegistry
    function isLive(bytes32 policyId, bytes32 keysetId, address signer) external view returns (bool) {
        try this.payeeOf(policyId, POLICIES.versionOf(policyId), uint64(block.timestamp), keysetId, signer) {
            return true;
        } catch {
            return false;
        }
    }

    function _record(
        bytes32 policyId,
        bytes32 keysetId,
        Keyset calldata keyset,
        PolicyHead memory head,
        Appraisal memory appraisal
    ) private {
        require(appraisal.validUntil > block.timestamp, EvidenceExpired(appraisal.validUntil));
        uint256 expiresAt = block.timestamp + head.validitySeconds;
        if (appraisal.validUntil < expiresAt) expiresAt = appraisal.validUntil;

        bytes32 key = _key(policyId, keysetId, keyset.answerKey);
        bool isVouched = appraisal.voucher != 0;
        _admissions[key] = Admission({
            payee: keyset.payee,
            expiresAt: uint40(expiresAt),
            epoch: head.epoch,
            widenedVersionAndVouched: (head.widenedVersion << 1) | (isVouched ? 1 : 0)
        });
        Details storage details = _details[key];
        // A renewal keeps the first admission's time: the key has been there since.
        if (details.admittedAt == 0) details.admittedAt = uint40(block.timestamp);
        details.vendor = appraisal.vendor;
        details.platformId = appraisal.platformId;
        if (isVouched) {
            details.voucher = appraisal.voucher;
            details.voucherPolicyId = appraisal.voucherPolicyId;
            details.voucherSigner = appraisal.voucherSigner;
        }
        emit EnclaveAdmitted(
            policyId, keysetId, keyset, appraisal.platformId, appraisal.vendor, uint64(expiresAt)
        );
    }

    function _requireLive(
        bytes32 policyId,
        uint32 policyVersion,
        uint64 requestedAt,
        bytes32 keysetId,
        address signer
    ) private view returns (address payee, bytes32 key) {
        key = _key(policyId, keysetId, signer);
        Admission memory admitted = _admissions[key];
        payee = admitted.payee;
        require(payee != address(0), SignerNotAdmitted(policyId, keysetId, signer));
        require(block.timestamp <= admitted.expiresAt, AdmissionExpired(keysetId, admitted.expiresAt));
        (uint24 epoch, bool keysBeforeRequest) = POLICIES.fulfilmentTerms(policyId);
        require(admitted.epoch == epoch, AdmissionOutdated(keysetId, epoch, admitted.epoch));
        uint32 widenedVersion = admitted.widenedVersionAndVouched >> 1;
        require(widenedVersion <= policyVersion, AdmissionTooWide(keysetId, policyVersion, widenedVersion));
        if (keysBeforeRequest) {
            uint40 admittedAt = _details[key].admittedAt;
            require(admittedAt < requestedAt, AdmittedAfterRequest(keysetId, requestedAt, admittedAt));
        }
        if (admitted.widenedVersionAndVouched & 1 == 1) {
            // Revoking a verifier enclave, or narrowing its policy, revokes what it vouched for.
            Details storage details = _details[key];
            bytes32 voucherPolicyId = details.voucherPolicyId;
            _requireLive(
                voucherPolicyId, type(uint32).max, requestedAt, details.voucher, details.voucherSigner
            );
        }
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
        return POLICIES.rule(policyId, kind, subject) != 0;
    }

    function _key(bytes32 policyId, bytes32 keysetId, address signer) private pure returns (bytes32) {
        return keccak256(abi.encode(policyId, keysetId, signer));
    }
}
