// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumerBase } from "./consumer/OracleConsumerBase.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "./types/Answer.sol";

/// @title OracleConsumer
/// @notice Inherit this to ask and be answered: `_terms` and `_request` ask, `_onAnswer` is yours.
/// @dev Establishes: what `OracleConsumerBase` does, of one coordinator for good. `ReplaceableOracleConsumer` can change it.
abstract contract OracleConsumer is OracleConsumerBase {
    /// @notice The coordinator that this contract asks and believes.
    IOracleCoordinator public immutable COORDINATOR;
    /// @notice The appraisal policy that an answering enclave must be admitted under.
    bytes32 public immutable POLICY_ID;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) {
        _requirePolicy(coordinator, policyId);
        COORDINATOR = coordinator;
        POLICY_ID = policyId;
    }

    /// @inheritdoc OracleConsumerBase
    function _coordinator() internal view override returns (IOracleCoordinator) {
        return COORDINATOR;
    }

    /// @inheritdoc OracleConsumerBase
    function _policyId() internal view override returns (bytes32) {
        return POLICY_ID;
    }
}
