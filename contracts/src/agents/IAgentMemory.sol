// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice What programs of an account remember between runs: public bytes, whose hash this contract holds and whose text its events have.
/// @dev Establishes: what an account remembers under a key is what it wrote last, and each write names what it replaced, so that a run
/// that was given older bytes changes nothing.
/// Does not establish: that anybody still has the bytes. A chain's nodes keep events as long as they like.
interface IAgentMemory {
    /// @notice An account remembers something else from now on.
    event Remembered(
        address indexed account, bytes32 indexed key, bytes32 indexed contentHash, bytes content
    );

    /// @notice Thrown when the account remembers something else than what the write replaces.
    error MemoryChanged(bytes32 key, bytes32 expected, bytes32 actual);

    /// @notice Has the caller remember `content`. An `AgentAccount` calls this as a permitted call of a run.
    /// @param key Which of its memories; the account's own choice.
    /// @param previous What `hashOf` said when the run read it; zero for the first write.
    /// @param content Public, and not sealed.
    /// @dev Warning: whoever may call as the account may write anything. A grant permits the call to one program.
    function remember(bytes32 key, bytes32 previous, bytes calldata content) external;

    /// @notice keccak256 of what `account` remembers under `key`; zero before the first write.
    function hashOf(address account, bytes32 key) external view returns (bytes32 contentHash);

    /// @notice Whether `content` is what `account` remembers under `key`: a program proves bytes that a server showed it with this view.
    function holds(address account, bytes32 key, bytes calldata content) external view returns (bool held);
}
