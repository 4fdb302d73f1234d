// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Call, Grant, Permission, WordLimit, WordRule } from "./Grant.sol";

/// @notice Which calls a grant permits, and which grants bound what they permit.
library CallRules {
    /// @notice Thrown when no permission covers the call.
    error CallNotPermitted(uint256 index, address target, bytes4 selector);
    /// @notice Thrown when a grant is none; `field` names what, left-aligned.
    error GrantInvalid(bytes32 field);

    uint256 private constant SELECTOR_BYTES = 4;
    uint256 private constant WORD_BYTES = 32;

    /// @notice Gas that the call must get.
    function requirePermitted(Grant calldata grant, uint256 index, Call calldata call_)
        internal
        pure
        returns (uint32 minGas)
    {
        address target = call_.target;
        bytes calldata data = call_.data;
        bytes4 selector = selectorOf(data);
        // A selector of zeros is a transfer: no calldata at all, so no function of that selector can be meant.
        if (selector == 0 && data.length != 0) revert CallNotPermitted(index, target, selector);
        Permission[] calldata permissions = grant.permissions;
        for (uint256 i = 0; i < permissions.length; ++i) {
            Permission calldata permission = permissions[i];
            if (permission.target != target || permission.selector != selector) continue;
            if (_areWithin(permission.limits, data)) return permission.minGas;
        }
        revert CallNotPermitted(index, target, selector);
    }

    /// @notice Refuses a grant that bounds nothing where it must: approvals act later, outside every window, so their spender is
    /// listed.
    function requireBounded(Grant calldata grant) internal pure {
        require(grant.windowSeconds != 0, GrantInvalid("windowSeconds"));
        require(grant.maxCalls != 0, GrantInvalid("maxCalls"));
        require((grant.slotSeconds == 0) != (grant.lifetimeSeconds == 0), GrantInvalid("slotSeconds"));
        require((grant.slotSeconds == 0) == (grant.callers.length != 0), GrantInvalid("callers"));
        for (uint256 i = 0; i < grant.permissions.length; ++i) {
            Permission calldata permission = grant.permissions[i];
            require(permission.selector != 0 || permission.limits.length == 0, GrantInvalid("permission"));
            for (uint256 j = 0; j < permission.limits.length; ++j) {
                WordLimit calldata limit = permission.limits[j];
                bool isOne = limit.values.length == 1;
                require(
                    limit.values.length != 0 && (limit.rule == WordRule.OneOf || isOne), GrantInvalid("limit")
                );
            }
            require(_namesSpender(permission), GrantInvalid("approval"));
        }
        for (uint256 i = 1; i < grant.tokens.length; ++i) {
            // Each once: two would count the same outflow in one window.
            require(grant.tokens[i - 1].token < grant.tokens[i].token, GrantInvalid("tokens"));
        }
        require(grant.tokens.length == 0 || grant.tokens[0].token != address(0), GrantInvalid("tokens"));
    }

    /// @notice The first four bytes; zero when there are fewer.
    function selectorOf(bytes calldata data) internal pure returns (bytes4) {
        return data.length < SELECTOR_BYTES ? bytes4(0) : bytes4(data[:SELECTOR_BYTES]);
    }

    function _areWithin(WordLimit[] calldata limits, bytes calldata data) private pure returns (bool) {
        for (uint256 i = 0; i < limits.length; ++i) {
            WordLimit calldata limit = limits[i];
            uint256 position = SELECTOR_BYTES + WORD_BYTES * uint256(limit.word);
            if (data.length < position + WORD_BYTES) return false;
            bytes32 word = bytes32(data[position:position + WORD_BYTES]);
            if (limit.rule == WordRule.AtMost) {
                if (uint256(word) > uint256(limit.values[0])) return false;
            } else if (!_isOneOf(limit.values, word)) {
                return false;
            }
        }
        return true;
    }

    function _isOneOf(bytes32[] calldata values, bytes32 word) private pure returns (bool) {
        for (uint256 i = 0; i < values.length; ++i) {
            if (values[i] == word) return true;
        }
        return false;
    }

    /// @dev An approval's spender is one of those that the grant lists: what is allowed is taken later.
    function _namesSpender(Permission calldata permission) private pure returns (bool) {
        (bool isApproval, uint256 spenderWord) = _approvalOf(permission.selector);
        if (!isApproval) return true;
        for (uint256 i = 0; i < permission.limits.length; ++i) {
            WordLimit calldata limit = permission.limits[i];
            if (limit.word == spenderWord && limit.rule == WordRule.OneOf) return true;
        }
        return false;
    }

    /// @dev ERC-20's approve, increaseAllowance and increaseApproval, ERC-1363's approveAndCall, ERC-721's and ERC-1155's
    /// setApprovalForAll, ERC-777's authorizeOperator, ERC-6909's approve and setOperator, Permit2's approve, Aave's
    /// approveDelegation and Compound's allow.
    function _approvalOf(bytes4 selector) private pure returns (bool isApproval, uint256 spenderWord) {
        if (selector == 0x87517c45) return (true, 1);
        isApproval = selector == 0x095ea7b3 || selector == 0x39509351 || selector == 0xd73dd623
            || selector == 0x3177029f || selector == 0xcae9ca51 || selector == 0xa22cb465
            || selector == 0x959b8c3f || selector == 0x426a8493 || selector == 0x558a7297
            || selector == 0xc04a8a10 || selector == 0x110496e5;
    }
}
