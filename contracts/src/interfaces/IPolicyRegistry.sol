// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { PolicyChange, PolicyHead } from "../types/Policy.sol";

/// @notice Changes that wait.
/// @param changeId keccak256(abi.encode(PolicyChange[])).
/// @param executableAt Seconds since the epoch; from then on anyone may execute them …
/// @param expiresAt … until then.
struct PendingChange {
    bytes32 changeId;
    uint40 executableAt;
    uint40 expiresAt;
}

/// @notice A role that waits to be handed over; all zero when none does.
/// @param to Who receives it.
/// @param executableAt Seconds since the epoch; from then on it can be taken …
/// @param expiresAt … until then.
struct Handover {
    address to;
    uint40 executableAt;
    uint40 expiresAt;
}

/// @title IPolicyRegistry
/// @notice Appraisal policies: which evidence an enclave must show before a consumer trusts its key. `EnclaveRegistry` holds them.
/// @dev Establishes: a change that lets more evidence in waits out the policy's timelock, can be vetoed meanwhile, dies with
/// the next narrowing or `CHANGE_LIFETIME_SECONDS` after its time, and never touches requests already made; a change that lets
/// less in takes effect at once, also for keys already admitted. The contract decides which is which. Owner and guardian are
/// handed over after the timelock too.
/// @dev Does not establish: that a policy is sensible. Read it before you ask under it.
/// @dev Warning: owner and guardian may narrow at any time, and who narrows between an answer and its settlement voids the
/// answer. Ask under policies whose owner and guardian have no stake in your question.
interface IPolicyRegistry {
    /// @notice Emitted when a policy is made.
    event PolicyCreated(
        bytes32 indexed policyId,
        address indexed owner,
        address guardian,
        uint32 timelockSeconds,
        PolicyHead head
    );
    /// @notice Emitted for each rule that changed.
    event RuleChanged(
        bytes32 indexed policyId, uint8 kind, bytes32 subject, bytes32 oldValue, bytes32 newValue
    );
    /// @notice Emitted after a set of changes was applied.
    event PolicyChanged(bytes32 indexed policyId, PolicyHead head);
    /// @notice Emitted when changes start to wait.
    event ChangeScheduled(
        bytes32 indexed policyId,
        bytes32 indexed changeId,
        uint40 executableAt,
        uint40 expiresAt,
        PolicyChange[] changes
    );
    /// @notice Emitted when scheduled changes were vetoed.
    event ChangeVetoed(bytes32 indexed policyId, bytes32 indexed changeId);
    /// @notice Emitted when an owner names a successor; zero takes the offer back.
    event OwnershipOffered(bytes32 indexed policyId, address indexed newOwner, uint40 executableAt);
    /// @notice Emitted when the successor accepted.
    event OwnershipTransferred(bytes32 indexed policyId, address indexed newOwner);
    /// @notice Emitted when an owner names another guardian; zero for nobody.
    event GuardianProposed(bytes32 indexed policyId, address indexed newGuardian, uint40 executableAt);
    /// @notice Emitted when the guardian was replaced.
    event GuardianReplaced(bytes32 indexed policyId, address indexed newGuardian);

    /// @notice Thrown when the policy does not exist.
    error PolicyUnknown(bytes32 policyId);
    /// @notice Thrown when the policy exists already.
    error PolicyExists(bytes32 policyId);
    /// @notice Thrown when the caller has not the role that the function needs.
    error NotAuthorized(address caller);
    /// @notice Thrown when `narrow` is given a change that lets more in, or changes nothing.
    error NotNarrowing(uint8 kind, bytes32 subject);
    /// @notice Thrown when a list of changes is empty, or none of it changes anything.
    error NothingChanges();
    /// @notice Thrown when a rule's kind or value is none that `PolicyRules` knows.
    error RuleInvalid(uint8 kind, bytes32 subject, bytes32 value);
    /// @notice Thrown when the changes do not wait (never scheduled, vetoed, executed, expired, or void since a narrowing:
    /// `executableAt` 0), or their time has not come.
    error ChangeNotExecutable(bytes32 changeId, uint40 executableAt);
    /// @notice Thrown when the same changes are already waiting.
    error ChangeAlreadyScheduled(bytes32 changeId);
    /// @notice Thrown when no such role waits to be handed over (`executableAt` 0), or its time has not come.
    error HandoverNotExecutable(uint40 executableAt);

