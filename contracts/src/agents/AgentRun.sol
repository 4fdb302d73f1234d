// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answers } from "../types/Answer.sol";

/// @notice One run of a program for one account: what an enclave's answer names as its request. docs/reference/protocol.md, Agent
/// runs. No field is the submitter's: each would be another draw, since an enclave answers once for each run.
/// @param account Contract that acts.
/// @param inputHash Of nothing in slot mode; else of what an allowed caller committed.
/// @param requestedAt When the slot began, or when the input was committed.
/// @param nonce Number of the slot, or of the input.
/// @param stateBlockHash Of the first block at or after the slot's start, or of the block that the input was committed in.
/// @param deadline When the slot ends, or the input's time.
struct AgentRun {
    uint256 chainId;
    address account;
    bytes32 grantId;
    bytes32 programHash;
    bytes32 inputHash;
    bytes32 policyId;
    uint40 requestedAt;
    uint64 nonce;
    bytes32 stateBlockHash;
    uint40 deadline;
}

library AgentRuns {
    bytes32 internal constant TYPEHASH = keccak256(
        "AgentRun(uint256 chainId,address account,bytes32 grantId,bytes32 programHash,bytes32 inputHash,bytes32 policyId,uint40 requestedAt,uint64 nonce,bytes32 stateBlockHash,uint40 deadline)"
    );
    /// @dev A domain of its own: no answer to an account serves a coordinator, and none of a coordinator's an account.
    bytes32 internal constant NAME_HASH = keccak256("Adyton Agent");

    /// @dev Ten static fields, a word each.
    uint256 private constant ENCODED_BYTES = 320;

    /// @notice The `requestId` of the run's answers: its struct hash, keccak256(abi.encode(TYPEHASH, run)).
    function id(AgentRun memory run) internal pure returns (bytes32 hash) {
        bytes32 typehash = TYPEHASH;
        // Memory-safe: the word before the struct holds the typehash meanwhile, and again what it held.
        assembly ("memory-safe") {
            let head := sub(run, 0x20)
            let held := mload(head)
            mstore(head, typehash)
            hash := keccak256(head, add(ENCODED_BYTES, 0x20))
            mstore(head, held)
        }
    }

    function domainSeparator(uint256 chainId, address account) internal pure returns (bytes32) {
        return Answers.separatorOf(NAME_HASH, chainId, account);
    }

    /// @notice What an enclave signs: `answerHash` is the struct hash of an `Answer` whose requestId is the run's id.
    function digest(bytes32 separator, bytes32 answerHash) internal pure returns (bytes32) {
        return Answers.digestUnder(separator, answerHash);
    }
}
