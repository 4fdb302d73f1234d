// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title AgentCalls
/// @notice Builds the payload of a request that runs an agent's program.
/// @dev Establishes: the payload is the canonical encoding that docs/reference/protocol.md asks for, of a program named by its hash.
/// @dev Does not establish: that an enclave has the program. Bring it there (`adyton agent publish`); where it is missing the answer
/// is `InvalidRequest`, and the fee goes back.
library AgentCalls {
    struct AgentCall {
        bytes32 programHash;
        bytes program;
        bytes input;
        uint32 maxOutputBytes;
    }

    /// @dev Payload type 2, version 1.
    bytes2 private constant HEADER = 0x0201;

    /// @notice A run of one program.
    /// @param programHash keccak256 of the program's file: `adyton agent build` prints it.
    /// @param input ABI-encoded, where the program's manifest names a type; JSON where it names none.
    /// @param maxOutputBytes The run fails when its output is longer.
    function encode(bytes32 programHash, bytes memory input, uint32 maxOutputBytes)
        internal
        pure
        returns (bytes memory payload)
    {
        return bytes.concat(HEADER, abi.encode(AgentCall(programHash, "", input, maxOutputBytes)));
    }
}
