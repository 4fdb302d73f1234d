// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry, SignedStatement } from "../../src/interfaces/IEnclaveRegistry.sol";
import {
    Checkpoint,
    ISnapshotLedger,
    LedgerTerms,
    Member,
    Snapshot
} from "../../src/ledger/ISnapshotLedger.sol";
import { LedgerRows } from "../../src/ledger/LedgerRows.sol";
import { SnapshotLedger } from "../../src/ledger/SnapshotLedger.sol";
import { Equivocation } from "../../src/registry/Equivocation.sol";
import { Answers } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { Aggregation } from "../../src/types/Request.sol";
import { SimulatedEnclave } from "../support/RegistryWorld.sol";
import { LedgerWorld } from "./LedgerWorld.sol";

/// Asking, and settling by signed snapshots.
contract SnapshotLedgerTest is LedgerWorld {
    function expectRefusal(
        bytes memory error,
        Snapshot memory snapshot,
        Member[] memory members,
        bytes memory rows
    ) internal {
        vm.expectRevert(error);
        ledger.settle(snapshot, members, rows);
    }

    function useLedger(uint8 threshold, Aggregation aggregation) internal {
        ledger = new SnapshotLedger(enclaves, termsOf(threshold, aggregation));
        ledger.fund{ value: 1 ether }(address(this));
    }

    function test_EntriesAreAChainOfKeysAndPayloads() public {
        ledger.ask(localKey(0), PAYLOAD);
        ledger.ask(localKey(1), "another");
        bytes32 first = keccak256(
            abi.encode(bytes32(0), LedgerRows.keyOf(address(this), localKey(0)), keccak256(PAYLOAD))
        );
        bytes32 second =
            keccak256(abi.encode(first, LedgerRows.keyOf(address(this), localKey(1)), keccak256("another")));
        assertEq(ledger.head(), second, "head");
        (uint64 position, uint64 settled, uint256 epochs) = ledger.progress();
        assertEq(position, 2, "position");
        assertEq(settled, 0, "settled");
        assertEq(epochs, 0, "epochs");
    }

    /// Nobody writes under another account's keys, whatever local key it names.
    function testFuzz_TwoAccountsShareNoKey(address other, bytes32 name) public view {
        vm.assume(other != address(this));
        assertTrue(LedgerRows.keyOf(other, name) != LedgerRows.keyOf(address(this), name), "own keys");
    }

    function test_AnEntryIsPaidFromTheAskersAccount() public {
        ledger.ask(localKey(0), PAYLOAD);
        assertEq(ledger.balanceOf(address(this)), 1 ether - PRICE, "balance");
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.BalanceTooLow.selector, address(0xBAD), 0));
        ledger.ask(localKey(0), PAYLOAD);
    }

    function test_RevertWhen_APayloadIsEmptyOrTooLong() public {
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.PayloadInvalid.selector, 0));
        ledger.ask(localKey(0), "");
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.PayloadInvalid.selector, 65_537));
        ledger.ask(localKey(0), new bytes(65_537));
    }

    function test_ASnapshotSettlesEveryEntryAndPays() public {
        Snapshot memory snapshot = askAndRecord(3);
        bytes memory rows = rowsOf(3);
        settle(snapshot, rows);
        assertEq(ledger.rowsRootOf(0), this.rootOf(rows), "rows");
        assertEq(ledger.root(), snapshot.newRoot, "root");
        (, uint64 settled, uint256 epochs) = ledger.progress();
        assertEq(settled, 3, "settled");
        assertEq(epochs, 1, "epochs");
        assertEq(ledger.owedTo(alice.keyset.payee), 3 * uint256(PRICE), "owed");
        ledger.withdrawPayee(alice.keyset.payee);
        assertEq(alice.keyset.payee.balance, 3 * uint256(PRICE), "paid");
        assertEq(address(ledger).balance, 1 ether - 3 * uint256(PRICE), "what is left is the asker's");
    }

    function test_OnlyAnsweredEntriesPay() public {
        Snapshot memory snapshot = askAndRecord(2);
        settle(
            snapshot,
            abi.encodePacked(
                rowOf(LedgerRows.UNANSWERED, 0, 0, bytes32(uint256(2))), rowOf(LedgerRows.SIGNED, 1, 1, "yes")
            )
        );
        assertEq(ledger.owedTo(alice.keyset.payee), PRICE, "one of two");
    }

    function test_ThreeMembersSignAndShare() public {
        useLedger(3, Aggregation.Identical);
        Snapshot memory snapshot = askAndRecord(2);
        bytes memory rows = rowsOf(2);
        ledger.settle(snapshot, signedBy(snapshot, rows, 3, 3), rows);
        uint256 share = 2 * uint256(PRICE) / 3;
        assertEq(ledger.owedTo(bob.keyset.payee), share, "bob");
        assertEq(ledger.owedTo(carol.keyset.payee), share, "carol");
        assertEq(
            ledger.owedTo(alice.keyset.payee), 2 * uint256(PRICE) - 2 * share, "the settler has the rest"
        );
    }

    function test_AMemberMayOnlyHaveAnswered() public {
        useLedger(2, Aggregation.Identical);
        Snapshot memory snapshot = askAndRecord(1);
        ledger.settle(snapshot, signedBy(snapshot, rowsOf(1), 3, 2), rowsOf(1));
        assertEq(ledger.owedTo(carol.keyset.payee), 0, "who does not sign is not paid");
    }

    function test_RevertWhen_TooFewSign() public {
        useLedger(3, Aggregation.Identical);
        Snapshot memory snapshot = askAndRecord(1);
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MembersInvalid.selector, 3, 2),
            snapshot,
            signedBy(snapshot, rowsOf(1), 3, 2),
            rowsOf(1)
        );
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MembersInvalid.selector, 0, 0),
            snapshot,
            new Member[](0),
            rowsOf(1)
        );
    }

    function test_RevertWhen_TheFirstMemberDoesNotSign() public {
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = signedBy(snapshot, rowsOf(1), 2, 2);
        members[0].signature = "";
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MemberInvalid.selector, 0), snapshot, members, rowsOf(1)
        );
    }

    function test_RevertWhen_OneMemberIsNamedTwice() public {
        useLedger(2, Aggregation.Identical);
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = new Member[](2);
        members[0] = memberOf(alice);
        members[1] = memberOf(alice);
        bytes memory signature = signBy(alice, digestOf(snapshot, rowsOf(1), members));
        members[0].signature = signature;
        members[1].signature = signature;
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MemberInvalid.selector, 1), snapshot, members, rowsOf(1)
        );
        useLedger(1, Aggregation.First);
        snapshot = askAndRecord(1);
        signature = signBy(alice, digestOf(snapshot, rowsOf(1), members));
        members[0].signature = signature;
        members[1].signature = signature;
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MemberInvalid.selector, 1), snapshot, members, rowsOf(1)
        );
    }

    function test_RevertWhen_TwoMembersAreOfOneMachine() public {
        useLedger(2, Aggregation.Identical);
        SimulatedEnclave memory twin = makeEnclave("twin");
        twin.machine = alice.machine;
        admit(twin);
        later(12);
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = new Member[](2);
        members[0] = memberOf(alice);
        members[1] = memberOf(twin);
        bytes32 digest = digestOf(snapshot, rowsOf(1), members);
        members[0].signature = signBy(alice, digest);
        members[1].signature = signBy(twin, digest);
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MemberInvalid.selector, 1), snapshot, members, rowsOf(1)
        );
    }

    /// All of the simulator are one vendor.
    function test_RevertWhen_ThePolicyWantsDistinctVendors() public {
        policyId = createPolicy(
            "vendors", one(PolicyChange(PolicyRules.DISTINCT_VENDORS, 0, bytes32(uint256(1))))
        );
        admit(alice);
        admit(bob);
        later(12);
        useLedger(2, Aggregation.Identical);
        Snapshot memory snapshot = askAndRecord(1);
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.MemberInvalid.selector, 1),
            snapshot,
            signedBy(snapshot, rowsOf(1), 2, 2),
            rowsOf(1)
        );
    }

    function test_RevertWhen_AMemberIsNotAdmittedAnyMore() public {
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = signedBy(snapshot, rowsOf(1), 1, 1);
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
        ledger.settle(snapshot, members, rowsOf(1));
    }

    /// One change in each part of what is signed.
    function testFuzz_RevertWhen_AnythingSignedIsChanged(uint256 part, bytes32 noise) public {
        Snapshot memory snapshot = askAndRecord(2);
        bytes memory rows = rowsOf(2);
        Member[] memory members = signedBy(snapshot, rows, 2, 2);
        part = bound(part, 0, 3);
        if (part == 0) {
            vm.assume(noise != snapshot.newRoot);
            snapshot.newRoot = noise;
        }
        if (part == 1) {
            uint256 place = 1 + uint256(noise) % (rows.length - 1);
            if (place % 73 == 0) place -= 1;
            rows[place] = bytes1(uint8(rows[place]) ^ 1);
        }
        if (part == 2) members[1].signature = signBy(bob, noise);
        if (part == 3) (members[0], members[1]) = (members[1], members[0]);
        vm.expectPartialRevert(ISnapshotLedger.MemberInvalid.selector);
        ledger.settle(snapshot, members, rows);
    }

    function test_RevertWhen_ASnapshotIsSettledAgainOrElsewhere() public {
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = signedBy(snapshot, rowsOf(1), 1, 1);
        ledger.settle(snapshot, members, rowsOf(1));
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 1),
            snapshot,
            members,
            rowsOf(1)
        );
        // Another ledger, with the same entries in the same block.
        SnapshotLedger first = ledger;
        useLedger(1, Aggregation.First);
        assertTrue(ledger != first, "another");
        Snapshot memory other = askAndRecord(1);
        members = signedBy(other, rowsOf(1), 1, 1);
        useLedger(1, Aggregation.First);
        ledger.ask(localKey(0), PAYLOAD);
        vm.roll(other.checkpoint.blockNumber);
        vm.warp(other.checkpoint.recordedAt);
        ledger.checkpoint();
        later(12);
        vm.expectPartialRevert(ISnapshotLedger.MemberInvalid.selector);
        ledger.settle(other, members, rowsOf(1));
    }

    function test_RevertWhen_RowsAreNotOneForEachEntry() public {
        Snapshot memory snapshot = askAndRecord(2);
        Member[] memory members = signedBy(snapshot, rowsOf(2), 1, 1);
        bytes[4] memory wrong = [rowsOf(1), rowsOf(3), bytes(""), abi.encodePacked(rowsOf(1), new bytes(72))];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectPartialRevert(ISnapshotLedger.RowsInvalid.selector);
            ledger.settle(snapshot, members, wrong[i]);
        }
    }

    function testFuzz_RevertWhen_ARowIsOfAnotherKind(uint8 kind) public {
        vm.assume(kind != LedgerRows.SIGNED && kind != LedgerRows.UNANSWERED);
        Snapshot memory snapshot = askAndRecord(1);
        bytes memory rows = rowOf(kind, 0, 1, "value");
        Member[] memory members = signedBy(snapshot, rows, 1, 1);
        vm.expectPartialRevert(ISnapshotLedger.RowsInvalid.selector);
        ledger.settle(snapshot, members, rows);
    }

    function test_RevertWhen_ThePositionIsNoCheckpoint() public {
        Snapshot memory snapshot = askAndRecord(2);
        snapshot.position = 1;
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 1),
            snapshot,
            signedBy(snapshot, rowsOf(1), 1, 1),
            rowsOf(1)
        );
    }

    /// The position is recorded, but with another history.
    function testFuzz_RevertWhen_TheCheckpointIsAnother(bytes32 entry, uint64 blockNumber, uint40 recordedAt)
        public
    {
        Snapshot memory snapshot = askAndRecord(1);
        Checkpoint memory other = Checkpoint(entry, blockNumber, recordedAt);
        vm.assume(keccak256(abi.encode(other)) != keccak256(abi.encode(snapshot.checkpoint)));
        snapshot.checkpoint = other;
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 1),
            snapshot,
            signedBy(snapshot, rowsOf(1), 1, 1),
            rowsOf(1)
        );
    }

    /// Answers that were made before anybody knew the checkpoint's block settle nothing.
    function test_RevertWhen_TheStateBlockIsAnotherOrNotYetKnown() public {
        ledger.ask(localKey(0), PAYLOAD);
        Snapshot memory snapshot;
        snapshot.checkpoint = Checkpoint(ledger.head(), uint64(block.number), uint40(block.timestamp));
        snapshot.position = ledger.checkpoint();
        bytes memory error =
            abi.encodeWithSelector(ISnapshotLedger.StateBlockUnknown.selector, uint64(block.number));
        expectRefusal(error, snapshot, signedBy(snapshot, rowsOf(1), 1, 1), rowsOf(1));
        later(12);
        snapshot.stateBlockHash = keccak256("another block");
        expectRefusal(error, snapshot, signedBy(snapshot, rowsOf(1), 1, 1), rowsOf(1));
    }

    function test_ASettlerIsAloneForAWhile() public {
        settle(askAndRecord(1), rowsOf(1));
        Snapshot memory snapshot = askAndRecord(1);
        bytes memory rows = rowOf(LedgerRows.SIGNED, 0, 2, "value");
        Member[] memory members = new Member[](1);
        members[0] = memberOf(bob);
        members[0].signature = signBy(bob, digestOf(snapshot, rows, members));
        uint256 until = block.timestamp - 12 + PRIORITY_WINDOW;
        expectRefusal(
            abi.encodeWithSelector(ISnapshotLedger.SettlerWindow.selector, alice.keyset.payee, until),
            snapshot,
            members,
            rows
        );
        vm.warp(until + 1);
        ledger.settle(snapshot, members, rows);
        assertEq(ledger.owedTo(bob.keyset.payee), PRICE, "then anyone");
    }

    function test_EntriesAreRecordedAtEachMultipleOf1024() public {
        ledger.fund{ value: 1 ether }(address(this));
        for (uint256 i = 0; i < 1023; ++i) {
            ledger.ask(localKey(i), PAYLOAD);
        }
        assertEq(ledger.checkpointOf(1023), bytes32(0), "not yet");
        ledger.ask(localKey(1023), PAYLOAD);
        assertEq(
            ledger.checkpointOf(1024),
            keccak256(abi.encode(ledger.head(), block.number, block.timestamp)),
            "recorded"
        );
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.AlreadyCheckpointed.selector, 1024));
        ledger.checkpoint();
    }

    function test_RevertWhen_TermsContradictEachOther() public {
        LedgerTerms memory wrong = termsOf(0, Aggregation.First);
        vm.expectRevert(ISnapshotLedger.TermsInvalid.selector);
        new SnapshotLedger(enclaves, wrong);
        wrong = termsOf(9, Aggregation.Identical);
        vm.expectRevert(ISnapshotLedger.TermsInvalid.selector);
        new SnapshotLedger(enclaves, wrong);
        wrong = termsOf(2, Aggregation.First);
        vm.expectRevert(ISnapshotLedger.TermsInvalid.selector);
        new SnapshotLedger(enclaves, wrong);
        wrong = termsOf(1, Aggregation.Median);
        vm.expectRevert(ISnapshotLedger.TermsInvalid.selector);
        new SnapshotLedger(enclaves, wrong);
        wrong = termsOf(1, Aggregation.First);
        wrong.exitWindowSeconds = wrong.priorityWindowSeconds;
        vm.expectRevert(ISnapshotLedger.TermsInvalid.selector);
        new SnapshotLedger(enclaves, wrong);
    }

    /// Two snapshots of one epoch end the key, by the registry that every coordinator uses.
    function test_TwoSnapshotsOfOneEpochEndAKey() public {
        Snapshot memory snapshot = askAndRecord(1);
        Member[] memory members = new Member[](1);
        members[0] = memberOf(alice);
        SignedStatement[2] memory signed;
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory rows = rowOf(LedgerRows.SIGNED, 0, 1, bytes32(i));
            bytes32 content = this.contentOf(this.rootOf(rows), snapshot, members);
            signed[i].encoding = abi.encode(Equivocation.SNAPSHOT_TYPEHASH, uint256(0), content);
            signed[i].signature = signBy(alice, digestOf(snapshot, rows, members));
        }
        bytes32[] memory policies = new bytes32[](1);
        policies[0] = policyId;
        bytes32 domain = Answers.domainSeparator(block.chainid, address(ledger));
        enclaves.proveEquivocation(alice.keyset, domain, signed[0], signed[1], policies);
        members = signedBy(snapshot, rowsOf(1), 1, 1);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        ledger.settle(snapshot, members, rowsOf(1));
    }
}
