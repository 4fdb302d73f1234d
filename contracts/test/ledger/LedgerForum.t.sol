// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { LedgerForum } from "../../../examples/LedgerForum.sol";
import { ILedger } from "../../src/ledger/ILedger.sol";
import { ISnapshotLedger } from "../../src/ledger/ISnapshotLedger.sol";
import { LedgerReader } from "../../src/ledger/LedgerReader.sol";
import { LedgerRows } from "../../src/ledger/LedgerRows.sol";
import { LedgerWorld } from "./LedgerWorld.sol";

/// A contract that asks a ledger, and reads its answers.
contract LedgerForumTest is LedgerWorld {
    LedgerForum private forum;

    function setUp() public override {
        super.setUp();
        forum = new LedgerForum(ledger, "openai/gpt-5.1");
        forum.fund{ value: 1 ether }();
    }

    function rowFor(uint256 post, uint8 kind, uint64 seq, uint256 severity)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(kind, LedgerRows.keyOf(address(forum), bytes32(post)), seq, bytes32(severity));
    }

    function test_TwoPostsAreJudgedInOneEpoch() public {
        forum.publish("hello");
        forum.publish("I know where you live");
        bytes memory harmless = rowFor(1, LedgerRows.SIGNED, 1, 0);
        bytes memory threat = rowFor(2, LedgerRows.SIGNED, 1, 9);
        settle(record(), abi.encodePacked(harmless, threat));
        forum.judge(1, harmless, proofOfTwo(0, 0, threat));
        forum.judge(2, threat, proofOfTwo(0, 1, harmless));
        assertTrue(forum.verdictOf(1) == LedgerForum.Verdict.Shown, "shown");
        assertTrue(forum.verdictOf(2) == LedgerForum.Verdict.Hidden, "hidden");
    }

    function test_RevertWhen_APostIsJudgedByAnothersRow() public {
        forum.publish("hello");
        forum.publish("I know where you live");
        bytes memory harmless = rowFor(1, LedgerRows.SIGNED, 1, 0);
        bytes memory threat = rowFor(2, LedgerRows.SIGNED, 1, 9);
        settle(record(), abi.encodePacked(harmless, threat));
        vm.expectRevert(abi.encodeWithSelector(LedgerReader.NotAnswerTo.selector, bytes32(uint256(2))));
        forum.judge(2, harmless, proofOfTwo(0, 0, threat));
        vm.expectRevert(abi.encodeWithSelector(ILedger.RowNotSettled.selector, 0, 0));
        forum.judge(1, rowFor(1, LedgerRows.SIGNED, 1, 9), proofOfTwo(0, 0, threat));
    }

    /// Somebody else asks the ledger the same question under the same name: that is another key.
    function test_RevertWhen_TheRowIsAnotherAccounts() public {
        forum.publish("hello");
        ledger.ask(bytes32(uint256(1)), PAYLOAD);
        bytes memory own = rowFor(1, LedgerRows.SIGNED, 1, 0);
        bytes memory strangers = abi.encodePacked(
            LedgerRows.SIGNED, LedgerRows.keyOf(address(this), bytes32(uint256(1))), uint64(1), bytes32(0)
        );
        settle(record(), abi.encodePacked(own, strangers));
        vm.expectRevert(abi.encodeWithSelector(LedgerReader.NotAnswerTo.selector, bytes32(uint256(1))));
        forum.judge(1, strangers, proofOfTwo(0, 1, own));
    }

    function test_RevertWhen_NobodyPays() public {
        LedgerForum poor = new LedgerForum(ledger, "openai/gpt-5.1");
        vm.expectRevert(abi.encodeWithSelector(ISnapshotLedger.BalanceTooLow.selector, address(poor), 0));
        poor.publish("hello");
    }
}
