// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Call, Grant, Permission, WordLimit } from "../../src/agents/Grant.sol";
import { IAgentAccount, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { ISafe } from "../../src/interfaces/external/ISafe.sol";
import { AgentWorld, IOwnedAgentAccount } from "../support/AgentWorld.sol";

/// Of a Safe, what its modules can do: only an enabled one, by call or by delegated call.
contract StandInSafe is ISafe {
    mapping(address module => bool) private _isModule;

    receive() external payable { }

    function enableModule(address module) external {
        _isModule[module] = true;
    }

    function execTransactionFromModule(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success)
    {
        require(_isModule[msg.sender], "GS104");
        if (operation == 1) (success,) = to.delegatecall(data);
        else (success,) = to.call{ value: value }(data);
    }
}

/// The same rules for a Safe's money.
contract AgentSafeModuleTest is AgentWorld {
    StandInSafe private safe;

    function setUp() public override {
        super.setUp();
        safe = new StandInSafe();
        bytes memory arguments = abi.encode(enclaves, safe, GRANT_DELAY);
        address module = vm.deployCode("AgentSafeModule.sol:AgentSafeModule", arguments);
        safe.enableModule(module);
        coin.mint(address(safe), 1_000 ether);
        vm.deal(address(safe), 100 ether);
        // What the world signs for and sends to: both fronts have one interface.
        account = IOwnedAgentAccount(module);
        Grant memory grant = grantTerms();
        grant.permissions[2] =
            Permission(address(safe), StandInSafe.enableModule.selector, 0, new WordLimit[](0));
        vm.warp(START + 2 hours);
        uint256 now_ = block.timestamp;
        vm.prank(address(safe));
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        vm.warp(now_ + GRANT_DELAY);
        nextSlot();
        vm.roll(block.number + 1);
    }

    function test_ARunActsThroughTheSafeAndIsPaidByIt() public {
        uint256 before = alice.keyset.payee.balance;
        Call[] memory calls = new Call[](2);
        (calls[0], calls[1]) = (toMachine(7, 1 ether), toFriend(60 ether));
        execute(acting(calls));
        assertEq(machine.turns(), 7, "acted");
        assertEq(coin.balanceOf(FRIEND), 60 ether, "with the Safe's money");
        uint256 paid = alice.keyset.payee.balance - before;
        assertTrue(paid > RUN_FEE, "paid");
        assertEq(address(safe).balance, 99 ether - paid, "by the Safe");
        (, uint128 spent) = account.outflowOf(grantId, address(coin));
        assertEq(spent, 60 ether, "and counted");
    }

    function test_LimitsHoldForTheSafesMoney() public {
        SignedRun memory run = acting(oneCall(toMachine(1, 2 ether + 1)));
        vm.expectPartialRevert(IAgentAccount.OutflowExceeded.selector);
        execute(run);
        execute(acting(oneCall(toFriend(100 ether))));
        nextSlot();
        vm.roll(block.number + 1);
        run = acting(oneCall(toFriend(51 ether)));
        vm.expectPartialRevert(IAgentAccount.OutflowExceeded.selector);
        execute(run);
    }

    function test_NoRunCallsTheSafeItselfOrFailsUnseen() public {
        Call memory call_ = Call(address(safe), 0, abi.encodeCall(StandInSafe.enableModule, (STRANGER)));
        SignedRun memory run = acting(oneCall(call_));
        vm.expectPartialRevert(IAgentAccount.TargetForbidden.selector);
        execute(run);
        run = acting(oneCall(toMachine(13, 0)));
        vm.expectPartialRevert(IAgentAccount.CallFailed.selector);
        execute(run);
    }

    function test_OnlyTheSafeGrants() public {
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.propose(grantTerms());
        vm.prank(address(safe));
        account.stop();
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        vm.expectPartialRevert(IAgentAccount.AccountStopped.selector);
        execute(run);
    }
}
