// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { PolicyChange, PolicyHead } from "../types/Policy.sol";

/// @title IPolicyRegistry
/// @notice Appraisal policies: which evidence an enclave must show before a consumer trusts its key.
/// @dev Establishes: a change that lets more evidence in waits out the policy's timelock, can be vetoed meanwhile, and never
/// touches requests already made; a change that lets less in takes effect at once, also for keys already admitted. The
/// contract decides which is which.
/// @dev Does not establish: that a policy is sensible. Read it before you ask under it.
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
    event PolicyChanged(bytes32 indexed policyId, uint32 version, uint24 epoch, uint32 widenedVersion);
    /// @notice Emitted when changes start to wait.
    event ChangeScheduled(
        bytes32 indexed policyId, bytes32 indexed changeId, uint64 executableAt, PolicyChange[] changes
    );
    /// @notice Emitted when scheduled changes were vetoed.
    event ChangeVetoed(bytes32 indexed policyId, bytes32 indexed changeId);
    /// @notice Emitted when an owner names a successor.
    event OwnershipOffered(bytes32 indexed policyId, address indexed newOwner);
    /// @notice Emitted when the successor accepted.
    event OwnershipTransferred(bytes32 indexed policyId, address indexed newOwner);

    /// @notice Thrown when the policy does not exist.
    error PolicyUnknown(bytes32 policyId);
    /// @notice Thrown when the policy exists already.
    error PolicyExists(bytes32 policyId);
    /// @notice Thrown when the caller has not the role that the function needs.
    error NotAuthorized(address caller);
    /// @notice Thrown when `narrow` is given a change that lets more in.
    error NotNarrowing(uint8 kind, bytes32 subject);
    /// @notice Thrown when a rule's kind or value is none that `PolicyRules` knows.
    error RuleInvalid(uint8 kind, bytes32 subject, bytes32 value);
    /// @notice Thrown when the changes are not scheduled, or their time has not come.
    error ChangeNotExecutable(bytes32 changeId, uint64 executableAt);
    /// @notice Thrown when the same changes are already waiting.
    error ChangeAlreadyScheduled(bytes32 changeId);

    /// @notice Makes a policy that the caller owns. `policyId = keccak256(abi.encode(chainId, registry, caller, salt))`.
    /// @param salt Chosen by the caller.
    /// @param guardian May veto and narrow; zero for nobody.
    /// @param timelockSeconds How long a widening waits.
    /// @param registerMask Which TDX registers make up a measurement (`TdxQuotes`); fixed for the policy's life.
    /// @param rules The first rules and settings.
    function create(
        bytes32 salt,
        address guardian,
        uint32 timelockSeconds,
        uint16 registerMask,
        PolicyChange[] calldata rules
    ) external returns (bytes32 policyId);

    /// @notice Applies changes at once, all of which must be narrowings; owner or guardian.
    /// @dev Establishes: the policy's epoch has grown, so every key must attest again before it serves.
    function narrow(bytes32 policyId, PolicyChange[] calldata changes) external;

    /// @notice Announces changes of any kind; owner. They can be executed after the timelock.
    function schedule(bytes32 policyId, PolicyChange[] calldata changes) external returns (bytes32 changeId);

    /// @notice Applies scheduled changes after their time; anyone.
    function execute(bytes32 policyId, PolicyChange[] calldata changes) external;

    /// @notice Drops scheduled changes; guardian or owner.
    function veto(bytes32 policyId, bytes32 changeId) external;

    /// @notice Names a new owner, who must accept.
    function offerOwnership(bytes32 policyId, address newOwner) external;

    /// @notice Accepts an offered ownership.
    function acceptOwnership(bytes32 policyId) external;

    /// @notice The head of a policy; `version` 0 when there is none.
    function head(bytes32 policyId) external view returns (PolicyHead memory);

    /// @notice Version of a policy, which a request is made under; 0 when there is none.
    function versionOf(bytes32 policyId) external view returns (uint32);

    /// @notice What a fulfilment asks of a policy: its epoch, and whether keys must be older than the request.
    function fulfilmentTerms(bytes32 policyId) external view returns (uint24 epoch, bool keysBeforeRequest);

    /// @notice Value of a rule; zero when absent.
    function rule(bytes32 policyId, uint8 kind, bytes32 subject) external view returns (bytes32 value);

    /// @notice Who may change and who may veto.
    function rolesOf(bytes32 policyId)
        external
        view
        returns (address owner, address guardian, uint32 timelockSeconds);
}
