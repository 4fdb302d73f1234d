// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAgentMemory } from "./IAgentMemory.sol";

/// @notice See IAgentMemory.
contract AgentMemory is IAgentMemory {
    mapping(address account => mapping(bytes32 key => bytes32 contentHash)) private _hashes;

    /// @inheritdoc IAgentMemory
    function remember(bytes32 key, bytes32 previous, bytes calldata content) external {
        bytes32 actual = _hashes[msg.sender][key];
        require(actual == previous, MemoryChanged(key, previous, actual));
        bytes32 contentHash = keccak256(content);
        _hashes[msg.sender][key] = contentHash;
        emit Remembered(msg.sender, key, contentHash, content);
    }

    /// @inheritdoc IAgentMemory
    function hashOf(address account, bytes32 key) external view returns (bytes32 contentHash) {
        return _hashes[account][key];
    }

    /// @inheritdoc IAgentMemory
    function holds(address account, bytes32 key, bytes calldata content) external view returns (bool held) {
        return _hashes[account][key] == keccak256(content);
    }
}
