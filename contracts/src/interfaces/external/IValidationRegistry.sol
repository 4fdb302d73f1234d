// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

/// @notice Of ERC-8004's validation registry (1.1), what a validator calls. Only the validator that a request names may respond.
interface IValidationRegistry {
    /// @param response 0 to 100.
    /// @param responseURI Where the evidence lies; empty: nowhere.
    /// @param responseHash Commits to the evidence.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;
}
