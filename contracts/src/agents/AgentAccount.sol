// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { AgentExecution } from "./AgentExecution.sol";
import { AgentGrants } from "./AgentGrants.sol";
import { Call } from "./Grant.sol";

/// @title AgentAccount
/// @notice An account that holds money itself and acts as its grants say. See `IAgentAccount`.
/// @dev It signs nothing (no ERC-1271): what it would sign acts later, outside of every window.
contract AgentAccount is AgentExecution {
    /// @notice Emitted when an owner names a successor, and when that takes over.
    event OwnershipOffered(address indexed owner, address indexed successor);
    event OwnershipAccepted(address indexed owner);

    address private _owner;
    address private _successor;

    /// @param owner_ Who grants after a delay, and stops at once.
    /// @param grantDelaySeconds Time in which a grant that the owner did not mean can be revoked.
    constructor(IEnclaveRegistry enclaves, address owner_, uint32 grantDelaySeconds)
        AgentGrants(enclaves, grantDelaySeconds)
    {
        require(owner_ != address(0), NotOwner(owner_));
        _owner = owner_;
        emit OwnershipAccepted(owner_);
    }

    receive() external payable { }

    /// @notice Offers the account to `successor`; zero takes the offer back.
    function offerOwnership(address successor) external onlyOwner {
        _successor = successor;
        emit OwnershipOffered(msg.sender, successor);
    }

    /// @notice Takes over an account that was offered.
    function acceptOwnership() external {
        require(msg.sender == _successor, NotOwner(msg.sender));
        _owner = msg.sender;
        _successor = address(0);
        emit OwnershipAccepted(msg.sender);
    }

    /// @notice Gives the account up: its grants go on, nobody adds another, stops it, or takes money out.
    function renounceOwnership() external onlyOwner {
        _owner = address(0);
        _successor = address(0);
        emit OwnershipAccepted(address(0));
    }

    /// @notice Does anything as the account; owner. So money comes out, and an allowance is taken back.
    function callAsOwner(Call calldata call_) external onlyOwner nonReentrant {
        require(!_isForbidden(call_.target), TargetForbidden(call_.target));
        require(_perform(call_.target, call_.value, call_.data, gasleft()), CallFailed(0));
    }

    /// @inheritdoc AgentGrants
    function owner() public view override returns (address) {
        return _owner;
    }

    function _holder() internal view override returns (address) {
        return address(this);
    }

    function _isForbidden(address target) internal view override returns (bool) {
        return target == address(this);
    }

    function _perform(address target, uint256 value, bytes calldata data, uint256 gasLimit)
        internal
        override
        returns (bool succeeded)
    {
        // Memory-safe: writes beyond the free memory pointer and leaves it; the area for return data is empty.
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, data.offset, data.length)
            succeeded := call(gasLimit, target, value, free, data.length, 0, 0)
        }
    }
}
