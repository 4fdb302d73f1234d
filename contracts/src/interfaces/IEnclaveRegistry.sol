// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Keyset } from "../types/Keyset.sol";
import { IAttestationVerifier } from "./IAttestationVerifier.sol";
import { IChainAdapter } from "./IChainAdapter.sol";
import { IPolicyRegistry } from "./IPolicyRegistry.sol";

/// @notice What is recorded of an admitted keyset under one policy.
/// @param payee Who earns, whoever transmits.
/// @param expiresAt Seconds since the epoch; later the key must have attested again.
/// @param epoch The policy's epoch at admission.
/// @param servesAfter Requests made later are served, seconds since the epoch: the policy was last widened then, or (by policies with
/// `keysBeforeRequest`, where that is later) the keyset was first admitted.
/// @param admittedAt Seconds since the epoch of the first admission.
/// @param vendor See `Appraisal`.
/// @param platformId The first 23 bytes of the appraisal's; `EnclaveAdmitted` has it whole.
/// @param voucher See `Appraisal`.
struct AdmissionRecord {
    address payee;
    uint40 expiresAt;
    uint24 epoch;
    uint40 servesAfter;
    uint40 admittedAt;
    uint8 vendor;
    bytes32 platformId;
    bytes32 voucher;
}

/// @notice A statement that an answer key signed under EIP-712, whatever the domain.
/// @param encoding The struct's encoding: typehash ‖ subject ‖ rest, a word each.
/// @param signature 65 bytes: of the statement, or of the batch that it is in.
/// @param batchRoot Root of the `AnswerBatch`; ignored unless `batchCount` is positive.
/// @param batchCount Count of the `AnswerBatch`; 0 when the statement was signed by itself.
/// @param proof The statement's path in the batch.
struct SignedStatement {
    bytes encoding;
    bytes signature;
    bytes32 batchRoot;
    uint32 batchCount;
    bytes32[] proof;
}

/// @title IEnclaveRegistry
/// @notice Keysets that attested, and how long they may serve, beside the policies that they are judged by. Nobody is admitted
/// by anybody's say-so: admission is by evidence, through a verifier that the policy lists.
/// @dev Establishes: at most two keysets of one platform are live under one policy: a third admission deletes the one whose
/// admission would end first. With `KEYS_BEFORE_REQUEST` a host has so many draws for an answer and no more.
/// @dev Warning: a platform is a machine. Two operators whose TDs share one machine of a cloud share its two seats.
interface IEnclaveRegistry is IPolicyRegistry {
    /// @notice Emitted when a keyset was admitted, or attested again.
    event EnclaveAdmitted(
        bytes32 indexed policyId,
        bytes32 indexed keysetId,
        Keyset keyset,
        bytes32 platformId,
        uint8 vendor,
        uint64 expiresAt
    );
    /// @notice Emitted when an admission was deleted: revoked, an equivocation, or a third keyset on its platform.
    /// @param seat keccak256(abi.encode(policyId, keysetId, answerKey)).
    event AdmissionDeleted(bytes32 indexed policyId, bytes32 indexed seat);
    /// @notice Emitted when a key was proven to have signed two statements of which it may sign one.
    event EquivocationProven(
        bytes32 indexed keysetId, bytes32 indexed subject, bytes32 firstHash, bytes32 secondHash
    );

    /// @notice Thrown when the evidence's block is unknown to this chain, or too old to be fresh.
    error BlockNotRecent(uint256 blockNumber);
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
    /// @notice Thrown when what the evidence rests on has ended.
    error EvidenceExpired(uint64 validUntil);
    /// @notice Thrown when no such admission exists.
    error SignerNotAdmitted(bytes32 policyId, bytes32 keysetId, address signer);
    /// @notice Thrown when the admission ended.
    error AdmissionExpired(bytes32 keysetId, uint40 expiresAt);
    /// @notice Thrown when the policy was narrowed since; the enclave must attest again.
    error AdmissionOutdated(bytes32 keysetId, uint24 policyEpoch, uint24 admissionEpoch);
    /// @notice Thrown when the policy was widened between the request and the admission, or in the request's second.
    error AdmissionTooWide(bytes32 keysetId, uint40 requestedAt, uint40 widenedAt);
    /// @notice Thrown when the policy wants keys older than the request and this one is not.
    error AdmittedAfterRequest(bytes32 keysetId, uint40 requestedAt, uint40 admittedAt);
    /// @notice Thrown when whoever vouched for the key was itself vouched for: trust is one step from hardware, never two.
    error VoucherIsVouchedFor(bytes32 voucherKeysetId);
    /// @notice Thrown when the statements do not prove that a key signed two of which it may sign one.
    error NotEquivocation();

