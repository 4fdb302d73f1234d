// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentMemory } from "../../src/agents/AgentMemory.sol";
import { CallRules } from "../../src/agents/CallRules.sol";
import { Call, Grant, Permission, WordLimit, WordRule } from "../../src/agents/Grant.sol";
import { IAgentAccount, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { IAgentMemory } from "../../src/agents/IAgentMemory.sol";
import { AgentWorld } from "../support/AgentWorld.sol";

/// A run has its account remember something, by a call that the grant permits, under the key that it permits.
contract AgentDiaryTest is AgentWorld {
    bytes32 private constant KEY = keccak256("diary");

    AgentMemory private _memory;

    function setUp() public override {
        super.setUp();
        _memory = new AgentMemory();
        Grant memory grant = grantTerms();
        grant.validUntil = uint40(block.timestamp + 12 hours);
        grant.permissions = new Permission[](1);
        grant.permissions[0] =
            Permission(address(_memory), IAgentMemory.remember.selector, 0, new WordLimit[](1));
        grant.permissions[0].limits[0] = WordLimit(0, WordRule.OneOf, words(KEY));
        grantId = account.propose(grant);
        encodedGrant = abi.encode(grant);
        vm.warp(block.timestamp + GRANT_DELAY + SLOT);
        vm.roll(block.number + 1);
    }

    function remembering(bytes32 key, bytes32 previous, bytes memory content)
        private
        view
        returns (SignedRun memory)
    {
        bytes memory data = abi.encodeCall(IAgentMemory.remember, (key, previous, content));
        return acting(oneCall(Call(address(_memory), 0, data)));
    }

    function test_ARunRemembersForTheNextOne() public {
        execute(remembering(KEY, 0, "first"));
        assertTrue(_memory.holds(address(account), KEY, "first"), "as the account");
        nextSlot();
        execute(remembering(KEY, keccak256("first"), "second"));
        assertTrue(_memory.holds(address(account), KEY, "second"), "the next");
    }

    /// All or nothing: a run that was shown an older block changes nothing, and its slot is there for another.
    function test_RevertWhen_TheRunWasShownOlderBytes() public {
        execute(remembering(KEY, 0, "first"));
        nextSlot();
        SignedRun memory run = remembering(KEY, keccak256("older"), "second");
        vm.expectPartialRevert(IAgentAccount.CallFailed.selector);
        execute(run);
        assertTrue(_memory.holds(address(account), KEY, "first"), "unchanged");
        execute(remembering(KEY, keccak256("first"), "second"));
        assertTrue(_memory.holds(address(account), KEY, "second"), "the slot was not used up");
    }

    function test_RevertWhen_TheKeyIsNotTheGrantsOwn() public {
        SignedRun memory run = remembering("another", 0, "first");
        vm.expectPartialRevert(CallRules.CallNotPermitted.selector);
        execute(run);
    }
}
