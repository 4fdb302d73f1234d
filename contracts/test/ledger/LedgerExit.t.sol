// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ILedger, RowProof } from "../../src/ledger/ILedger.sol";
import { Checkpoint, Entry, ISnapshotLedger, Snapshot } from "../../src/ledger/ISnapshotLedger.sol";
import { LedgerReader } from "../../src/ledger/LedgerReader.sol";
import { LedgerRows } from "../../src/ledger/LedgerRows.sol";
import { LedgerWorld } from "./LedgerWorld.sol";

/// Reading settled rows, and what anybody can do once the operators are gone.
contract LedgerExitTest is LedgerWorld {
    Checkpoint private opening;

    function setUp() public override {
        super.setUp();
        opening = Checkpoint(0, uint64(block.number), uint40(block.timestamp));
    }

    function read(bytes32 name, bytes calldata row, RowProof calldata proof)
        external
        view
        returns (uint64, bytes32)
    {
        return LedgerReader.answerTo(ledger, name, row, proof);
    }

    function keyOf(uint256 index) internal view returns (bytes32) {
        return LedgerRows.keyOf(address(this), localKey(index));
    }

    /// Two epochs that write the first key, and an entry that nobody answers.
    function settleTwoAndDie() internal returns (bytes memory old, bytes memory newest) {
        old = rowOf(LedgerRows.SIGNED, 0, 1, "old");
        newest = rowOf(LedgerRows.SIGNED, 0, 2, "new");
        settle(askAndRecord(1), old);
        settle(askAndRecord(1), newest);
        ledger.ask(localKey(0), PAYLOAD);
        later(EXIT_WINDOW + 1);
    }

    function test_AContractReadsItsAnswer() public {
        bytes memory first = rowOf(LedgerRows.SIGNED, 0, 1, "yes");
        bytes memory second = rowOf(LedgerRows.UNANSWERED, 1, 0, bytes32(uint256(3)));
        settle(askAndRecord(2), abi.encodePacked(first, second));
        (uint64 seq, bytes32 value) = this.read(localKey(0), first, proofOfTwo(0, 0, second));
        assertEq(seq, 1, "seq");
        assertEq(value, "yes", "value");

        vm.expectRevert(abi.encodeWithSelector(LedgerReader.NotAnswerTo.selector, localKey(1)));
        this.read(localKey(1), first, proofOfTwo(0, 0, second));
        vm.expectRevert(abi.encodeWithSelector(LedgerReader.NotAnswerTo.selector, localKey(1)));
        this.read(localKey(1), second, proofOfTwo(0, 1, first));
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowNotSettled.selector, 0, 1));
        this.read(localKey(0), first, proofOfTwo(0, 1, second));
        vm.expectRevert(abi.encodeWithSelector(LedgerRows.RowMalformed.selector, 72));
        this.read(localKey(0), new bytes(72), proofOfTwo(0, 0, second));
    }

    function testFuzz_RevertWhen_TheCountOrThePathIsAnother(uint256 count, uint256 index, bytes32 sibling)
        public
    {
        bytes memory first = rowOf(LedgerRows.SIGNED, 0, 1, "yes");
        bytes memory second = rowOf(LedgerRows.SIGNED, 1, 1, "no");
        settle(askAndRecord(2), abi.encodePacked(first, second));
        RowProof memory proof = proofOfTwo(0, 0, second);
        ledger.check(first, proof);
        vm.assume(count != 2 || index != 0 || sibling != proof.path[0]);
        proof.count = count;
        proof.index = index;
        proof.path[0] = sibling;
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowNotSettled.selector, 0, index));
        ledger.check(first, proof);
    }

    function test_RevertWhen_TheEpochIsNotSettled() public {
        bytes memory row = rowOf(LedgerRows.SIGNED, 0, 1, "yes");
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowNotSettled.selector, 5, 0));
        ledger.check(row, proofOfOne(5));
        // Neither with a path that is no path: what it comes to is zero, as the root of no epoch is.
        RowProof memory proof = RowProof(5, 1, 1, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowNotSettled.selector, 5, 1));
        ledger.check(row, proof);
    }

    function test_AnUnansweredEntryGivesItsPriceBackOnce() public {
        bytes memory first = rowOf(LedgerRows.UNANSWERED, 0, 0, bytes32(uint256(3)));
        bytes memory second = rowOf(LedgerRows.SIGNED, 1, 1, "yes");
        settle(askAndRecord(2), abi.encodePacked(first, second));
        uint256 before = ledger.balanceOf(address(this));
        vm.prank(address(0xA11));
        ledger.reclaim(address(this), localKey(0), first, proofOfTwo(0, 0, second));
        assertEq(ledger.balanceOf(address(this)), before + PRICE, "given back");
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.AlreadyReclaimed.selector, 0, 0));
        ledger.reclaim(address(this), localKey(0), first, proofOfTwo(0, 0, second));
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowKind.selector, LedgerRows.SIGNED));
        ledger.reclaim(address(this), localKey(1), second, proofOfTwo(0, 1, first));
    }

    function test_RevertWhen_AnotherAccountReclaims() public {
        bytes memory first = rowOf(LedgerRows.UNANSWERED, 0, 0, bytes32(uint256(3)));
        settle(askAndRecord(1), first);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.NotAccount.selector, address(0xBAD)));
        ledger.reclaim(address(0xBAD), localKey(0), first, proofOfOne(0));
    }

    function test_WhileOperatorsSettleThereIsNoExit() public {
        bytes memory row = rowOf(LedgerRows.SIGNED, 0, 1, "yes");
        settle(askAndRecord(1), row);
        later(10 * EXIT_WINDOW);
        assertTrue(!ledger.isExit(), "nothing waits");
        ledger.ask(localKey(0), PAYLOAD);
        assertTrue(!ledger.isExit(), "it waits for a moment");
        vm.expectRevert(ILedger.NotExit.selector);
        ledger.claim(row, proofOfOne(0));
        vm.expectRevert(ILedger.NotExit.selector);
        ledger.abandon(opening, opening, new Entry[](0));
        later(EXIT_WINDOW);
        assertTrue(!ledger.isExit(), "still within the window");
        later(1);
        assertTrue(ledger.isExit(), "now nobody answers");
    }

    function test_TheNewestRowIsClaimedWithoutAnyOperator() public {
        (, bytes memory newest) = settleTwoAndDie();
        ledger.claim(newest, proofOfOne(1));
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotClaimed.selector, keyOf(0)));
        ledger.claimed(keyOf(0));
        later(REFUTE_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotClaimed.selector, keyOf(0)));
        ledger.claimed(keyOf(0));
        later(1);
        (uint64 seq, bytes32 value) = ledger.claimed(keyOf(0));
        assertEq(seq, 2, "seq");
        assertEq(value, "new", "value");
    }

    function test_AnOldRowIsRefutedByANewerOne() public {
        (bytes memory old, bytes memory newest) = settleTwoAndDie();
        ledger.claim(old, proofOfOne(0));
        later(REFUTE_WINDOW - 1);
        vm.prank(address(0xA11));
        ledger.refute(newest, proofOfOne(1));
        later(REFUTE_WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotClaimed.selector, keyOf(0)));
        ledger.claimed(keyOf(0));
        // Neither the old one nor the same one starts the window anew.
        vm.expectRevert(abi.encodeWithSelector(ILedger.ClaimStands.selector, keyOf(0), 2));
        ledger.refute(old, proofOfOne(0));
        vm.expectRevert(abi.encodeWithSelector(ILedger.ClaimStands.selector, keyOf(0), 2));
        ledger.claim(newest, proofOfOne(1));
        later(2);
        (uint64 seq,) = ledger.claimed(keyOf(0));
        assertEq(seq, 2, "the newest");
    }

    function test_RevertWhen_ARowIsRefutedThatNobodyClaimed() public {
        (bytes memory old,) = settleTwoAndDie();
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotClaimed.selector, keyOf(0)));
        ledger.refute(old, proofOfOne(0));
    }

    function test_RevertWhen_AFinalClaimIsRefuted() public {
        (bytes memory old, bytes memory newest) = settleTwoAndDie();
        ledger.claim(old, proofOfOne(0));
        later(REFUTE_WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.ClaimStands.selector, keyOf(0), 1));
        ledger.refute(newest, proofOfOne(1));
    }

    /// Operators that come back settle on; a claim can be refuted with what they settle.
    function test_AClaimIsRefutedAlsoAfterTheOperatorsCameBack() public {
        (, bytes memory newest) = settleTwoAndDie();
        ledger.claim(newest, proofOfOne(1));
        // Admissions lasted a day.
        admit(alice);
        vm.warp(block.timestamp + 1);
        Snapshot memory snapshot = askAndRecord(1);
        bytes memory rows = abi.encodePacked(
            rowOf(LedgerRows.UNANSWERED, 0, 2, bytes32(uint256(3))), rowOf(LedgerRows.SIGNED, 0, 3, "newer")
        );
        settle(snapshot, rows);
        assertTrue(!ledger.isExit(), "they are back");
        ledger.refute(
            rowOf(LedgerRows.SIGNED, 0, 3, "newer"),
            proofOfTwo(2, 1, rowOf(LedgerRows.UNANSWERED, 0, 2, bytes32(uint256(3))))
        );
        later(REFUTE_WINDOW + 1);
        (uint64 seq,) = ledger.claimed(keyOf(0));
        assertEq(seq, 3, "newer");
    }

    function entriesOf(uint256 count) internal view returns (Entry[] memory entries) {
        entries = new Entry[](count);
        for (uint256 i = 0; i < count; ++i) {
            entries[i] = Entry(address(this), localKey(i), keccak256(PAYLOAD));
        }
    }

    function test_AbandonedEntriesGiveTheirPriceBack() public {
        Snapshot memory snapshot = askAndRecord(3);
        later(EXIT_WINDOW + 1);
        ledger.abandon(opening, snapshot.checkpoint, entriesOf(3));
        assertEq(ledger.balanceOf(address(this)), 1 ether, "all of it");
        (uint64 position, uint64 settled, uint256 epochs) = ledger.progress();
        assertEq(settled, position, "nothing waits");
        assertEq(epochs, 1, "an epoch without rows");
        assertEq(ledger.rowsRootOf(0), bytes32(0), "and without a root");
        vm.expectRevert(ILedger.NotExit.selector);
        ledger.abandon(opening, snapshot.checkpoint, entriesOf(3));
    }

    function test_AfterAbandoningTheLedgerGoesOn() public {
        Snapshot memory snapshot = askAndRecord(2);
        later(EXIT_WINDOW + 1);
        ledger.abandon(opening, snapshot.checkpoint, entriesOf(2));
        admit(alice);
        later(12);
        settle(askAndRecord(1), rowsOf(1));
        assertEq(ledger.owedTo(alice.keyset.payee), PRICE, "settled");
    }

    function test_RevertWhen_OtherEntriesAreAbandoned() public {
        Snapshot memory snapshot = askAndRecord(2);
        later(EXIT_WINDOW + 1);
        Entry[] memory entries = entriesOf(2);
        entries[1].account = address(0xBAD);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 2));
        ledger.abandon(opening, snapshot.checkpoint, entries);
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 1));
        ledger.abandon(opening, snapshot.checkpoint, entriesOf(1));
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.CheckpointUnknown.selector, 0));
        ledger.abandon(snapshot.checkpoint, snapshot.checkpoint, entriesOf(2));
    }

    function test_MoneyComesOutOnce() public {
        uint256 before = address(0xD0).balance;
        ledger.withdraw(address(0xD0), 0.4 ether);
        assertEq(address(0xD0).balance - before, 0.4 ether, "withdrawn");
        vm.expectRevert(
            abi.encodeWithSelector(ISnapshotLedger.BalanceTooLow.selector, address(this), 0.6 ether)
        );
        ledger.withdraw(address(0xD0), 0.7 ether);
    }
}
