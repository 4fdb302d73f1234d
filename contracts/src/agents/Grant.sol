// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice What a program wants done. A run's output is abi.encode(Call[]).
struct Call {
    address target;
    uint256 value;
    bytes data;
}

/// @notice How a word of calldata is bounded. `OneOf` a single value: equal to it.
enum WordRule {
    OneOf,
    AtMost
}

/// @notice Bounds one argument.
/// @param word Which 32 bytes behind the selector. Of an argument of dynamic length the word is its offset, and bounds nothing.
/// @param values For `AtMost` one, compared as uint256.
struct WordLimit {
    uint16 word;
    WordRule rule;
    bytes32[] values;
}

/// @notice One function of one contract that may be called.
/// @param selector Zero: no calldata at all, a transfer of money.
/// @param minGas Gas that the call gets at least: what a target does with too little is the submitter's choice.
struct Permission {
    address target;
    bytes4 selector;
    uint32 minGas;
    WordLimit[] limits;
}

/// @notice What may leave of one token in a window, measured by the balance before and after a run.
struct TokenLimit {
    address token;
    uint128 perWindow;
}

/// @notice What one program may do with an account. Its id is keccak256(abi.encode(grant)).
/// @param programHash keccak256 of the program's file.
/// @param policyId Policy whose enclaves run it; it must want keys older than the request.
/// @param validUntil Seconds since the epoch.
/// @param slotSeconds Length of a slot; zero for request mode.
/// @param lifetimeSeconds Of an input, in request mode.
/// @param windowSeconds Of outflow. A window begins with what first leaves in it, so that twice a limit can leave around its end.
/// @param maxCalls Of one run.
/// @param maxIdleClaims Runs without calls that one acting run is paid for at most.
/// @param followsPolicy Whether the grant outlives a widening of its policy.
/// @param fee Wei for each run.
/// @param gasPriceCap Highest wei per gas that is repaid.
/// @param valuePerWindow Wei that may leave in a window, payments for runs among it.
/// @param callers Who may commit an input, in request mode.
struct Grant {
    bytes32 programHash;
    bytes32 policyId;
    uint40 validUntil;
    uint32 slotSeconds;
    uint32 lifetimeSeconds;
    uint32 windowSeconds;
    uint8 maxCalls;
    uint16 maxIdleClaims;
    bool followsPolicy;
    uint96 fee;
    uint64 gasPriceCap;
    uint128 valuePerWindow;
    address[] callers;
    Permission[] permissions;
    TokenLimit[] tokens;
}

/// @notice What has left in the present window.
struct Window {
    uint40 startedAt;
    uint128 spent;
}

library Windows {
    /// @notice The window that is open now; a new one when the last has ended.
    function current(Window storage window, uint256 windowSeconds)
        internal
        view
        returns (Window memory open)
    {
        open = window;
        if (block.timestamp >= uint256(open.startedAt) + windowSeconds) {
            open = Window(uint40(block.timestamp), 0);
        }
    }
}
