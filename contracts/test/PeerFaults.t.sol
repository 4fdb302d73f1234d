// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal, SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { HostileConsumer } from "./support/Consumers.sol";
import { SimulatedEnclave, World } from "./support/World.sol";

/// Each fault here was seen in a deployed or published oracle. `SubscriptionsTest` has "subscription emptied while a request is
/// open", `BatchTest` "batch root accepted without checking leaves", `AttestationResultVerifierTest` the verifier's part of
/// "result accepted without a signature".
contract PeerFaultsTest is World {
    HostileConsumer private hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileConsumer(coordinator, policyId);
    }

    function askHostile(HostileConsumer.Mode mode) internal returns (Request memory request) {
        hostile.setMode(mode);
        return askFrom(hostile, terms());
    }

    function isSettled(Request memory request) internal view returns (bool) {
        return !isPending(request);
    }

    function testFuzz_AttestationIsReadByTheContract(uint256 bit) public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        bytes memory evidence = evidenceOf(bob);
        bit = bound(bit, 0, (48 + 584) * 8 - 1);
        evidence[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert();
        enclaves.admit(policyId, bob.keyset, block.number - 1, simulated, evidence);
        evidence[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        enclaves.admit(policyId, bob.keyset, block.number - 1, simulated, evidence);
    }

    function test_NoCallerIsBelievedWithoutASignature() public {
        Request memory request = ask();
        SignedAnswer memory unsigned = ok(request, "yes");
        unsigned.signature = "";
        address[4] memory callers = [alice.keyset.answerKey, alice.keyset.payee, POLICY_OWNER, GUARDIAN];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
            coordinator.fulfill(request, unsigned);
        }
    }

    function test_AnswersOfAnotherChainOrDeploymentAreRefused() public {
        Request memory request = ask();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, "yes", alice);
        SignedAnswer memory signed = sign(answer, "yes", alice);
        IOracleCoordinator twin = deployCoordinator(IChainAdapter(address(0)));
        signed.signature = signBy(alice, Answers.digest(answer, block.chainid, address(twin)));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, signed);
        signed.signature = signBy(alice, Answers.digest(answer, block.chainid + 1, address(coordinator)));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, signed);
        // A fork keeps the commitment; under its new chain id the old chain's answer is no answer.
        signed.signature = signBy(alice, Answers.digest(answer, block.chainid, address(coordinator)));
        vm.chainId(1337);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, signed);
    }

    function test_TheSameAnswerIsNotAcceptedTwice() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        coordinator.fulfill(request, signed);
        expectRefusal(request, Refusal.NotPending);
        coordinator.fulfill(request, signed);
        // Nor for a second request that asks the same.
        Request memory again = ask();
        expectRefusal(again, Refusal.AnswersAnotherRequest);
        coordinator.fulfill(again, signed);
    }

    function testFuzz_PromptCannotBeChangedAfterTheRequest(bytes32 otherPayloadHash) public {
        Request memory request = ask();
        vm.assume(otherPayloadHash != request.payloadHash);
        Request memory changed = request;
        changed.payloadHash = otherPayloadHash;
        SignedAnswer memory signed = ok(changed, "yes");
        expectRefusal(changed, Refusal.NotPending);
        coordinator.fulfill(changed, signed);
    }

    /// Whatever gas is sent, the callback has all it was promised or nothing happens and nobody is paid.
    function testFuzz_CallbackIsNeverStarvedByThe63In64Rule(uint256 gasSent) public {
        gasSent = bound(gasSent, 60_000, 500_000);
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        try coordinator.fulfill{ gas: gasSent }(request, signed) {
            assertEq(consumer.deliveries(Requests.id(request)), 1, "delivered");
            assertTrue(consumer.lastGas() > request.callbackGasLimit - 5_000, "with its gas");
        } catch {
            assertTrue(!isSettled(request), "or still pending");
            assertEq(coordinator.creditOf(alice.keyset.payee), 0, "and nobody is paid");
        }
    }

    function testFuzz_CallbackIsNotSkippedAtAHighGasPrice(uint256 gasPrice) public {
        Request memory request = ask();
        vm.txGasPrice(bound(gasPrice, GAS_PRICE_CAP, 1e6 gwei));
        fulfill(request, ok(request, "yes"));
        assertEq(consumer.deliveries(Requests.id(request)), 1, "delivered");
    }

    function test_RevertingCallbackDoesNotBlockDelivery() public {
        Request memory request = askHostile(HostileConsumer.Mode.Revert);
        fulfill(request, ok(request, "yes"));
        assertTrue(isSettled(request), "settled");
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "and paid");
    }

    function test_CallbackThatBurnsItsGasCostsOnlyItself() public {
        Request memory request = askHostile(HostileConsumer.Mode.BurnGas);
        uint256 before = gasleft();
        fulfill(request, ok(request, "yes"));
        assertTrue(before - gasleft() < request.callbackGasLimit + 200_000, "bounded");
        assertTrue(
            coordinator.creditOf(alice.keyset.payee) > FEE + 200_000 * 1 gwei, "the burnt gas is repaid"
        );
    }

    function test_ReturnDataBombCostsOnlyItself() public {
        HostileConsumer.Mode[2] memory modes =
            [HostileConsumer.Mode.ReturnBomb, HostileConsumer.Mode.RevertBomb];
        for (uint256 i = 0; i < modes.length; ++i) {
            RequestTerms memory asked = terms();
            asked.callbackGasLimit = 3_000_000;
            hostile.setMode(modes[i]);
            Request memory request = askFrom(hostile, asked);
            SignedAnswer memory signed = ok(request, "yes");
            uint256 before = gasleft();
            coordinator.fulfill(request, signed);
            // A megabyte of memory costs 2 million gas: once inside the callback, and not again outside.
            assertTrue(before - gasleft() < 3_000_000 + 150_000, "not copied");
            assertTrue(isSettled(request), "settled");
        }
    }

    function test_ReentrancyFromTheCallbackGainsNothing() public {
        Request memory request = askHostile(HostileConsumer.Mode.Reenter);
        Request memory second = askFrom(hostile, terms());
        SignedAnswer memory signed = ok(request, "yes");
        hostile.addCall(abi.encodeCall(coordinator.fulfill, (request, signed)));
        hostile.addCall(abi.encodeCall(coordinator.fulfill, (second, ok(second, "yes"))));
        hostile.addCall(abi.encodeCall(coordinator.refund, (request)));
        coordinator.fulfill(request, signed);
        bool[] memory results = hostile.results();
        assertEq(results.length, 3, "all were tried");
        for (uint256 i = 0; i < results.length; ++i) {
            assertTrue(!results[i], "none got through");
        }
        assertTrue(!isSettled(second), "the other request waits for its own transaction");
    }

    function test_ReentrancyFromRefundAndWithdrawalGainsNothing() public {
        RequestTerms memory asked = terms();
        asked.refundTo = address(hostile);
        hostile.setMode(HostileConsumer.Mode.Reenter);
        Request memory request = askFrom(hostile, asked);
        askFrom(hostile, asked);
        uint256 held = address(coordinator).balance;
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        hostile.addCall(abi.encodeCall(coordinator.withdraw, (address(hostile))));
        hostile.addCall(abi.encodeCall(coordinator.refund, (request)));
        coordinator.withdraw(address(hostile));
        assertEq(address(hostile).balance, held / 2, "its own money, once");
        assertEq(address(coordinator).balance, held / 2, "and no more");
    }

    function testFuzz_CostAboveTheEscrowIsCappedAndDelivered(uint64 gasPrice) public {
        // Gas is repaid at the cap, far above what the escrow was computed for: the callback's share is spent, the calldata is long.
        RequestTerms memory asked = terms();
        asked.callbackGasLimit = 1;
        asked.maxOutputBytes = 0;
        asked.gasPriceCap = type(uint64).max / 1e6;
        Request memory request = ask(asked);
        vm.fee(bound(gasPrice, 1, type(uint64).max));
        vm.txGasPrice(block.basefee);
        uint256 escrow = pendingEscrow(request);
        fulfill(request, ok(request, ""));
        assertTrue(isSettled(request), "settled");
        assertEq(
            coordinator.creditOf(alice.keyset.payee) + coordinator.creditOf(PAYER),
            escrow,
            "never more than escrow"
        );
    }

    function test_TheKeyIsRevokedAndNotItsOwner() public {
        SimulatedEnclave memory second = makeEnclave("second of the same operator");
        second.keyset.payee = alice.keyset.payee;
        second = reidentified(second);
        admit(second);
        Request memory request = ask();
        vm.prank(POLICY_OWNER);
        bytes32 key = bytes32(uint256(uint160(alice.keyset.answerKey)));
        enclaves.narrow(policyId, one(PolicyChange(PolicyRules.REVOKED_KEYSET, alice.keysetId, key)));
        SignedAnswer memory byRevoked = ok(request, "yes");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, byRevoked);
        bytes memory evidence = evidenceOf(alice);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.KeysetRevoked.selector, alice.keysetId));
        enclaves.admit(policyId, alice.keyset, block.number - 1, simulated, evidence);
        coordinator.fulfill(request, sign(answerTo(request, AnswerStatus.Ok, "yes", second), "yes", second));
    }

    function reidentified(SimulatedEnclave memory enclave) internal pure returns (SimulatedEnclave memory) {
        enclave.keysetId = keccak256(
            abi.encode(
                keccak256(
                    "Keyset(address answerKey,bytes32 tlsKeyHash,bytes32 sealingKey,bytes32 logKey,bytes32 behaviourDigest,bytes32 operatorDigest,bytes32 softwareVersionHash,address payee)"
                ),
                enclave.keyset
            )
        );
        return enclave;
    }

    function test_KeysExpireUnlessTheyAttestAgain() public {
        RequestTerms memory asked = terms();
        vm.warp(START + VALIDITY - 1 hours);
        asked.deadline = uint40(block.timestamp) + 2 hours;
        Request memory request = ask(asked);
        vm.warp(START + VALIDITY + 1);
        SignedAnswer memory signed = ok(request, "yes");
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionExpired.selector);
        coordinator.fulfill(request, signed);
        admit(alice);
        coordinator.fulfill(request, signed);
    }

    function test_FundsAreNotLockedWhenNobodyAnswers() public {
        Request memory request = ask();
        vm.warp(request.deadline + 1);
        vm.prank(address(0xDEAD));
        coordinator.refund(request);
        coordinator.withdraw(PAYER);
        assertEq(address(coordinator).balance, 0, "all back");
    }

    function test_FeeIsNotStolenByCopyingAFulfilment() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        address copier = address(0xC0);
        vm.prank(copier);
        coordinator.fulfill(request, signed);
        assertEq(coordinator.creditOf(copier), 0, "the copier paid for the gas");
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "the payee earned");
    }

    function test_AdmissionCopiedFromTheMempoolPaysTheSamePayee() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        bytes memory evidence = evidenceOf(bob);
        vm.prank(address(0xC0));
        enclaves.admit(policyId, bob.keyset, block.number - 1, simulated, evidence);
        assertEq(
            enclaves.admission(policyId, bob.keysetId, bob.keyset.answerKey).payee,
            bob.keyset.payee,
            "its payee"
        );
        bob.keyset.payee = address(0xC0);
        vm.expectPartialRevert(IAttestationVerifier.ReportDataMismatch.selector);
        enclaves.admit(policyId, bob.keyset, block.number - 1, simulated, evidence);
    }

    function test_CancelAfterReadingTheAnswerComesTooLate() public {
        Request memory request = ask();
        SignedAnswer memory inTheMempool = ok(request, "yes");
        vm.prank(PAYER);
        coordinator.cancel(request);
        vm.expectPartialRevert(IOracleCoordinator.NotRefundable.selector);
        coordinator.refund(request);
        vm.warp(block.timestamp + CANCEL_DELAY - 1);
        fulfill(request, inTheMempool);
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "paid");
    }

    function test_CancelTakesEffectAfterItsDelay() public {
        Request memory request = ask();
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.NotAuthorized.selector, address(this)));
        coordinator.cancel(request);
        vm.prank(address(consumer));
        coordinator.cancel(request);
        vm.prank(PAYER);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.CancelAlreadyNoticed.selector, Requests.id(request))
        );
        coordinator.cancel(request);
        vm.warp(block.timestamp + CANCEL_DELAY);
        SignedAnswer memory late = ok(request, "yes");
        expectRefusal(request, Refusal.Cancelled);
        coordinator.fulfill(request, late);
        coordinator.refund(request);
        assertEq(coordinator.creditOf(PAYER), address(coordinator).balance, "all back");
    }
}
