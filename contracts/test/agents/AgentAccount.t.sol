// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentRun } from "../../src/agents/AgentRun.sol";
import { CallRules } from "../../src/agents/CallRules.sol";
import { Call } from "../../src/agents/Grant.sol";
import { IAgentAccount, IdleRun, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { IEnclaveRegistry } from "../../src/interfaces/IEnclaveRegistry.sol";
import { Answer, AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { AgentWorld, Machine } from "../support/AgentWorld.sol";
import { SimulatedEnclave } from "../support/RegistryWorld.sol";

/// What a signed run does, what it is paid, and everything that refuses it.
contract AgentAccountTest is AgentWorld {
    function refused(SignedRun memory run, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        execute(run);
    }

    function test_ARunActsAndPaysThePayee() public {
        uint256 before = alice.keyset.payee.balance;
        execute(acting(oneCall(toMachine(7, 0.5 ether))));
        assertEq(machine.turns(), 7, "acted");
        assertEq(address(machine).balance, 0.5 ether, "with its value");
        uint256 paid = alice.keyset.payee.balance - before;
        assertTrue(paid > RUN_FEE && paid < RUN_FEE + 200_000 * 1 gwei, "the fee, and gas");
        (, uint128 spent) = account.outflowOf(grantId, address(0));
        assertEq(spent, 0.5 ether + paid, "both count");
    }

    function test_ASlotActsOnce() public {
        execute(acting(oneCall(toMachine(1, 0))));
        refused(acting(oneCall(toMachine(2, 0))), IAgentAccount.SlotNotDue.selector);
        nextSlot();
        execute(acting(oneCall(toMachine(2, 0))));
        assertEq(machine.turns(), 3, "once each");
    }

    function test_RevertWhen_TheSlotIsNotThePresentOne() public {
        bytes32 hash = blockhash(block.number - 1);
        for (uint64 i = 0; i < 2; ++i) {
            SignedRun memory run =
                signedRun(runOfSlot(slot() - 1 + 2 * i, hash), block.number - 1, oneCall(toMachine(1, 0)));
            refused(run, IAgentAccount.SlotNotDue.selector);
        }
    }

    /// Each field of what was signed: with another one it is no run that the enclave answered.
    function test_RevertWhen_AnyFieldOfTheRunIsAnother() public {
        AgentRun memory run;
        for (uint256 field = 0; field < 10; ++field) {
            run = runOfSlot(slot(), blockhash(block.number - 1));
            if (field == 0) run.chainId = 1;
            if (field == 1) run.account = STRANGER;
            if (field == 2) run.grantId = keccak256("another");
            if (field == 3) run.programHash = keccak256("another");
            if (field == 4) run.inputHash = keccak256("input");
            if (field == 5) run.policyId = policyId;
            if (field == 6) run.requestedAt += 1;
            if (field == 7) run.nonce += 1;
            if (field == 8) run.stateBlockHash = blockhash(block.number - 2);
            if (field == 9) run.deadline += 1;
            SignedRun memory signed = signedRun(run, block.number - 1, oneCall(toMachine(1, 0)));
            signed.nonce = slot();
            if (field == 6) signed.answeredAt -= 1;
            refused(signed, IEnclaveRegistry.SignerNotAdmitted.selector);
        }
    }

    function test_RevertWhen_AnythingOfTheAnswerIsAnother() public {
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        run.output = abi.encode(oneCall(toMachine(2, 0)));
        refused(run, IEnclaveRegistry.SignerNotAdmitted.selector);
        run = acting(oneCall(toMachine(1, 0)));
        run.transcriptRoot = keccak256("another");
        refused(run, IEnclaveRegistry.SignerNotAdmitted.selector);
        run = acting(oneCall(toMachine(1, 0)));
        run.answeredAt += 1;
        refused(run, IEnclaveRegistry.SignerNotAdmitted.selector);
        run = acting(oneCall(toMachine(1, 0)));
        run.keysetId = keccak256("another");
        refused(run, IEnclaveRegistry.SignerNotAdmitted.selector);
        run = acting(oneCall(toMachine(1, 0)));
        run.signature[64] = bytes1(uint8(run.signature[64]) ^ 1);
        refused(run, IEnclaveRegistry.SignerNotAdmitted.selector);
    }

    function test_RevertWhen_TheBlockIsUnknownOrOld() public {
        AgentRun memory run = runOfSlot(slot(), keccak256("nobody knows it"));
        refused(
            signedRun(run, block.number, oneCall(toMachine(1, 0))), IAgentAccount.StateBlockRefused.selector
        );
        // Later slots name later blocks: what was answered over an old one was not of this slot.
        execute(acting(oneCall(toMachine(1, 0))));
        uint256 used = block.number - 1;
        nextSlot();
        run = runOfSlot(slot(), blockhash(used));
        refused(signedRun(run, used, oneCall(toMachine(1, 0))), IAgentAccount.StateBlockRefused.selector);
    }

    function test_RevertWhen_TheAnswerIsOutsideItsTime() public {
        AgentRun memory run = runOfSlot(slot(), blockhash(block.number - 1));
        Answer memory answer = answerFor(run, AnswerStatus.Ok, abi.encode(oneCall(toMachine(1, 0))));
        SignedRun memory signed = signedRun(run, block.number - 1, oneCall(toMachine(1, 0)));
        for (uint256 i = 0; i < 2; ++i) {
            answer.answeredAt = i == 0 ? run.requestedAt - 301 : uint64(block.timestamp + 301);
            signed.answeredAt = uint40(answer.answeredAt);
            signed.signature = signAgent(alice, run, answer);
            refused(signed, IAgentAccount.AnsweredAtRefused.selector);
        }
    }

    function test_RevertWhen_TheStatusIsNotOk() public {
        AgentRun memory run = runOfSlot(slot(), blockhash(block.number - 1));
        SignedRun memory signed = signedRun(run, block.number - 1, oneCall(toMachine(1, 0)));
        for (uint8 status = 2; status < 10; ++status) {
            Answer memory answer = answerFor(run, AnswerStatus(status), signed.output);
            signed.signature = signAgent(alice, run, answer);
            refused(signed, IEnclaveRegistry.SignerNotAdmitted.selector);
        }
    }

    /// A policy's narrowing reaches runs as it reaches answers; a key that is younger than the slot serves the next.
    function test_RevertWhen_TheKeyIsRevokedOrYoungerThanTheSlot() public {
        SimulatedEnclave memory young = makeEnclave("young");
        admitUnder(agentPolicy, young);
        AgentRun memory run = runOfSlot(slot(), blockhash(block.number - 1));
        SignedRun memory signed = signedRun(run, block.number - 1, oneCall(toMachine(1, 0)));
        Answer memory answer = answerFor(run, AnswerStatus.Ok, signed.output);
        (signed.keysetId, answer.keysetId) = (young.keysetId, young.keysetId);
        signed.signature = signAgent(young, run, answer);
        refused(signed, IEnclaveRegistry.AdmittedAfterRequest.selector);

        bytes32 key = bytes32(uint256(uint160(alice.keyset.answerKey)));
        vm.prank(GUARDIAN);
        enclaves.narrow(agentPolicy, one(PolicyChange(PolicyRules.REVOKED_KEYSET, alice.keysetId, key)));
        refused(acting(oneCall(toMachine(1, 0))), IEnclaveRegistry.SignerNotAdmitted.selector);
    }

    function test_RevertWhen_ACallIsNotPermitted() public {
        Call[4] memory calls = [
            Call(address(machine), 0, abi.encodeCall(Machine.setReentrance, (STRANGER, ""))),
            Call(STRANGER, 0, abi.encodeCall(Machine.turn, (1))),
            Call(STRANGER, 1 ether, ""),
            Call(FRIEND, 0, hex"00")
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            refused(acting(oneCall(calls[i])), CallRules.CallNotPermitted.selector);
        }
        refused(acting(oneCall(Call(FRIEND, 0, hex"00000000"))), CallRules.CallNotPermitted.selector);
    }

    /// An injected "send everything to me" is refused by the account, whatever the model said.
    function test_RevertWhen_AnArgumentIsOutsideItsLimit() public {
        Call memory toStranger = Call(address(coin), 0, abi.encodeCall(coin.transfer, (STRANGER, 1)));
        refused(acting(oneCall(toStranger)), CallRules.CallNotPermitted.selector);
        refused(acting(oneCall(toFriend(100 ether + 1))), CallRules.CallNotPermitted.selector);
        Call memory short_ = Call(address(coin), 0, abi.encodeWithSelector(coin.transfer.selector, FRIEND));
        refused(acting(oneCall(short_)), CallRules.CallNotPermitted.selector);
        execute(acting(oneCall(toFriend(100 ether))));
        assertEq(coin.balanceOf(FRIEND), 100 ether, "at the limit");
    }

    function test_RevertWhen_MoreWouldLeaveThanMay() public {
        execute(acting(oneCall(toFriend(100 ether))));
        nextSlot();
        refused(acting(oneCall(toFriend(51 ether))), IAgentAccount.OutflowExceeded.selector);
        refused(acting(oneCall(toMachine(1, 2 ether))), IAgentAccount.OutflowExceeded.selector);
        Call[] memory calls = new Call[](2);
        (calls[0], calls[1]) = (toFriend(25 ether), toFriend(26 ether));
        refused(acting(calls), IAgentAccount.OutflowExceeded.selector);
        execute(acting(oneCall(toFriend(50 ether))));
        // The window has ended: another begins.
        vm.warp(block.timestamp + 4 hours);
        nextSlot();
        execute(acting(oneCall(toFriend(100 ether))));
        assertEq(coin.balanceOf(FRIEND), 250 ether, "in two windows");
    }

    function test_RevertWhen_ThereAreTooManyCallsOrNone() public {
        refused(acting(new Call[](0)), IAgentAccount.NothingToDo.selector);
        Call[] memory calls = new Call[](5);
        for (uint256 i = 0; i < 5; ++i) {
            calls[i] = toMachine(1, 0);
        }
        refused(acting(calls), IAgentAccount.TooManyCalls.selector);
    }

    function test_ARunActsWholeOrNotAtAll() public {
        Call[] memory calls = new Call[](2);
        (calls[0], calls[1]) = (toMachine(1, 0), toMachine(13, 0));
        vm.expectRevert(abi.encodeWithSelector(IAgentAccount.CallFailed.selector, 1));
        execute(acting(calls));
        assertEq(machine.turns(), 0, "nothing");
        assertEq(account.stateOf(grantId).nextNonce, 0, "and the slot is not spent");
    }

    function test_RevertWhen_ACallWouldGetLessGasThanItWasPromised() public {
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        bytes memory data = abi.encodeCall(account.execute, (encodedGrant, run, new IdleRun[](0)));
        bool settled = false;
        for (uint256 gas = 60_000; !settled; gas += 2_000) {
            (settled,) = address(account).call{ gas: gas }(data);
            if (!settled) assertEq(machine.turns(), 0, "not with less");
        }
        assertEq(machine.turns(), 1, "with enough");
    }

    function test_RevertWhen_ATargetComesBack() public {
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        machine.setReentrance(
            address(account), abi.encodeCall(account.execute, (encodedGrant, run, new IdleRun[](0)))
        );
        refused(run, IAgentAccount.CallFailed.selector);
    }

    function test_AnAccountWithoutMoneyActsAndPaysWhatItHas() public {
        vm.deal(address(account), RUN_FEE / 2);
        uint256 before = alice.keyset.payee.balance;
        execute(acting(oneCall(toMachine(1, 0))));
        assertEq(alice.keyset.payee.balance - before, RUN_FEE / 2, "what there is");
    }

    /// A payee that refuses money does not keep the run from acting, and nothing counts as spent.
    function test_APayeeThatTakesNothingIsNotPaid() public {
        vm.etch(alice.keyset.payee, hex"60006000fd");
        execute(acting(oneCall(toMachine(1, 0))));
        (, uint128 spent) = account.outflowOf(grantId, address(0));
        assertEq(spent, 0, "nothing left");
        assertEq(machine.turns(), 1, "acted");
    }

    /// Or it could undo what it does not like: it is called last, and sees what came of the run.
    function test_APayeeThatBurnsItsGasStopsNothing() public {
        vm.etch(alice.keyset.payee, hex"5b600056");
        SignedRun memory run = acting(oneCall(toMachine(1, 0)));
        bytes memory data = abi.encodeCall(account.execute, (encodedGrant, run, new IdleRun[](0)));
        (bool succeeded,) = address(account).call{ gas: 400_000 }(data);
        assertTrue(succeeded, "acted");
        assertEq(machine.turns(), 1, "once");
    }

    function test_WhatIsPaidStaysInsideTheWindow() public {
        uint256 before = alice.keyset.payee.balance;
        execute(acting(oneCall(toMachine(1, 2 ether - 5))));
        assertEq(alice.keyset.payee.balance - before, 5, "what may still leave");
    }
}
