// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// What an agent acts on in the benchmark: one slot, which is not zero before.
contract AgentTarget {
    uint256 public turns = 1;

    function turn(uint256 by) external payable {
        turns += by;
    }
}
