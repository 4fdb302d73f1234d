// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IPolicyRegistry, PendingChange } from "../interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyHead, PolicyRules } from "../types/Policy.sol";
import { PolicyRoles } from "./PolicyRoles.sol";

/// @title PolicyRegistry
/// @notice See `IPolicyRegistry` for what each function establishes and does not.
abstract contract PolicyRegistry is PolicyRoles {
    /// @dev What a change did: kept apart, since each effect moves another counter.
    struct Effect {
        bool narrows;
        bool widens;
        // Of what narrows, whether anything but the revocation of a keyset does: only that ends other keys' admissions.
        bool endsEpoch;
    }

    /// @dev Longest life of an admission, one year: a key that never expires outlives every revocation that nobody noticed.
    uint256 private constant MAX_VALIDITY_SECONDS = 365 days;
    uint256 private constant MAX_QUORUM_WINDOW_SECONDS = 300;

    /// @dev When a change was executable that has been executed or vetoed: long ago, as 0 is when one was that never waited.
    uint40 private constant SPENT = 1;

    mapping(bytes32 policyId => PolicyHead) internal _heads;
    mapping(bytes32 policyId => mapping(bytes32 ruleKey => bytes32 value)) internal _rules;
    /// @dev Under the version of the last narrowing: a further narrowing leaves them behind, however many there are.
    mapping(
        bytes32 policyId
            => mapping(uint32 narrowedVersion => mapping(bytes32 changeId => uint40 executableAt))
    ) private _scheduled;
    mapping(bytes32 policyId => mapping(uint32 narrowedVersion => bytes32[] changeIds)) private _scheduledIds;

    /// @inheritdoc IPolicyRegistry
    function create(
        bytes32 salt,
        address guardian,
        uint32 timelockSeconds,
        uint16 registerMask,
        PolicyChange[] calldata firstRules
    ) external returns (bytes32 policyId) {
        policyId = keccak256(abi.encode(block.chainid, address(this), msg.sender, salt));
        require(_heads[policyId].version == 0, PolicyExists(policyId));
        _setRoles(policyId, guardian, timelockSeconds);

        PolicyHead memory first;
        first.registerMask = registerMask;
        first.quorumWindowSeconds = PolicyRules.DEFAULT_QUORUM_WINDOW_SECONDS;
        Effect memory ignored;
        for (uint256 i = 0; i < firstRules.length; ++i) {
            _apply(policyId, first, firstRules[i], ignored);
        }
        require(first.validitySeconds != 0, RuleInvalid(PolicyRules.VALIDITY_SECONDS, 0, 0));
        first.version = 1;
        first.epoch = 1;
        first.narrowedVersion = 1;
        first.widenedAt = uint40(block.timestamp);
        _heads[policyId] = first;
        emit PolicyCreated(policyId, msg.sender, guardian, timelockSeconds, first);
    }

    /// @inheritdoc IPolicyRegistry
    function narrow(bytes32 policyId, PolicyChange[] calldata changes) external {
        _requireOwnerOrGuardian(policyId);
        PolicyHead memory current = _known(policyId);
        require(changes.length != 0, NothingChanges());
        Effect memory all;
        for (uint256 i = 0; i < changes.length; ++i) {
            Effect memory effect;
            _apply(policyId, current, changes[i], effect);
            require(effect.narrows, NotNarrowing(changes[i].kind, changes[i].subject));
            all.endsEpoch = all.endsEpoch || effect.endsEpoch;
        }
        all.narrows = true;
        _commit(policyId, current, all);
    }

    /// @inheritdoc IPolicyRegistry
    function schedule(bytes32 policyId, PolicyChange[] calldata changes) external returns (bytes32 changeId) {
        _requireOwner(policyId);
        require(changes.length != 0, NothingChanges());
        changeId = keccak256(abi.encode(changes));
        uint32 narrowedVersion = _heads[policyId].narrowedVersion;
        uint40 executableAt = _scheduled[policyId][narrowedVersion][changeId];
        require(_hasExpired(executableAt), ChangeAlreadyScheduled(changeId));
        // What was scheduled before has its place in the list.
        if (executableAt == 0) _scheduledIds[policyId][narrowedVersion].push(changeId);
        executableAt = _afterTimelock(policyId);
        _scheduled[policyId][narrowedVersion][changeId] = executableAt;
        emit ChangeScheduled(policyId, changeId, executableAt, _expiryOf(executableAt), changes);
    }

    /// @inheritdoc IPolicyRegistry
    function execute(bytes32 policyId, PolicyChange[] calldata changes) external {
        PolicyHead memory current = _known(policyId);
        bytes32 changeId = keccak256(abi.encode(changes));
        uint40 executableAt = _scheduled[policyId][current.narrowedVersion][changeId];
        if (_hasExpired(executableAt)) executableAt = 0;
        require(
            executableAt != 0 && block.timestamp >= executableAt, ChangeNotExecutable(changeId, executableAt)
        );
        _scheduled[policyId][current.narrowedVersion][changeId] = SPENT;
        Effect memory all;
        for (uint256 i = 0; i < changes.length; ++i) {
            _apply(policyId, current, changes[i], all);
        }
        require(all.narrows || all.widens, NothingChanges());
        _commit(policyId, current, all);
    }

    /// @inheritdoc IPolicyRegistry
    function veto(bytes32 policyId, bytes32 changeId) external {
        _requireOwnerOrGuardian(policyId);
        uint32 narrowedVersion = _heads[policyId].narrowedVersion;
        require(
            !_hasExpired(_scheduled[policyId][narrowedVersion][changeId]), ChangeNotExecutable(changeId, 0)
        );
        _scheduled[policyId][narrowedVersion][changeId] = SPENT;
        emit ChangeVetoed(policyId, changeId);
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
    function registerMaskOf(bytes32 policyId) external view returns (uint16) {
        return _heads[policyId].registerMask;
    }

    /// @inheritdoc IPolicyRegistry
    function quorumTerms(bytes32 policyId)
        external
        view
        returns (uint16 windowSeconds, bool distinctVendors)
    {
        PolicyHead storage current = _heads[policyId];
        return (current.quorumWindowSeconds, current.distinctVendors);
    }

    /// @inheritdoc IPolicyRegistry
    function rule(bytes32 policyId, uint8 kind, bytes32 subject) external view returns (bytes32 value) {
        return _rules[policyId][PolicyRules.key(kind, subject)];
    }

    /// @inheritdoc IPolicyRegistry
    function rules(bytes32 policyId, bytes32[] calldata ruleKeys)
        external
        view
        returns (bytes32[] memory values)
    {
        mapping(bytes32 ruleKey => bytes32 value) storage held = _rules[policyId];
        values = new bytes32[](ruleKeys.length);
        for (uint256 i = 0; i < ruleKeys.length; ++i) {
            values[i] = held[ruleKeys[i]];
        }
    }

    /// @inheritdoc IPolicyRegistry
    function pendingChanges(bytes32 policyId) external view returns (PendingChange[] memory pending) {
        uint32 narrowedVersion = _heads[policyId].narrowedVersion;
        bytes32[] storage ids = _scheduledIds[policyId][narrowedVersion];
        pending = new PendingChange[](ids.length);
        uint256 count = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            uint40 executableAt = _scheduled[policyId][narrowedVersion][ids[i]];
            if (_hasExpired(executableAt)) continue;
            pending[count++] = PendingChange(ids[i], executableAt, _expiryOf(executableAt));
        }
        // Memory-safe: shortens the array.
        assembly ("memory-safe") {
            mstore(pending, count)
        }
    }

    function _known(bytes32 policyId) internal view returns (PolicyHead memory current) {
        current = _heads[policyId];
        require(current.version != 0, PolicyUnknown(policyId));
    }

    /// @dev Deletes the admission of a keyset that is being revoked; false when there was none of this answer key.
    function _deleteAdmission(bytes32 policyId, bytes32 keysetId, address answerKey)
        internal
        virtual
        returns (bool);

    /// @dev Writes one change (settings into `current`, rules into storage) and adds what it does to `effect`.
    function _apply(
        bytes32 policyId,
        PolicyHead memory current,
        PolicyChange calldata change,
        Effect memory effect
    ) private {
        (uint8 kind, bytes32 newValue) = (change.kind, change.value);
        bool isSetting = kind >= PolicyRules.VALIDITY_SECONDS;
        bytes32 ruleKey = PolicyRules.key(kind, change.subject);
        bytes32 oldValue;
        if (isSetting) {
            (oldValue, newValue) = _applySetting(current, change);
        } else {
            require(_isRule(kind, newValue), RuleInvalid(kind, change.subject, newValue));
            oldValue = _rules[policyId][ruleKey];
        }
        bool isRevocation = kind == PolicyRules.REVOKED_KEYSET && newValue != 0;
        bool deletes =
            isRevocation && _deleteAdmission(policyId, change.subject, address(uint160(uint256(newValue))));
        // Revoked twice is revoked once, unless the first named another answer key and deleted nothing.
        if (isRevocation ? oldValue != 0 && !deletes : oldValue == newValue) return;

        if (!isSetting) _rules[policyId][ruleKey] = newValue;
        emit RuleChanged(policyId, kind, change.subject, oldValue, newValue);
        if (!PolicyRules.isNarrowing(kind, oldValue, newValue)) {
            effect.widens = true;
        } else {
            effect.narrows = true;
            if (!isRevocation) effect.endsEpoch = true;
        }
    }

    function _isRule(uint8 kind, bytes32 value) private pure returns (bool) {
        if (kind == PolicyRules.REVOKED_KEYSET) return uint256(value) <= type(uint160).max;
        // The last four bytes of a floor are 0x00000001: it has no component there. What has no floor cannot be raised: a
        // narrowing narrows.
        if (kind == PolicyRules.QUOTING_ENCLAVE || kind == PolicyRules.TCB) {
            return value == 0 || uint256(value) & 0xFFFFFFFF == 1;
        }
        bool isKnown = (kind >= PolicyRules.VERIFIER && kind <= PolicyRules.XFAM)
            || kind == PolicyRules.REVOKED_CERTIFICATE;
        return isKnown && (value == 0 || value == PolicyRules.PRESENT);
    }

    /// @return oldValue As `PolicyRules` has it, a default spelt out.
    /// @return newValue The same.
    function _applySetting(PolicyHead memory current, PolicyChange calldata change)
        private
        pure
        returns (bytes32 oldValue, bytes32 newValue)
    {
        uint256 value = uint256(change.value);
        newValue = change.value;
        if (change.kind == PolicyRules.VALIDITY_SECONDS && value != 0 && value <= MAX_VALIDITY_SECONDS) {
            oldValue = bytes32(uint256(current.validitySeconds));
            current.validitySeconds = uint32(value);
        } else if (change.kind == PolicyRules.KEYS_BEFORE_REQUEST && value <= 1) {
            oldValue = bytes32(uint256(current.keysBeforeRequest ? 1 : 0));
            current.keysBeforeRequest = value == 1;
        } else if (change.kind == PolicyRules.DISTINCT_VENDORS && value <= 1) {
            oldValue = bytes32(uint256(current.distinctVendors ? 1 : 0));
            current.distinctVendors = value == 1;
        } else if (change.kind == PolicyRules.QUORUM_WINDOW && value <= MAX_QUORUM_WINDOW_SECONDS + 1) {
            oldValue = bytes32(uint256(current.quorumWindowSeconds) + 1);
            if (value == 0) value = PolicyRules.DEFAULT_QUORUM_WINDOW_SECONDS + 1;
            newValue = bytes32(value);
            current.quorumWindowSeconds = uint16(value - 1);
        } else {
            revert RuleInvalid(change.kind, change.subject, change.value);
        }
    }

    function _commit(bytes32 policyId, PolicyHead memory current, Effect memory effect) private {
        current.version += 1;
        if (effect.narrows) current.narrowedVersion = current.version;
        if (effect.endsEpoch) current.epoch += 1;
        if (effect.widens) current.widenedAt = uint40(block.timestamp);
        _heads[policyId] = current;
        emit PolicyChanged(policyId, current);
    }
}
