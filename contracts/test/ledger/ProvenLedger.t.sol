// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { EpochPolynomial } from "../../src/ledger/EpochPolynomial.sol";
import { EpochTree } from "../../src/ledger/EpochTree.sol";
import { IEpochVerifier } from "../../src/ledger/IEpochVerifier.sol";
import { ILedger, RowProof } from "../../src/ledger/ILedger.sol";
import {
    EpochWitness,
    IProvenLedger,
    ProvenEpoch,
    ProvenTerms,
    TransitionSigner
} from "../../src/ledger/IProvenLedger.sol";
import { LedgerRows } from "../../src/ledger/LedgerRows.sol";
import { ProvenLedger } from "../../src/ledger/ProvenLedger.sol";
import { Snapshots } from "../../src/ledger/Snapshots.sol";
import { Answers } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { IEnclaveRegistry } from "../../src/interfaces/IEnclaveRegistry.sol";
import { RegistryWorld, SimulatedEnclave } from "../support/RegistryWorld.sol";

/// Says what it was told to: real proofs are in tests/epochs.
contract StubVerifier is IEpochVerifier {
    bool public answer = true;
    bool public reverts;
    /// What the data must come to; 0 for anything.
    uint256 public evaluation;

    error SumcheckFailed();

    function set(bool answer_, bool reverts_) external {
        (answer, reverts) = (answer_, reverts_);
    }

    function expect(uint256 evaluation_) external {
        evaluation = evaluation_;
    }

    function verify(bytes calldata, bytes32[] calldata inputs) external view returns (bool) {
        require(!reverts, SumcheckFailed());
        require(inputs.length == 6, SumcheckFailed());
        require(evaluation == 0 || uint256(inputs[5]) == evaluation, SumcheckFailed());
        return answer;
    }
}

