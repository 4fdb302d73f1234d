// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { ISafe } from "../interfaces/external/ISafe.sol";
import { AgentExecution } from "./AgentExecution.sol";
import { AgentGrants } from "./AgentGrants.sol";

/// @title AgentSafeModule
/// @notice The same for the money of a Safe, whose module this is and whose owners grant, stop and revoke. See `IAgentAccount`.
/// @dev Runs name this contract as their account, not the Safe.
contract AgentSafeModule is AgentExecution {
    /// @dev Safe's `Enum.Operation.Call`; a module that delegated a call would hand the Safe over.
    uint8 private constant CALL = 0;
    /// @dev What a Safe does before its call: two cold accounts (proxy and singleton), its singleton's address, its module, its
    /// guard, an event of the modules' calls, and the instructions.
    uint256 private constant SAFE_RESERVE_GAS = 24_000;
    /// @dev Bytes of the call are copied three times, and a Safe of the L2 kind logs them (8 gas).
    uint256 private constant SAFE_BYTE_GAS = 10;

    ISafe public immutable SAFE;

    constructor(IEnclaveRegistry enclaves, ISafe safe, uint32 grantDelaySeconds)
        AgentGrants(enclaves, grantDelaySeconds)
    {
        SAFE = safe;
    }

    /// @inheritdoc AgentGrants
    function owner() public view override returns (address) {
        return address(SAFE);
    }

    function _holder() internal view override returns (address) {
        return address(SAFE);
    }

    /// @dev A Safe's owners, modules and guards are set by calls to itself.
    function _isForbidden(address target) internal view override returns (bool) {
        return target == address(SAFE) || target == address(this);
    }

    /// @dev The call goes through the Safe's proxy and its singleton: each of the three frames keeps back 1/64.
    function _gasBefore(uint256 minGas, uint256 dataBytes) internal pure override returns (uint256 gas) {
        gas = minGas + CALL_RESERVE_GAS + SAFE_RESERVE_GAS + SAFE_BYTE_GAS * dataBytes;
        gas += gas / 63;
        gas += gas / 63;
        gas += gas / 63;
    }

    function _perform(address target, uint256 value, bytes calldata data, uint256 gasLimit)
        internal
        override
        returns (bool)
    {
        try SAFE.execTransactionFromModule{ gas: gasLimit }(target, value, data, CALL) returns (
            bool succeeded
        ) {
            return succeeded;
        } catch {
            return false;
        }
    }
}
