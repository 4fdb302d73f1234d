// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentRun, AgentRuns } from "../../src/agents/AgentRun.sol";
import { CallRules } from "../../src/agents/CallRules.sol";
import { Call, Grant, Permission, TokenLimit, WordLimit, WordRule } from "../../src/agents/Grant.sol";
import { IAgentAccount, IdleRun, RunInput, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { Answer, AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { AgentWorld } from "../support/AgentWorld.sol";

/// When a grant holds, who says so, and the two modes that a run comes about in.
contract AgentGrantsTest is AgentWorld {
    function refused(bytes4 selector) private {
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        vm.expectPartialRevert(selector);
        execute(run);
    }

    function expectInvalid(Grant memory grant, bytes32 field) private {
        vm.expectRevert(abi.encodeWithSelector(CallRules.GrantInvalid.selector, field));
        account.propose(grant);
    }

    function widen() private {
        PolicyChange[] memory changes = one(present(PolicyRules.BEHAVIOUR, keccak256("another")));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(agentPolicy, changes);
        uint256 now_ = block.timestamp;
        vm.warp(now_ + TIMELOCK);
        enclaves.execute(agentPolicy, changes);
        admitUnder(agentPolicy, alice);
        nextSlot();
        nextSlot();
    }

    function test_AGrantWaitsAndCanBeRevokedUnseen() public {
        Grant memory grant = grantTerms();
        grant.fee = 7;
        uint256 now_ = block.timestamp;
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        refused(IAgentAccount.SlotNotDue.selector);
        vm.warp(now_ + GRANT_DELAY - 1);
        vm.roll(block.number + 1);
        refused(IAgentAccount.SlotNotDue.selector);
        vm.warp(now_ + GRANT_DELAY);
        nextSlot();
        execute(acting(oneCall(toMachine(1, 0))));
        nextSlot();
        account.revoke(grantId);
        refused(IAgentAccount.GrantNotLive.selector);
        vm.expectPartialRevert(IAgentAccount.GrantRefused.selector);
        account.propose(grant);
    }

    function test_OnlyTheOwnerGrantsStopsAndRevokes() public {
        vm.startPrank(STRANGER);
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.propose(grantTerms());
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.revoke(grantId);
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.stop();
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.resume();
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.callAsOwner(Call(STRANGER, 1, ""));
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.renounceOwnership();
        vm.stopPrank();
    }

    function test_TheOwnerStopsAtOnceAndGoesOnAfterADelay() public {
        account.stop();
        refused(IAgentAccount.AccountStopped.selector);
        account.resume();
        refused(IAgentAccount.AccountStopped.selector);
        vm.warp(block.timestamp + GRANT_DELAY);
        nextSlot();
        execute(acting(oneCall(toMachine(1, 0))));
    }

    function test_AnotherGrantThanWasProposedIsNone() public {
        Grant memory grant = grantTerms();
        grant.valuePerWindow += 1;
        encodedGrant = abi.encode(grant);
        refused(IAgentAccount.GrantNotLive.selector);
        encodedGrant = "";
        refused(IAgentAccount.GrantNotLive.selector);
    }

    function test_AGrantEnds() public {
        vm.warp(START + 12 hours + 1);
        refused(IAgentAccount.GrantNotLive.selector);
    }

    function test_AWideningStopsAGrantThatDoesNotFollow() public {
        Grant memory following = grantTerms();
        following.validUntil += 30 days;
        bytes memory stays = abi.encode(following);
        bytes32 staysId = account.propose(following);
        following.followsPolicy = true;
        (encodedGrant, grantId) = (abi.encode(following), account.propose(following));
        widen();
        execute(acting(oneCall(toMachine(1, 0))));
        (encodedGrant, grantId) = (stays, staysId);
        refused(IAgentAccount.PolicyWidened.selector);
    }

    /// Younger keys than the slot would be another draw: not even a grant that follows goes on.
    function test_APolicyMustWantKeysOlderThanTheRequest() public {
        Grant memory grant = grantTerms();
        grant.policyId = policyId;
        vm.expectPartialRevert(IAgentAccount.GrantRefused.selector);
        account.propose(grant);

        grant = grantTerms();
        (grant.followsPolicy, grant.validUntil) = (true, grant.validUntil + 30 days);
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        PolicyChange[] memory changes = one(PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, 0));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(agentPolicy, changes);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(agentPolicy, changes);
        admitUnder(agentPolicy, alice);
        nextSlot();
        refused(IAgentAccount.PolicyWidened.selector);
    }

    function test_AGrantThatBoundsNothingIsNone() public {
        Grant memory grant = grantTerms();
        grant.windowSeconds = 0;
        expectInvalid(grant, "windowSeconds");
        grant = grantTerms();
        grant.maxCalls = 0;
        expectInvalid(grant, "maxCalls");
        grant = grantTerms();
        grant.lifetimeSeconds = 60;
        expectInvalid(grant, "slotSeconds");
        grant.slotSeconds = 0;
        expectInvalid(grant, "callers");
        grant = grantTerms();
        grant.tokens = new TokenLimit[](2);
        grant.tokens[0] = TokenLimit(address(coin), 1);
        grant.tokens[1] = TokenLimit(address(coin), 2);
        expectInvalid(grant, "tokens");
        grant = grantTerms();
        grant.tokens[0].token = address(0);
        expectInvalid(grant, "tokens");
        grant = grantTerms();
        grant.permissions[1].limits[0].values = new bytes32[](0);
        expectInvalid(grant, "limit");
        grant = grantTerms();
        grant.permissions[2].limits = grant.permissions[1].limits;
        expectInvalid(grant, "permission");
    }

    /// What is approved is taken later, outside of every window: its spender must be listed.
    function test_AnApprovalMustListItsSpenders() public {
        string[12] memory functions = [
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "increaseApproval(address,uint256)",
            "setApprovalForAll(address,bool)",
            "approveAndCall(address,uint256)",
            "approveAndCall(address,uint256,bytes)",
            "authorizeOperator(address)",
            "approve(address,uint256,uint256)",
            "setOperator(address,bool)",
            "approveDelegation(address,uint256)",
            "allow(address,bool)",
            "approve(address,address,uint160,uint48)"
        ];
        for (uint256 i = 0; i < functions.length; ++i) {
            Grant memory grant = grantTerms();
            grant.permissions[0].selector = bytes4(keccak256(bytes(functions[i])));
            expectInvalid(grant, "approval");
            grant.permissions[0].limits = new WordLimit[](1);
            uint16 spenderWord = i == functions.length - 1 ? 1 : 0;
            grant.permissions[0].limits[0] = WordLimit(spenderWord, WordRule.AtMost, words("spender"));
            expectInvalid(grant, "approval");
            grant.permissions[0].limits[0].rule = WordRule.OneOf;
            account.propose(grant);
        }
    }

    function test_OwnershipIsHandedOverInTwoStepsOrGivenUp() public {
        account.offerOwnership(FRIEND);
        assertEq(account.owner(), address(this), "not yet");
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.acceptOwnership();
        vm.prank(FRIEND);
        account.acceptOwnership();
        assertEq(account.owner(), FRIEND, "handed over");
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.stop();
        vm.prank(FRIEND);
        account.renounceOwnership();
        vm.prank(FRIEND);
        vm.expectPartialRevert(IAgentAccount.NotOwner.selector);
        account.stop();
        execute(acting(oneCall(toMachine(1, 0))));
        assertEq(machine.turns(), 1, "its grants go on");
    }

    function test_TheOwnerTakesMoneyOutButDoesNotCallTheAccountAsItself() public {
        account.callAsOwner(Call(FRIEND, 3 ether, ""));
        assertEq(FRIEND.balance, 3 ether, "out");
        vm.expectPartialRevert(IAgentAccount.TargetForbidden.selector);
        account.callAsOwner(Call(address(account), 0, ""));
        vm.expectPartialRevert(IAgentAccount.CallFailed.selector);
        account.callAsOwner(Call(address(machine), 0, hex"12345678"));
    }

    /// Whatever a grant lists: a run that calls the account could act as its owner.
    function test_NoRunCallsTheAccountItself() public {
        Grant memory grant = grantTerms();
        grant.permissions[0] =
            Permission(address(account), IAgentAccount.stop.selector, 0, new WordLimit[](0));
        uint256 now_ = block.timestamp;
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        vm.warp(now_ + GRANT_DELAY);
        nextSlot();
        SignedRun memory run =
            acting(oneCall(Call(address(account), 0, abi.encodeCall(IAgentAccount.stop, ()))));
        vm.expectPartialRevert(IAgentAccount.TargetForbidden.selector);
        execute(run);
    }

    /// 144 slots of ten minutes send nothing; the run that acts then is paid for them, up to the grant's cap.
    function test_IdleSlotsSendNothingAndAreClaimedByTheNextRunThatActs() public {
        uint256 slots = 144;
        Grant memory grant = grantTerms();
        (grant.validUntil, grant.gasPriceCap, grant.maxIdleClaims) = (grant.validUntil + 30 days, 0, 144);
        uint256 now_ = block.timestamp;
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        vm.warp(now_ + GRANT_DELAY);
        nextSlot();
        admitUnder(agentPolicy, alice);
        nextSlot();
        IdleRun[] memory idle = new IdleRun[](slots);
        for (uint256 i = 0; i < slots; ++i) {
            AnswerStatus status = i % 3 == 0 ? AnswerStatus.ProgramFailed : AnswerStatus.Ok;
            idle[i] = idleRun(slot(), block.number - 1, status);
            if (i % 100 == 99) admitUnder(agentPolicy, alice);
            nextSlot();
        }
        vm.roll(block.number + 1);
        uint256 before = alice.keyset.payee.balance;
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        account.execute(encodedGrant, run, idle);
        assertEq(alice.keyset.payee.balance - before, (slots + 1) * RUN_FEE, "a fee for each");
        // None is claimed again.
        nextSlot();
        run = acting(oneCall(toMachine(1, 0)));
        vm.expectPartialRevert(IAgentAccount.IdleRunRefused.selector);
        account.execute(encodedGrant, run, idle);
    }

    function test_RevertWhen_AnIdleRunIsNotOne() public {
        IdleRun[] memory idle = new IdleRun[](1);
        uint64 first = slot();
        uint256 block_ = block.number - 1;
        nextSlot();
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        // Of this slot; with another status; that called something; by another key.
        idle[0] = idleRun(slot(), block_, AnswerStatus.Ok);
        expectIdleRefused(run, idle);
        idle[0] = idleRun(first, block_, AnswerStatus.Refused);
        expectIdleRefused(run, idle);
        idle[0] = idleRun(first, block_, AnswerStatus.Ok);
        AgentRun memory called = runOfSlot(first, blockhash(block_));
        Answer memory answer = answerFor(called, AnswerStatus.Ok, abi.encode(oneCall(toMachine(1, 0))));
        idle[0].signature = signAgent(alice, called, answer);
        expectIdleRefused(run, idle);
        answer = answerFor(called, AnswerStatus.Ok, abi.encode(new Call[](0)));
        idle[0].signature = signAgent(makeEnclave("other"), called, answer);
        expectIdleRefused(run, idle);
        // Twice.
        idle = new IdleRun[](2);
        (idle[0], idle[1]) =
        (idleRun(first, block_, AnswerStatus.Ok), idleRun(first, block_, AnswerStatus.Ok));
        expectIdleRefused(run, idle);
        // More than the grant pays for.
        expectIdleRefused(run, new IdleRun[](201));
    }

    function expectIdleRefused(SignedRun memory run, IdleRun[] memory idle) private {
        vm.expectPartialRevert(IAgentAccount.IdleRunRefused.selector);
        account.execute(encodedGrant, run, idle);
    }

    function requestMode() private returns (uint64 nonce) {
        Grant memory grant = grantTerms();
        (grant.slotSeconds, grant.lifetimeSeconds) = (0, 1 hours);
        grant.callers = new address[](1);
        grant.callers[0] = FRIEND;
        uint256 now_ = block.timestamp;
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        vm.warp(now_ + GRANT_DELAY);
        vm.prank(STRANGER);
        vm.expectPartialRevert(IAgentAccount.NotACaller.selector);
        account.requestRun(encodedGrant, "input");
        vm.prank(FRIEND);
        nonce = account.requestRun(encodedGrant, "input");
    }

    function test_AnInputIsCommittedByACallerAndActsOnce() public {
        uint64 nonce = requestMode();
        RunInput memory input =
            RunInput(nonce, uint40(block.timestamp), uint48(block.number), keccak256("input"));
        vm.roll(block.number + 1);
        AgentRun memory run = runOfSlot(nonce, blockhash(input.blockNumber));
        (run.inputHash, run.requestedAt) = (input.inputHash, input.requestedAt);
        run.deadline = input.requestedAt + 1 hours;
        SignedRun memory signed = signedRun(run, input.blockNumber, oneCall(toMachine(5, 0)));

        RunInput memory other = RunInput(nonce, input.requestedAt, input.blockNumber, keccak256("other"));
        vm.expectPartialRevert(IAgentAccount.InputNotPending.selector);
        account.executeRequest(encodedGrant, signed, other);
        signed.stateBlockNumber += 1;
        vm.expectPartialRevert(IAgentAccount.InputNotPending.selector);
        account.executeRequest(encodedGrant, signed, input);
        signed.stateBlockNumber -= 1;
        // Slots are another grant's.
        vm.expectPartialRevert(IAgentAccount.SlotNotDue.selector);
        account.execute(encodedGrant, signed, new IdleRun[](0));

        account.executeRequest(encodedGrant, signed, input);
        assertEq(machine.turns(), 5, "acted");
        vm.expectPartialRevert(IAgentAccount.InputNotPending.selector);
        account.executeRequest(encodedGrant, signed, input);
    }

    function test_RevertWhen_AnInputsTimeIsOver() public {
        uint64 nonce = requestMode();
        RunInput memory input =
            RunInput(nonce, uint40(block.timestamp), uint48(block.number), keccak256("input"));
        vm.roll(block.number + 1);
        AgentRun memory run = runOfSlot(nonce, blockhash(input.blockNumber));
        (run.inputHash, run.requestedAt) = (input.inputHash, input.requestedAt);
        run.deadline = input.requestedAt + 1 hours;
        SignedRun memory signed = signedRun(run, input.blockNumber, oneCall(toMachine(5, 0)));
        vm.warp(uint256(input.requestedAt) + 1 hours + 1);
        vm.expectPartialRevert(IAgentAccount.InputNotPending.selector);
        account.executeRequest(encodedGrant, signed, input);
    }

    function test_AnAccountNeedsAnOwner() public {
        vm.expectRevert();
        deployAccount(address(0));
    }

    function test_ARunsIdIsItsStructHash() public view {
        AgentRun memory run = runOfSlot(1, keccak256("block"));
        assertEq(AgentRuns.id(run), keccak256(abi.encode(AgentRuns.TYPEHASH, run)), "id");
    }
}
