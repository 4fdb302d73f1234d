// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer } from "../types/Answer.sol";
import { Request, RequestTerms } from "../types/Request.sol";
import { IOracleCoordinator } from "./IOracleCoordinator.sol";

/// @title IOracleLens
/// @notice What is read of a coordinator but not needed to settle: estimates at a price that the caller names, and decoders of
/// events and packed calldata. Stateless: one serves every coordinator.
interface IOracleLens {
    /// @notice Escrow for `terms` if gas were repaid at most at `gasPriceWei`, whatever the transaction's price: an `eth_call` has
    /// none. What `IOracleCoordinator.requiredEscrow` says of these terms with that `gasPriceCap`.
    function escrowAt(IOracleCoordinator coordinator, RequestTerms calldata terms, uint64 gasPriceWei)
        external
        view
        returns (uint256);

    /// @notice Worst-case gas of settling `terms`, the callback included.
    function estimateGas(RequestTerms calldata terms) external pure returns (uint256);

    /// @notice The default cap of gas prices (`OracleConsumer._terms`) at a base fee.
    function defaultGasPriceCap(uint256 baseFeeWei) external pure returns (uint64);

    /// @notice The request of a `Requested` or `RequestedByUri` event of this chain, and its id.
    /// @param topics The event's four topics.
    /// @param data The event's data.
    function decodeRequested(address coordinator, bytes32[] calldata topics, bytes calldata data)
        external
        view
        returns (Request memory request, bytes32 requestId);

    /// @notice The requests and answers of packed calldata (`Packed`), as the coordinator reads them.
    /// @dev Reverts when the items do not end where the calldata does. An answer whose block the chain does not know has a zero
    /// `stateBlockHash`.
    function decodePacked(IOracleCoordinator coordinator, bytes32 keysetId, bytes calldata items)
        external
        view
        returns (
            Request[] memory requests,
            Answer[] memory answers,
            bytes[] memory outputs,
            uint256[] memory stateBlockNumbers
        );
}
