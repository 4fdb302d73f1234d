// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Request } from "../types/Request.sol";
import { QuorumSettlement } from "./QuorumSettlement.sol";
import { RefundsAndRedeliveries } from "./RefundsAndRedeliveries.sol";
import { Settlement } from "./Settlement.sol";

/// @title CoordinatorExtension
/// @notice What `OracleCoordinator` does rarely: code that it deploys for itself, once, and runs on its own storage. Called
/// directly it finds no request and does nothing.
contract CoordinatorExtension is QuorumSettlement, RefundsAndRedeliveries {
    constructor(
        IEnclaveRegistry enclaves,
        IChainAdapter chain,
        uint32 fallbackWindowSeconds,
        uint32 cancelDelaySeconds
    ) Settlement(enclaves, chain, fallbackWindowSeconds, cancelDelaySeconds) { }

    /// @notice See `IOracleCoordinator`.
    function deliver(Request calldata request, AnswerStatus status, uint64 answeredAt, bytes calldata output)
        external
    {
        _deliverAgain(request, status, answeredAt, output);
    }

    /// @notice See `IOracleCoordinator`.
    function clearFailed(Request calldata request) external {
        _clearFailed(request);
    }

    /// @notice See `IOracleCoordinator`.
    function refund(Request calldata request) external {
        _refund(request);
    }

    /// @notice See `IOracleCoordinator`.
    function cancel(Request calldata request) external {
        _cancel(request);
    }
}
