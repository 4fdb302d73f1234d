// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IPolicyRegistry } from "./interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyHead, PolicyRules } from "./types/Policy.sol";

/// @title PolicyRegistry
/// @notice See `IPolicyRegistry` for what each function establishes and does not.
contract PolicyRegistry is IPolicyRegistry {
    struct Roles {
        address owner;
        uint32 timelockSeconds;
        address guardian;
        address offeredOwner;
    }

    /// @dev Longest life of an admission, one year: a key that never expires outlives every revocation that nobody noticed.
    uint256 private constant MAX_VALIDITY_SECONDS = 365 days;

    mapping(bytes32 policyId => PolicyHead) private _heads;
    mapping(bytes32 policyId => Roles) private _roles;
    mapping(bytes32 policyId => mapping(bytes32 ruleKey => bytes32 value)) private _rules;
    mapping(bytes32 policyId => mapping(bytes32 changeId => uint64 executableAt)) private _scheduled;

    /// @inheritdoc IPolicyRegistry
    function create(
        bytes32 salt,
        address guardian,
        uint32 timelockSeconds,
        uint16 registerMask,
        PolicyChange[] calldata rules
    ) external returns (bytes32 policyId) {
        policyId = keccak256(abi.encode(block.chainid, address(this), msg.sender, salt));
        require(_heads[policyId].version == 0, PolicyExists(policyId));
        _roles[policyId] = Roles(msg.sender, timelockSeconds, guardian, address(0));

        PolicyHead memory first;
        first.registerMask = registerMask;
        for (uint256 i = 0; i < rules.length; ++i) {
            _apply(policyId, first, rules[i]);
        }
        require(
            first.validitySeconds != 0,
            RuleInvalid(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(first.validitySeconds)))
        );
        first.version = 1;
        first.epoch = 1;
        first.widenedVersion = 1;
        _heads[policyId] = first;
        emit PolicyCreated(policyId, msg.sender, guardian, timelockSeconds, first);
    }

    /// @inheritdoc IPolicyRegistry
    function narrow(bytes32 policyId, PolicyChange[] calldata changes) external {
        _requireOwnerOrGuardian(policyId);
        PolicyHead memory current = _known(policyId);
        for (uint256 i = 0; i < changes.length; ++i) {
            require(_apply(policyId, current, changes[i]), NotNarrowing(changes[i].kind, changes[i].subject));
        }
        _commit(policyId, current, true, false);
    }

    /// @inheritdoc IPolicyRegistry
    function schedule(bytes32 policyId, PolicyChange[] calldata changes) external returns (bytes32 changeId) {
        Roles storage roles = _roles[policyId];
        require(msg.sender == roles.owner, NotAuthorized(msg.sender));
        changeId = keccak256(abi.encode(changes));
        require(_scheduled[policyId][changeId] == 0, ChangeAlreadyScheduled(changeId));
        uint64 executableAt = uint64(block.timestamp) + roles.timelockSeconds;
        _scheduled[policyId][changeId] = executableAt;
        emit ChangeScheduled(policyId, changeId, executableAt, changes);
    }

    /// @inheritdoc IPolicyRegistry
    function execute(bytes32 policyId, PolicyChange[] calldata changes) external {
        PolicyHead memory current = _known(policyId);
        bytes32 changeId = keccak256(abi.encode(changes));
        uint64 executableAt = _scheduled[policyId][changeId];
        require(
            executableAt != 0 && block.timestamp >= executableAt, ChangeNotExecutable(changeId, executableAt)
        );
        delete _scheduled[policyId][changeId];
        bool narrows;
        bool widens;
        for (uint256 i = 0; i < changes.length; ++i) {
            // A raised floor, a removal: kept apart from widenings, since each bumps another counter.
            if (_apply(policyId, current, changes[i])) narrows = true;
            else widens = true;
        }
        _commit(policyId, current, narrows, widens);
    }

    /// @inheritdoc IPolicyRegistry
    function veto(bytes32 policyId, bytes32 changeId) external {
        _requireOwnerOrGuardian(policyId);
        require(_scheduled[policyId][changeId] != 0, ChangeNotExecutable(changeId, 0));
        delete _scheduled[policyId][changeId];
        emit ChangeVetoed(policyId, changeId);
    }

    /// @inheritdoc IPolicyRegistry
    function offerOwnership(bytes32 policyId, address newOwner) external {
        require(msg.sender == _roles[policyId].owner, NotAuthorized(msg.sender));
        _roles[policyId].offeredOwner = newOwner;
        emit OwnershipOffered(policyId, newOwner);
    }

    /// @inheritdoc IPolicyRegistry
    function acceptOwnership(bytes32 policyId) external {
        Roles storage roles = _roles[policyId];
        require(msg.sender == roles.offeredOwner, NotAuthorized(msg.sender));
        roles.owner = msg.sender;
        roles.offeredOwner = address(0);
        emit OwnershipTransferred(policyId, msg.sender);
    }

    /// @inheritdoc IPolicyRegistry
    function head(bytes32 policyId) external view returns (PolicyHead memory) {
        return _heads[policyId];
    }

    /// @inheritdoc IPolicyRegistry
    function versionOf(bytes32 policyId) external view returns (uint32) {
        return _heads[policyId].version;
    }

    /// @inheritdoc IPolicyRegistry
    function fulfilmentTerms(bytes32 policyId) external view returns (uint24 epoch, bool keysBeforeRequest) {
        PolicyHead storage current = _heads[policyId];
        return (current.epoch, current.keysBeforeRequest);
    }

    /// @inheritdoc IPolicyRegistry
    function rule(bytes32 policyId, uint8 kind, bytes32 subject) external view returns (bytes32 value) {
        return _rules[policyId][PolicyRules.key(kind, subject)];
    }

    /// @inheritdoc IPolicyRegistry
    function rolesOf(bytes32 policyId)
        external
        view
        returns (address owner, address guardian, uint32 timelockSeconds)
    {
        Roles storage roles = _roles[policyId];
        return (roles.owner, roles.guardian, roles.timelockSeconds);
    }

    /// @dev Writes one change (settings into `current`, rules into storage) and tells whether it narrows.
    function _apply(bytes32 policyId, PolicyHead memory current, PolicyChange calldata change)
        private
        returns (bool narrows)
    {
        bytes32 oldValue;
        uint256 value = uint256(change.value);
        if (change.kind >= PolicyRules.VALIDITY_SECONDS) {
            oldValue = _applySetting(current, change);
        } else {
            bool known = (change.kind >= PolicyRules.VERIFIER && change.kind <= PolicyRules.VENDOR)
                || change.kind == PolicyRules.REVOKED_KEYSET || change.kind == PolicyRules.REVOKED_CERTIFICATE;
            // The last four bytes of a present rule are 0x00000001: floors have no component there.
            require(
                known && (value == 0 || value & 0xFFFFFFFF == 1),
                RuleInvalid(change.kind, change.subject, change.value)
            );
            bytes32 ruleKey = PolicyRules.key(change.kind, change.subject);
            oldValue = _rules[policyId][ruleKey];
            _rules[policyId][ruleKey] = change.value;
        }
        emit RuleChanged(policyId, change.kind, change.subject, oldValue, change.value);
        return PolicyRules.isNarrowing(change.kind, oldValue, change.value);
    }

    function _applySetting(PolicyHead memory current, PolicyChange calldata change)
        private
        pure
        returns (bytes32 oldValue)
    {
        uint256 value = uint256(change.value);
        if (change.kind == PolicyRules.VALIDITY_SECONDS && value != 0 && value <= MAX_VALIDITY_SECONDS) {
            oldValue = bytes32(uint256(current.validitySeconds));
            current.validitySeconds = uint32(value);
        } else if (change.kind == PolicyRules.KEYS_BEFORE_REQUEST && value <= 1) {
            oldValue = bytes32(uint256(current.keysBeforeRequest ? 1 : 0));
            current.keysBeforeRequest = value == 1;
        } else if (change.kind == PolicyRules.DISTINCT_VENDORS && value <= 1) {
            oldValue = bytes32(uint256(current.distinctVendors ? 1 : 0));
            current.distinctVendors = value == 1;
        } else {
            revert RuleInvalid(change.kind, change.subject, change.value);
        }
    }

    function _commit(bytes32 policyId, PolicyHead memory current, bool narrows, bool widens) private {
        current.version += 1;
        if (narrows) current.epoch += 1;
        if (widens) current.widenedVersion = current.version;
        _heads[policyId] = current;
        emit PolicyChanged(policyId, current.version, current.epoch, current.widenedVersion);
    }

    function _known(bytes32 policyId) private view returns (PolicyHead memory current) {
        current = _heads[policyId];
        require(current.version != 0, PolicyUnknown(policyId));
    }

    function _requireOwnerOrGuardian(bytes32 policyId) private view {
        Roles storage roles = _roles[policyId];
        require(msg.sender == roles.owner || msg.sender == roles.guardian, NotAuthorized(msg.sender));
    }
}
