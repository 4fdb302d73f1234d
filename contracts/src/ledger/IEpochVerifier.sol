// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IEpochVerifier
/// @notice The verifier of one circuit, generated from its verification key: one rule, one number of rows, one number of signatures.
interface IEpochVerifier {
    /// @dev Warning: may revert on a proof that it refuses.
    function verify(bytes calldata proof, bytes32[] calldata publicInputs) external view returns (bool);
}
