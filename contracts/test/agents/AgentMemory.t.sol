// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentMemory } from "../../src/agents/AgentMemory.sol";
import { IAgentMemory } from "../../src/agents/IAgentMemory.sol";
import { Test, Vm } from "../support/Vm.sol";

/// What an account remembers is what it wrote last, and nobody else's write, nor one over older bytes, changes it.
contract AgentMemoryTest is Test {
    AgentMemory private _memory;

    function setUp() public {
        _memory = new AgentMemory();
    }

    function testFuzz_RemembersWhatWasWrittenLast(
        address account,
        bytes32 key,
        bytes calldata one,
        bytes calldata other
    ) public {
        vm.startPrank(account);
        assertEq(_memory.hashOf(account, key), bytes32(0), "before");
        _memory.remember(key, 0, one);
        assertTrue(_memory.holds(account, key, one), "holds the first");
        vm.recordLogs();
        _memory.remember(key, keccak256(one), other);
        assertEq(_memory.hashOf(account, key), keccak256(other), "after");
        assertTrue(
            _memory.holds(account, key, one) == (keccak256(one) == keccak256(other)), "holds the second alone"
        );
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs[0].topics[0], IAgentMemory.Remembered.selector, "event");
        assertEq(logs[0].topics[3], keccak256(other), "its hash");
        assertEq(logs[0].data, abi.encode(other), "its content");
    }

    function testFuzz_RevertWhen_TheWriteReplacesOlderBytes(
        bytes32 key,
        bytes32 previous,
        bytes calldata content
    ) public {
        _memory.remember(key, 0, content);
        vm.assume(previous != keccak256(content));
        vm.expectRevert(
            abi.encodeWithSelector(IAgentMemory.MemoryChanged.selector, key, previous, keccak256(content))
        );
        _memory.remember(key, previous, content);
    }

    function testFuzz_AnAccountWritesItsOwnAlone(
        address account,
        address stranger,
        bytes32 key,
        bytes calldata content
    ) public {
        vm.assume(account != stranger);
        vm.prank(account);
        _memory.remember(key, 0, content);
        vm.prank(stranger);
        _memory.remember(key, 0, "a stranger's");
        assertTrue(_memory.holds(account, key, content), "the account's own");
    }

    function testFuzz_NothingIsHeldBeforeTheFirstWrite(address account, bytes32 key, bytes calldata content)
        public
        view
    {
        assertTrue(!_memory.holds(account, key, content), "nothing");
    }
}