    /// @notice Admits a keyset by evidence, or renews it. Anyone may send it: the payee is in the keyset.
    /// @dev Establishes: a verifier that the policy lists found the evidence genuine and acceptable, bound to this keyset, this
    /// chain, this registry and the named recent block; the behaviour and the platform are listed; nothing is revoked.
    /// @dev A renewal takes nothing away: what the superseded admission served it serves until it would have ended. Of several
    /// superseded ones the oldest that still lasts is kept.
    /// @dev Does not establish: that the enclave is alive, or that its operator serves any request.
    /// @param blockNumber The block whose hash the evidence's nonce commits to.
    function admit(
        bytes32 policyId,
        Keyset calldata keyset,
        uint256 blockNumber,
        IAttestationVerifier verifier,
        bytes calldata evidence
    ) external returns (bytes32 keysetId);

    /// @notice Revokes a key for good, by two statements that it signed under one domain and of which an honest enclave signs one;
    /// anyone. Both have one type and one subject and differ in the rest. The types: `Answer` and `QuorumLeaf` (one for each
    /// request) and `Snapshot(bytes32 subject,bytes32 content)` (one for each epoch of a ledger).
    /// @dev Establishes: `keysetId` cannot be admitted again, and its admissions under `policyIds` are gone.
    /// @dev Does not establish: removal under a policy that is not listed; call again with it.
    /// @param keyset Whose answer key signed both.
    /// @param domainSeparator Of the EIP-712 domain that both were signed under: any coordinator's, any consumer's of the
    /// Functions route, any off-chain caller's.
    function proveEquivocation(
        Keyset calldata keyset,
        bytes32 domainSeparator,
        SignedStatement calldata first,
        SignedStatement calldata second,
        bytes32[] calldata policyIds
    ) external;

    /// @notice The payee of an admitted signer; reverts with the condition that is not met.
    /// @dev Establishes: (policyId, keysetId, signer) was admitted, has not expired, the policy was not narrowed since, and was
    /// not widened between the request and the admission; the same of whoever vouched for it.
    /// @param requestedAt Seconds since the epoch.
    function payeeOf(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee);

    /// @notice What the current admission of a signer serves: every request made after `servesAfter`. Zero and the largest time
    /// when it is not live.
    /// @dev For batches: ask once, and `payeeOf` only for requests not made after `servesAfter`, which an earlier admission may
    /// still serve.
    function liveTerms(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, uint40 servesAfter);

    /// @notice As `payeeOf`, with what a grant to a program depends on.
    /// @return payee See `payeeOf`.
    /// @return widenedAt See `PolicyHead`.
    /// @return keysBeforeRequest See `PolicyHead`.
    function payeeUnder(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, uint40 widenedAt, bool keysBeforeRequest);

    /// @notice As `payeeOf`, with what a quorum counts, and whether the policy wants distinct vendors.
    /// @return payee See `payeeOf`.
    /// @return platformId As in `AdmissionRecord`.
    /// @return vendor See `Appraisal`.
    /// @return distinctVendors See `PolicyHead`.
    function memberOf(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, bytes32 platformId, uint8 vendor, bool distinctVendors);

    /// @notice The record of the last admission; all zero when there is none. Says nothing about expiry or epoch: see `isLive`.
    function admission(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (AdmissionRecord memory);

    /// @notice Whether the signer could answer a request made in the next second.
    function isLive(bytes32 policyId, bytes32 keysetId, address signer) external view returns (bool);

    /// @notice Adapter of the chain; zero on chains with Ethereum's rules.
    function CHAIN() external view returns (IChainAdapter);

    /// @notice How many blocks back evidence may name its block.
    function MAX_EVIDENCE_AGE_BLOCKS() external view returns (uint32);
}
