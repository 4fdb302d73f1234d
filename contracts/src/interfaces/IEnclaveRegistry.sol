// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer } from "../types/Answer.sol";
import { Keyset } from "../types/Keyset.sol";
import { IAttestationVerifier } from "./IAttestationVerifier.sol";
import { IPolicyRegistry } from "./IPolicyRegistry.sol";

/// @notice What is recorded of an admitted keyset under one policy.
/// @param payee Who earns, whoever transmits.
/// @param expiresAt Seconds since the epoch; later the key must have attested again.
/// @param epoch The policy's epoch at admission.
/// @param widenedVersion The policy's last widening at admission.
/// @param admittedAt Seconds since the epoch of the first admission.
/// @param vendor See `Appraisal`.
/// @param platformId See `Appraisal`.
/// @param voucher See `Appraisal`.
struct AdmissionRecord {
    address payee;
    uint40 expiresAt;
    uint24 epoch;
    uint32 widenedVersion;
    uint40 admittedAt;
    uint8 vendor;
    bytes32 platformId;
    bytes32 voucher;
}

/// @title IEnclaveRegistry
/// @notice Keysets that attested, and how long they may serve. Nobody is admitted by anybody's say-so: admission is by
/// evidence, through a verifier that the policy lists.
interface IEnclaveRegistry {
    /// @notice Emitted when a keyset was admitted, or attested again.
    event EnclaveAdmitted(
        bytes32 indexed policyId,
        bytes32 indexed keysetId,
        Keyset keyset,
        bytes32 platformId,
        uint8 vendor,
        uint64 expiresAt
    );
    /// @notice Emitted when a key was proven to have signed two answers to one request.
    event EquivocationProven(
        bytes32 indexed keysetId, bytes32 indexed requestId, bytes32 firstDigest, bytes32 secondDigest
    );

    /// @notice Thrown when the evidence's block is unknown to this chain, or too old to be fresh.
    error BlockNotRecent(uint256 blockNumber);
    /// @notice Thrown when the policy does not exist.
    error PolicyUnknown(bytes32 policyId);
    /// @notice Thrown when the policy does not list the verifier.
    error VerifierNotAccepted(bytes32 policyId, address verifier);
    /// @notice Thrown when the policy does not list the keyset's behaviour.
    error BehaviourNotAccepted(bytes32 policyId, bytes32 behaviourDigest);
    /// @notice Thrown when the policy lists neither the platform nor any platform.
    error PlatformNotAccepted(bytes32 policyId, bytes32 platformId);
    /// @notice Thrown when the policy revoked the keyset, or it equivocated.
    error KeysetRevoked(bytes32 keysetId);
    /// @notice Thrown when a keyset has a zero answer key or payee.
    error KeysetInvalid();
    /// @notice Thrown when the endorsements behind the evidence have ended.
    error EvidenceExpired(uint64 validUntil);
    /// @notice Thrown when no such keyset and signer were admitted under the policy.
    error SignerNotAdmitted(bytes32 policyId, bytes32 keysetId, address signer);
    /// @notice Thrown when the admission has ended.
    error AdmissionExpired(bytes32 keysetId, uint64 expiresAt);
    /// @notice Thrown when the policy was narrowed since the admission.
    error AdmissionOutdated(bytes32 keysetId, uint24 expected, uint24 actual);
    /// @notice Thrown when the key was admitted under a wider policy than the one asked under.
    error AdmissionTooWide(bytes32 keysetId, uint32 askedVersion, uint32 widenedVersion);
    /// @notice Thrown when the policy wants keys older than the request.
    error AdmittedAfterRequest(bytes32 keysetId, uint64 requestedAt, uint64 admittedAt);
    /// @notice Thrown when two answers do not prove equivocation.
    error NotEquivocation();

    /// @notice Admits `keyset` under `policyId` by its evidence, or renews it. Anyone may send it: the payee is in the keyset.
    /// @dev Establishes: a verifier that the policy lists found the evidence genuine and acceptable, bound to this keyset, this
    /// chain, this registry and the named recent block; the behaviour and the platform are listed; nothing is revoked.
    /// @dev Does not establish: that the enclave is alive, or that its operator serves any request.
    /// @param blockNumber The block whose hash the evidence's nonce commits to.
    function admit(
        bytes32 policyId,
        Keyset calldata keyset,
        uint256 blockNumber,
        IAttestationVerifier verifier,
        bytes calldata evidence
    ) external returns (bytes32 keysetId);

    /// @notice Revokes a key for good, by two different answers that it signed to one request; anyone.
    /// @dev Establishes: `keysetId` cannot be admitted again, and its admissions under `policyIds` are gone.
    /// @dev Does not establish: removal under a policy that is not listed; call again with it.
    /// @param keyset Whose answer key signed both.
    /// @param coordinator The coordinator of the answers' domain.
    function proveEquivocation(
        Keyset calldata keyset,
        address coordinator,
        Answer calldata first,
        bytes calldata firstSignature,
        Answer calldata second,
        bytes calldata secondSignature,
        bytes32[] calldata policyIds
    ) external;

    /// @notice The payee of an admitted signer; reverts with the condition that is not met.
    /// @dev Establishes: (policyId, keysetId, signer) was admitted, has not expired, the policy was not narrowed since, and was
    /// not wider at admission than at `policyVersion`.
    /// @param policyVersion The version that the request was made under.
    /// @param requestedAt Seconds since the epoch.
    function payeeOf(
        bytes32 policyId,
        uint32 policyVersion,
        uint64 requestedAt,
        bytes32 keysetId,
        address signer
    ) external view returns (address payee);

    /// @notice As `payeeOf`, with what a quorum counts, and whether the policy wants distinct vendors.
    function memberOf(
        bytes32 policyId,
        uint32 policyVersion,
        uint64 requestedAt,
        bytes32 keysetId,
        address signer
    ) external view returns (address payee, bytes32 platformId, uint8 vendor, bool distinctVendors);

    /// @notice The record of an admission; all zero when there is none. Says nothing about expiry or epoch: see `isLive`.
    function admission(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (AdmissionRecord memory);

    /// @notice Whether the signer could answer a request made now.
    function isLive(bytes32 policyId, bytes32 keysetId, address signer) external view returns (bool);

    /// @notice The policies that this registry admits under.
    function POLICIES() external view returns (IPolicyRegistry);

    /// @notice How many blocks back evidence may name its block.
    function MAX_EVIDENCE_AGE_BLOCKS() external view returns (uint32);
}
