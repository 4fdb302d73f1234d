// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice What Chainlink's KeystoneForwarder calls. It asks for this interface by ERC-165 (0x805f2132) first.
interface IReceiver {
    /// @param metadata Of the workflow: id, name, owner. The forwarder's word.
    /// @param report What the workflow wrote.
    function onReport(bytes calldata metadata, bytes calldata report) external;
}