contract ProvenLedgerTest is RegistryWorld {
    uint256 private constant FIELD = EpochPolynomial.FIELD;
    uint256 private constant PRICE = 1e15;
    uint32 private constant INBOX_WINDOW = 1 hours;
    uint32 private constant EXIT_WINDOW = 1 days;
    uint32 private constant REFUTE_WINDOW = 10 minutes;

    ProvenLedger private ledger;
    StubVerifier private small;
    StubVerifier private large;
    SimulatedEnclave private bob;

    function setUp() public override {
        super.setUp();
        bob = makeEnclave("bob");
        vm.warp(START);
        admit(bob);
        vm.warp(START + 10);
        (small, large) = (new StubVerifier(), new StubVerifier());
        ledger = new ProvenLedger(enclaves, small, large, termsOf(2));
    }

    function termsOf(uint8 signatures) private view returns (ProvenTerms memory) {
        return ProvenTerms({
            policyId: policyId,
            ruleId: keccak256("adyton rule register 2"),
            signatures: signatures,
            smallRows: 2,
            largeRows: 4,
            inboxPrice: uint96(PRICE),
            priorityWindowSeconds: 60,
            inboxWindowSeconds: INBOX_WINDOW,
            exitWindowSeconds: EXIT_WINDOW,
            refuteWindowSeconds: REFUTE_WINDOW
        });
    }

    function rowOf(uint8 kind, uint256 name, uint64 seq, bytes32 value) private view returns (bytes memory) {
        return abi.encodePacked(kind, LedgerRows.keyOf(address(this), bytes32(name)), seq, value);
    }

    function rootOf(bytes calldata rows) external pure returns (bytes32 root) {
        (root,,) = EpochTree.rootOf(rows);
    }

    function epochTo(uint256 newRoot) private view returns (ProvenEpoch memory) {
        return ProvenEpoch(ledger.root(), newRoot, 7, address(0xfee));
    }

    function vouch(SimulatedEnclave memory by, ProvenEpoch memory epoch, bytes memory rows)
        private
        view
        returns (EpochWitness memory)
    {
        (uint256 number,,) = ledger.progress();
        bytes32 content =
            keccak256(abi.encode(ledger.LEDGER_ID(), epoch.oldRoot, epoch.newRoot, this.rootOf(rows)));
        bytes32 digest =
            Answers.typedDigest(block.chainid, address(ledger), Snapshots.structHash(number, content));
        return EpochWitness(by.keysetId, by.keyset.answerKey, signBy(by, digest));
    }

    /// The generator of Grumpkin, named by an enclave for this ledger.
    function signerOf(SimulatedEnclave memory enclave, address for_)
        private
        view
        returns (TransitionSigner memory signer)
    {
        signer.keysetId = enclave.keysetId;
        signer.answerKey = enclave.keyset.answerKey;
        signer.x = 1;
        signer.y = 17631683881184975370165255887551781615748388533673675138860;
        signer.signature = nameKey(enclave, for_, signer.x, signer.y);
    }

    function nameKey(SimulatedEnclave memory enclave, address for_, uint256 x, uint256 y)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256("TransitionKey(uint256 x,uint256 y)");
        return
            signBy(enclave, Answers.typedDigest(block.chainid, for_, keccak256(abi.encode(typehash, x, y))));
    }

    function signersOf(TransitionSigner memory one) private pure returns (TransitionSigner[] memory list) {
        list = new TransitionSigner[](1);
        list[0] = one;
    }

    function settle(uint256 newRoot, bytes memory rows) private {
        settleBy(alice, newRoot, rows);
    }

    function settleBy(SimulatedEnclave memory by, uint256 newRoot, bytes memory rows) private {
        ProvenEpoch memory epoch = epochTo(newRoot);
        ledger.settle(epoch, signersOf(signerOf(alice, address(ledger))), vouch(by, epoch, rows), rows, "");
    }

    function expectRefused(bytes4 error, ProvenEpoch memory epoch, bytes memory rows) private {
        EpochWitness memory witness = vouch(alice, epoch, rows);
        TransitionSigner[] memory signers = signersOf(signerOf(alice, address(ledger)));
        vm.expectPartialRevert(error);
        ledger.settle(epoch, signers, witness, rows, "");
    }

    function expectSignerRefused(TransitionSigner memory signer) private {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(1);
        EpochWitness memory witness = vouch(alice, epoch, rows);
        TransitionSigner[] memory signers = signersOf(signer);
        vm.expectRevert(abi.encodeWithSelector(IProvenLedger.SignerInvalid.selector, 0));
        ledger.settle(epoch, signers, witness, rows, "");
    }

    function test_SettlesRows() public {
        bytes memory row = rowOf(LedgerRows.SIGNED, 1, 1, bytes32("value"));
        settle(11, row);
        assertEq(ledger.root(), 11, "root");
        ledger.check(row, RowProof(0, 0, 1, new bytes32[](0)));
    }

    function test_RevertWhen_AnotherStateIsTheStart() public {
        ProvenEpoch memory epoch = epochTo(1);
        epoch.oldRoot ^= 1;
        expectRefused(IProvenLedger.RootStale.selector, epoch, rowOf(LedgerRows.SIGNED, 1, 1, 0));
    }

    function test_RevertWhen_RootOrCommitmentIsBeyondTheField() public {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(FIELD);
        expectRefused(IProvenLedger.NotCanonical.selector, epoch, rows);
        epoch = epochTo(1);
        epoch.commitment = FIELD;
        expectRefused(IProvenLedger.NotCanonical.selector, epoch, rows);
    }

    function test_RevertWhen_RowsAreOfAnotherKindOrNumber() public {
        bytes4 error = IProvenLedger.RowsInvalid.selector;
        expectRefused(error, epochTo(1), rowOf(0, 1, 1, 0));
        expectRefused(error, epochTo(1), rowOf(LedgerRows.UNANSWERED, 1, 1, 0));
        bytes memory one = rowOf(LedgerRows.READ, 1, 0, 0);
        expectRefused(error, epochTo(1), bytes.concat(one, one, one, one, one));
        expectRefused(error, epochTo(1), bytes.concat(one, hex"00"));
    }

    function test_RevertWhen_TheVerifierRefusesOrReverts() public {
        bytes memory rows = rowOf(LedgerRows.READ, 1, 0, 0);
        small.set(false, false);
        expectRefused(IProvenLedger.NotProven.selector, epochTo(1), rows);
        small.set(true, true);
        expectRefused(IProvenLedger.NotProven.selector, epochTo(1), rows);
    }

    function test_LongerEpochsAreOfTheLargeVerifier() public {
        bytes memory one = rowOf(LedgerRows.READ, 1, 0, 0);
        large.set(false, false);
        settle(1, bytes.concat(one, one));
        expectRefused(IProvenLedger.NotProven.selector, epochTo(2), bytes.concat(one, one, one));
        (uint256 epochs,,) = ledger.progress();
        assertEq(epochs, 1, "epochs");
    }

    function test_RevertWhen_NobodyAdmittedVouches() public {
        bytes memory rows = rowOf(LedgerRows.READ, 1, 0, 0);
        ProvenEpoch memory epoch = epochTo(1);
        TransitionSigner[] memory signers = new TransitionSigner[](0);
        EpochWitness memory witness = vouch(alice, epoch, rows);
        witness.answerKey = bob.keyset.answerKey;
        vm.expectRevert(IProvenLedger.WitnessInvalid.selector);
        ledger.settle(epoch, signers, witness, rows, "");
        // A signature for another epoch of this ledger.
        witness = vouch(alice, epochTo(2), rows);
        vm.expectRevert(IProvenLedger.WitnessInvalid.selector);
        ledger.settle(epoch, signers, witness, rows, "");
        witness = vouch(makeEnclave("mallory"), epoch, rows);
        vm.expectRevert();
        ledger.settle(epoch, signers, witness, rows, "");
    }

    function test_AStolenKeySettlesNothingOnceThePolicyNarrows() public {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(1);
        EpochWitness memory byAlice = vouch(alice, epoch, rows);
        EpochWitness memory byBob = vouch(bob, epoch, rows);
        TransitionSigner[] memory signedByAlice = signersOf(signerOf(alice, address(ledger)));
        TransitionSigner[] memory signedByBob = signersOf(signerOf(bob, address(ledger)));
        vm.prank(POLICY_OWNER);
        enclaves.narrow(
            policyId,
            one(
                PolicyChange(
                    PolicyRules.REVOKED_KEYSET,
                    alice.keysetId,
                    bytes32(uint256(uint160(alice.keyset.answerKey)))
                )
            )
        );
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        ledger.settle(epoch, signedByBob, byAlice, rows, "");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        ledger.settle(epoch, signedByAlice, byBob, rows, "");
        ledger.settle(epoch, signedByBob, byBob, rows, "");
        assertEq(ledger.root(), 1, "root");
    }

    /// Nobody needs it to be alive, until its admission ends: then others are asked.
    function test_WhatADeadEnclaveSignedSettlesWhileItIsAdmitted() public {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        TransitionSigner[] memory signers = signersOf(signerOf(alice, address(ledger)));
        vm.warp(START + VALIDITY / 2);
        vm.roll(block.number + 100);
        admit(bob);
        vm.warp(START + VALIDITY);
        ProvenEpoch memory epoch = epochTo(1);
        ledger.settle(epoch, signers, vouch(bob, epoch, rows), rows, "");
        vm.warp(block.timestamp + 1);
        epoch = epochTo(2);
        EpochWitness memory witness = vouch(bob, epoch, rows);
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionExpired.selector);
        ledger.settle(epoch, signers, witness, rows, "");
        ledger.settle(epoch, signersOf(signerOf(bob, address(ledger))), witness, rows, "");
        assertEq(ledger.root(), 2, "root");
    }

    /// Signatures and proofs are of this name: on a fork, under another rule or beside, it is another.
    function test_ALedgersNameIsOfOneChainOneAddressAndOneRule() public {
        ProvenTerms memory terms = termsOf(2);
        uint256 start = vm.snapshotState();
        (address at, uint256 id) = nameOf(terms);
        assertTrue(ledger.LEDGER_ID() != id, "address");
        vm.revertToState(start);
        vm.chainId(1);
        (address same, uint256 other) = nameOf(terms);
        assertEq(same, at, "at");
        assertTrue(other != id, "chain");
        vm.revertToState(start);
        vm.chainId(31337);
        terms.ruleId = keccak256("adyton rule budget 2");
        (same, other) = nameOf(terms);
        assertEq(same, at, "at");
        assertTrue(other != id, "rule");
    }

    function nameOf(ProvenTerms memory terms) private returns (address, uint256) {
        ProvenLedger made = new ProvenLedger(enclaves, small, large, terms);
        return (address(made), made.LEDGER_ID());
    }

    function test_RevertWhen_ASignersKeyIsNoPoint() public {
        TransitionSigner memory signer = signerOf(alice, address(ledger));
        signer.y += 1;
        signer.signature = nameKey(alice, address(ledger), signer.x, signer.y);
        expectSignerRefused(signer);
        (signer.x, signer.y) = (0, 0);
        signer.signature = nameKey(alice, address(ledger), 0, 0);
        expectSignerRefused(signer);
        signer = signerOf(alice, address(ledger));
        signer.x += FIELD;
        signer.signature = nameKey(alice, address(ledger), signer.x, signer.y);
        expectSignerRefused(signer);
    }

    function test_RevertWhen_AKeyWasNamedForAnotherLedgerOrByNobody() public {
        expectSignerRefused(signerOf(alice, address(this)));
        TransitionSigner memory signer = signerOf(alice, address(ledger));
        signer.answerKey = bob.keyset.answerKey;
        expectSignerRefused(signer);
    }

    function test_RevertWhen_OneMachineIsListedTwice() public {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(1);
        EpochWitness memory witness = vouch(alice, epoch, rows);
        TransitionSigner[] memory signers = new TransitionSigner[](2);
        signers[0] = signerOf(alice, address(ledger));
        signers[1] = signerOf(alice, address(ledger));
        vm.expectRevert(abi.encodeWithSelector(IProvenLedger.SignerInvalid.selector, 1));
        ledger.settle(epoch, signers, witness, rows, "");
    }

    function test_RevertWhen_MoreSignersAreListedThanTheCircuitHas() public {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(1);
        EpochWitness memory witness = vouch(alice, epoch, rows);
        vm.expectPartialRevert(IProvenLedger.SignerInvalid.selector);
        ledger.settle(epoch, new TransitionSigner[](9), witness, rows, "");
    }

    function ofRows(bytes calldata rows, uint256 z) external pure returns (uint256) {
        return EpochPolynomial.ofRows(rows, z);
    }

    /// Settles with both, where the verifier takes them for signers of these groups and no others.
    function settleWithGroups(uint256 first, uint256 second) private {
        bytes memory rows = rowOf(LedgerRows.SIGNED, 1, 1, 0);
        ProvenEpoch memory epoch = epochTo(1);
        EpochWitness memory witness = vouch(alice, epoch, rows);
        TransitionSigner[] memory signers = new TransitionSigner[](2);
        signers[0] = signerOf(alice, address(ledger));
        signers[1] = signerOf(bob, address(ledger));
        bytes memory packed;
        for (uint256 i = 0; i < 2; ++i) {
            TransitionSigner memory signer = signers[i];
            packed = bytes.concat(packed, abi.encode(signer.keysetId, signer.answerKey, signer.x, signer.y));
        }
        uint256 z = uint256(
            keccak256(abi.encode(ledger.LEDGER_ID(), 0, epoch, keccak256(rows), keccak256(packed)))
        ) % FIELD;
        uint256 sum = this.ofRows(rows, z);
        uint256[2] memory groups = [first, second];
        for (uint256 i = 0; i < 8; ++i) {
            sum = EpochPolynomial.append(sum, z, i < 2 ? signers[i].x : 0);
            sum = EpochPolynomial.append(sum, z, i < 2 ? signers[i].y : 0);
            sum = EpochPolynomial.append(sum, z, i < 2 ? groups[i] : 0);
        }
        small.expect(sum);
        ledger.settle(epoch, signers, witness, rows, "");
    }

    function test_WhereVendorsNeedNotDifferEachMachineIsAGroup() public {
        settleWithGroups(256, 257);
        assertEq(ledger.root(), 1, "root");
    }

    /// The circuit counts groups: two machines of one vendor are one signature there, whatever the prover says of them.
    function test_WhereVendorsMustDifferTwoMachinesOfOneAreOneGroup() public {
        policyId = createPolicy(
            "vendors", one(PolicyChange(PolicyRules.DISTINCT_VENDORS, 0, bytes32(uint256(1))))
        );
        admit(alice);
        admit(bob);
        vm.warp(block.timestamp + 10);
        ledger = new ProvenLedger(enclaves, small, large, termsOf(2));
        (,, uint8 vendor,) =
            enclaves.memberOf(policyId, uint40(block.timestamp), alice.keysetId, alice.keyset.answerKey);
        assertTrue(vendor != 0, "vendor");
        settleWithGroups(vendor, vendor);
        assertEq(ledger.root(), 1, "root");
    }

    function test_OnlyTheLastOperatorSettlesWithinItsWindow() public {
        bytes memory rows = rowOf(LedgerRows.READ, 1, 0, 0);
        settle(1, rows);
        ProvenEpoch memory epoch = epochTo(2);
        TransitionSigner[] memory none = new TransitionSigner[](0);
        EpochWitness memory witness = vouch(bob, epoch, rows);
        vm.expectPartialRevert(IProvenLedger.SettlerWindow.selector);
        ledger.settle(epoch, none, witness, rows, "");
        vm.warp(block.timestamp + 61);
        settleBy(bob, 2, rows);
        assertEq(ledger.root(), 2, "root");
    }

    function test_InboxRowsAreTheQueuedOnesInTheirOrder() public {
        ledger.enqueue{ value: PRICE }(bytes32(uint256(1)), bytes32("a"));
        ledger.enqueue{ value: PRICE }(bytes32(uint256(2)), bytes32("b"));
        bytes memory first = rowOf(LedgerRows.INBOX, 1, 1, bytes32("a"));
        bytes memory second = rowOf(LedgerRows.INBOX, 2, 1, bytes32("b"));
        bytes4 error = IProvenLedger.InboxOrder.selector;
        expectRefused(error, epochTo(1), second);
        expectRefused(error, epochTo(1), bytes.concat(second, first));
        expectRefused(error, epochTo(1), rowOf(LedgerRows.INBOX, 1, 1, bytes32("c")));
        expectRefused(error, epochTo(1), rowOf(LedgerRows.INBOX, 3, 1, bytes32("a")));
        settle(1, bytes.concat(first, second));
        assertEq(ledger.owedTo(address(0xfee)), 2 * PRICE, "owed");
        expectRefused(error, epochTo(2), first);
        ledger.withdrawPayee(address(0xfee));
        assertEq(address(0xfee).balance, 2 * PRICE, "paid");
        assertEq(address(ledger).balance, 0, "kept");
    }

    function test_NothingElseSettlesWhileAQueuedRowHasWaitedTooLong() public {
        ledger.enqueue{ value: PRICE }(bytes32(uint256(1)), bytes32("a"));
        bytes memory signed = rowOf(LedgerRows.SIGNED, 2, 1, 0);
        bytes memory queued = rowOf(LedgerRows.INBOX, 1, 1, bytes32("a"));
        settle(1, signed);
        vm.warp(block.timestamp + INBOX_WINDOW + 1);
        expectRefused(IProvenLedger.InboxOrder.selector, epochTo(2), signed);
        settle(2, bytes.concat(signed, queued));
        settle(3, signed);
    }

    function test_RevertWhen_TheInboxIsNotPaid() public {
        vm.expectRevert(abi.encodeWithSelector(IProvenLedger.PriceWrong.selector, PRICE));
        ledger.enqueue{ value: PRICE - 1 }(0, 0);
    }

    function test_ExitNeedsNoProofAndNoEnclave() public {
        bytes memory old = rowOf(LedgerRows.SIGNED, 1, 1, bytes32("old"));
        bytes memory newer = rowOf(LedgerRows.INBOX, 1, 2, bytes32("new"));
        settle(1, old);
        ledger.enqueue{ value: PRICE }(bytes32(uint256(1)), bytes32("new"));
        settle(2, newer);
        RowProof memory proof = RowProof(0, 0, 1, new bytes32[](0));
        vm.expectRevert(ILedger.NotExit.selector);
        ledger.claim(old, proof);
        ledger.enqueue{ value: PRICE }(bytes32(uint256(9)), 0);
        vm.warp(block.timestamp + EXIT_WINDOW + 1);
        assertTrue(ledger.isExit(), "exit");
        ledger.claim(old, proof);
        proof.epoch = 1;
        ledger.refute(newer, proof);
        vm.warp(block.timestamp + REFUTE_WINDOW + 1);
        (uint64 seq, bytes32 value) = ledger.claimed(LedgerRows.keyOf(address(this), bytes32(uint256(1))));
        assertEq(seq, 2, "seq");
        assertEq(value, bytes32("new"), "value");
    }

    function test_ARowThatWroteNothingIsNoClaim() public {
        ledger.enqueue{ value: PRICE }(bytes32(uint256(1)), 0);
        bytes memory dropped = rowOf(LedgerRows.INBOX, 1, 0, 0);
        settle(1, dropped);
        ledger.enqueue{ value: PRICE }(bytes32(uint256(1)), 0);
        vm.warp(block.timestamp + EXIT_WINDOW + 1);
        vm.expectPartialRevert(ILedger.ClaimStands.selector);
        ledger.claim(dropped, RowProof(0, 0, 1, new bytes32[](0)));
    }

    function test_RevertWhen_TermsContradictEachOther() public {
        ProvenTerms memory terms = termsOf(0);
        expectTermsRefused(terms);
        expectTermsRefused(termsOf(9));
        terms = termsOf(1);
        terms.smallRows = 5;
        expectTermsRefused(terms);
        terms = termsOf(1);
        terms.inboxWindowSeconds = terms.priorityWindowSeconds;
        expectTermsRefused(terms);
        terms = termsOf(1);
        terms.exitWindowSeconds = terms.inboxWindowSeconds;
        expectTermsRefused(terms);
        terms = termsOf(1);
        terms.refuteWindowSeconds = 0;
        expectTermsRefused(terms);
    }

    function expectTermsRefused(ProvenTerms memory terms) private {
        vm.expectRevert(IProvenLedger.TermsInvalid.selector);
        new ProvenLedger(enclaves, small, large, terms);
    }
}
