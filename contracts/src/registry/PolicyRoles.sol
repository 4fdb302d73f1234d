// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Handover, IPolicyRegistry } from "../interfaces/IPolicyRegistry.sol";

/// @title PolicyRoles
/// @notice Who changes a policy and who watches over it, and how these are handed over. See `IPolicyRegistry`.
abstract contract PolicyRoles is IPolicyRegistry {
    struct Roles {
        address owner;
        uint32 timelockSeconds;
        address guardian;
    }

    /// @inheritdoc IPolicyRegistry
    uint40 public constant CHANGE_LIFETIME_SECONDS = 14 days;

    mapping(bytes32 policyId => Roles) private _roles;
    mapping(bytes32 policyId => Handover) private _nextOwners;
    mapping(bytes32 policyId => Handover) private _nextGuardians;

    /// @inheritdoc IPolicyRegistry
    function offerOwnership(bytes32 policyId, address newOwner) external {
        _requireOwner(policyId);
        _nextOwners[policyId] =
            newOwner == address(0) ? Handover(address(0), 0, 0) : _handover(policyId, newOwner);
        emit OwnershipOffered(policyId, newOwner, _nextOwners[policyId].executableAt);
    }

    /// @inheritdoc IPolicyRegistry
    function acceptOwnership(bytes32 policyId) external {
        Handover memory offered = _nextOwners[policyId];
        require(msg.sender == offered.to, NotAuthorized(msg.sender));
        _requireExecutable(offered);
        delete _nextOwners[policyId];
        _roles[policyId].owner = msg.sender;
        emit OwnershipTransferred(policyId, msg.sender);
    }

    /// @inheritdoc IPolicyRegistry
    function proposeGuardian(bytes32 policyId, address newGuardian) external {
        _requireOwner(policyId);
        Handover memory proposed = _handover(policyId, newGuardian);
        _nextGuardians[policyId] = proposed;
        emit GuardianProposed(policyId, newGuardian, proposed.executableAt);
    }

    /// @inheritdoc IPolicyRegistry
    function replaceGuardian(bytes32 policyId) external {
        _requireOwner(policyId);
        Handover memory proposed = _nextGuardians[policyId];
        _requireExecutable(proposed);
        delete _nextGuardians[policyId];
        _roles[policyId].guardian = proposed.to;
        emit GuardianReplaced(policyId, proposed.to);
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

    /// @inheritdoc IPolicyRegistry
    function pendingHandovers(bytes32 policyId)
        external
        view
        returns (Handover memory owner, Handover memory guardian)
    {
        owner = _nextOwners[policyId];
        guardian = _nextGuardians[policyId];
        if (block.timestamp > owner.expiresAt) owner = Handover(address(0), 0, 0);
        if (block.timestamp > guardian.expiresAt) guardian = Handover(address(0), 0, 0);
    }

    /// @dev The caller becomes the owner.
    function _setRoles(bytes32 policyId, address guardian, uint32 timelockSeconds) internal {
        _roles[policyId] = Roles(msg.sender, timelockSeconds, guardian);
    }

    function _afterTimelock(bytes32 policyId) internal view returns (uint40) {
        return uint40(block.timestamp) + _roles[policyId].timelockSeconds;
    }

    function _expiryOf(uint40 executableAt) internal pure returns (uint40) {
        return executableAt + CHANGE_LIFETIME_SECONDS;
    }

    function _hasExpired(uint40 executableAt) internal view returns (bool) {
        return block.timestamp > _expiryOf(executableAt);
    }

    function _requireOwner(bytes32 policyId) internal view {
        require(msg.sender == _roles[policyId].owner, NotAuthorized(msg.sender));
    }

    function _requireOwnerOrGuardian(bytes32 policyId) internal view {
        Roles storage roles = _roles[policyId];
        require(msg.sender == roles.owner || msg.sender == roles.guardian, NotAuthorized(msg.sender));
    }

    function _handover(bytes32 policyId, address to) private view returns (Handover memory) {
        uint40 executableAt = _afterTimelock(policyId);
        return Handover(to, executableAt, _expiryOf(executableAt));
    }

    function _requireExecutable(Handover memory handover) private view {
        if (block.timestamp > handover.expiresAt) handover.executableAt = 0;
        require(
            handover.executableAt != 0 && block.timestamp >= handover.executableAt,
            HandoverNotExecutable(handover.executableAt)
        );
    }
}
