// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import { OracleConsumerBase } from "./consumer/OracleConsumerBase.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "./types/Answer.sol";

/// @title OracleConsumerUpgradeable
/// @notice `OracleConsumer` for contracts behind a proxy: call `__OracleConsumer_init` from your initializer.
/// @dev Its storage lies under ERC-7201, so that a later version of it moves none of yours.
abstract contract OracleConsumerUpgradeable is Initializable, OracleConsumerBase {
    /// @custom:storage-location erc7201:adyton.storage.OracleConsumer
    struct OracleConsumerStorage {
        IOracleCoordinator coordinator;
        bytes32 policyId;
    }

    bytes32 private constant STORAGE_AT = keccak256(
        abi.encode(uint256(keccak256("adyton.storage.OracleConsumer")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The coordinator that this contract asks and believes.
    function coordinator() public view returns (IOracleCoordinator) {
        return _storage().coordinator;
    }

    /// @notice The appraisal policy that an answering enclave must be admitted under.
    function policyId() public view returns (bytes32) {
        return _storage().policyId;
    }

    // The name is OpenZeppelin's for what an initializer calls.
    function __OracleConsumer_init(IOracleCoordinator newCoordinator, bytes32 newPolicyId)
        internal
        onlyInitializing
    {
        _requirePolicy(newCoordinator, newPolicyId);
        _storage().coordinator = newCoordinator;
        _storage().policyId = newPolicyId;
    }

    /// @inheritdoc OracleConsumerBase
    function _coordinator() internal view override returns (IOracleCoordinator) {
        return coordinator();
    }

    /// @inheritdoc OracleConsumerBase
    function _policyId() internal view override returns (bytes32) {
        return policyId();
    }

    function _storage() private pure returns (OracleConsumerStorage storage held) {
        bytes32 slot = STORAGE_AT;
        // Memory-safe: sets a storage pointer.
        assembly ("memory-safe") {
            held.slot := slot
        }
    }
}