    /// @notice Makes a policy that the caller owns. `policyId = keccak256(abi.encode(chainId, registry, caller, salt))`.
    /// @param salt Chosen by the caller.
    /// @param guardian May veto and narrow; zero for nobody.
    /// @param timelockSeconds How long a widening, or a handover of owner or guardian, waits.
    /// @param registerMask Which TDX registers make up a measurement (`TdxQuotes`); fixed for the policy's life.
    /// @param rules The first rules and settings.
    function create(
        bytes32 salt,
        address guardian,
        uint32 timelockSeconds,
        uint16 registerMask,
        PolicyChange[] calldata rules
    ) external returns (bytes32 policyId);

    /// @notice Applies changes at once, each of which must narrow; owner or guardian.
    /// @dev Establishes: the policy's epoch has grown, so every key must attest again before it serves, unless all changes
    /// revoke keysets; those are deleted, and no other key is touched. Every change that was scheduled is void.
    function narrow(bytes32 policyId, PolicyChange[] calldata changes) external;

    /// @notice Announces changes of any kind; owner. They can be executed after the timelock.
    function schedule(bytes32 policyId, PolicyChange[] calldata changes) external returns (bytes32 changeId);

    /// @notice Applies scheduled changes in their time; anyone.
    function execute(bytes32 policyId, PolicyChange[] calldata changes) external;

    /// @notice Drops scheduled changes; guardian or owner.
    function veto(bytes32 policyId, bytes32 changeId) external;

    /// @notice Names a new owner, who must accept after the timelock. Replaces an earlier offer; zero takes it back.
    function offerOwnership(bytes32 policyId, address newOwner) external;

    /// @notice Accepts an offered ownership in its time.
    function acceptOwnership(bytes32 policyId) external;

    /// @notice Names another guardian, zero for nobody; owner. Takes effect by `replaceGuardian` after the timelock. The guardian
    /// cannot veto it.
    function proposeGuardian(bytes32 policyId, address newGuardian) external;

    /// @notice Replaces the guardian by the proposed one in its time; owner.
    function replaceGuardian(bytes32 policyId) external;

    /// @notice The head of a policy; `version` 0 when there is none.
    function head(bytes32 policyId) external view returns (PolicyHead memory);

    /// @notice Version of a policy; 0 when there is none.
    function versionOf(bytes32 policyId) external view returns (uint32);

    /// @notice Which TDX registers make up a measurement; see `PolicyHead`.
    function registerMaskOf(bytes32 policyId) external view returns (uint16);

    /// @notice What a quorum asks of a policy.
    function quorumTerms(bytes32 policyId) external view returns (uint16 windowSeconds, bool distinctVendors);

    /// @notice Value of a rule; zero when absent.
    function rule(bytes32 policyId, uint8 kind, bytes32 subject) external view returns (bytes32 value);

    /// @notice Values of several rules at once.
    /// @param ruleKeys Each `PolicyRules.key` of a kind and a subject.
    function rules(bytes32 policyId, bytes32[] calldata ruleKeys)
        external
        view
        returns (bytes32[] memory values);

    /// @notice Who may change and who may veto.
    function rolesOf(bytes32 policyId)
        external
        view
        returns (address owner, address guardian, uint32 timelockSeconds);

    /// @notice The changes that wait, neither expired nor void.
    function pendingChanges(bytes32 policyId) external view returns (PendingChange[] memory);

    /// @notice The roles that wait to be handed over; expired ones are zero.
    function pendingHandovers(bytes32 policyId)
        external
        view
        returns (Handover memory owner, Handover memory guardian);

    /// @notice How long after its time a change can be executed, or a role taken.
    function CHANGE_LIFETIME_SECONDS() external view returns (uint40);
}
