// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import {
    Checkpoint,
    ISnapshotLedger,
    LedgerTerms,
    Member,
    RowProof,
    Snapshot
} from "../../src/ledger/ISnapshotLedger.sol";
import { LedgerRows } from "../../src/ledger/LedgerRows.sol";
import { EpochTree } from "../../src/ledger/EpochTree.sol";
import { SnapshotLedger } from "../../src/ledger/SnapshotLedger.sol";
import { Snapshots } from "../../src/ledger/Snapshots.sol";
import { Answers } from "../../src/types/Answer.sol";
import { Aggregation } from "../../src/types/Request.sol";
import { RegistryWorld, SimulatedEnclave } from "../support/RegistryWorld.sol";

/// A ledger, enclaves that sign for it, and the whole of what it settled.
abstract contract LedgerWorld is RegistryWorld {
    uint96 internal constant PRICE = 1e15;
    uint32 internal constant PRIORITY_WINDOW = 60;
    uint32 internal constant EXIT_WINDOW = 1 days;
    uint32 internal constant REFUTE_WINDOW = 1 hours;
    bytes internal constant PAYLOAD = "a payload";

    SnapshotLedger internal ledger;
    SimulatedEnclave internal bob;
    SimulatedEnclave internal carol;

    function setUp() public virtual override {
        super.setUp();
        bob = makeEnclave("bob");
        carol = makeEnclave("carol");
        vm.warp(START);
        admit(bob);
        admit(carol);
        vm.warp(START + 10);
        ledger = new SnapshotLedger(enclaves, termsOf(1, Aggregation.First));
        ledger.fund{ value: 1 ether }(address(this));
    }

    function termsOf(uint8 threshold, Aggregation aggregation) internal view returns (LedgerTerms memory) {
        return LedgerTerms({
            policyId: policyId,
            threshold: threshold,
            aggregation: aggregation,
            maxOutputBytes: 1024,
            price: PRICE,
            priorityWindowSeconds: PRIORITY_WINDOW,
            exitWindowSeconds: EXIT_WINDOW,
            refuteWindowSeconds: REFUTE_WINDOW
        });
    }

    function later(uint256 seconds_) internal {
        vm.warp(block.timestamp + seconds_);
        vm.roll(block.number + 1 + seconds_ / 12);
    }

    function localKey(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("local key", index));
    }

    function rowOf(uint8 kind, uint256 key, uint64 seq, bytes32 value) internal view returns (bytes memory) {
        return abi.encodePacked(kind, LedgerRows.keyOf(address(this), localKey(key)), seq, value);
    }

    /// Asks `count` times, records the end, and lets its block pass.
    function askAndRecord(uint256 count) internal returns (Snapshot memory) {
        for (uint256 i = 0; i < count; ++i) {
            ledger.ask(localKey(i), PAYLOAD);
        }
        return record();
    }

    function record() internal returns (Snapshot memory snapshot) {
        snapshot.checkpoint = Checkpoint(ledger.head(), uint64(block.number), uint40(block.timestamp));
        snapshot.position = ledger.checkpoint();
        later(12);
        snapshot.stateBlockHash = blockhash(snapshot.checkpoint.blockNumber);
        snapshot.newRoot = keccak256(abi.encode("root", snapshot.position));
    }

    function rowsOf(uint256 count) internal view returns (bytes memory rows) {
        for (uint256 i = 0; i < count; ++i) {
            rows = abi.encodePacked(rows, rowOf(LedgerRows.SIGNED, i, 1, keccak256(abi.encode("value", i))));
        }
    }

    function rootOf(bytes calldata rows) external pure returns (bytes32 root) {
        (root,,) = EpochTree.rootOf(rows);
    }

    function contentOf(bytes32 rowsRoot, Snapshot calldata snapshot, Member[] calldata members)
        external
        view
        returns (bytes32)
    {
        return Snapshots.content(ledger.TERMS_HASH(), ledger.root(), rowsRoot, snapshot, members);
    }

    function memberOf(SimulatedEnclave memory enclave) internal pure returns (Member memory) {
        return Member(enclave.keysetId, enclave.keyset.answerKey, "");
    }

    function digestOf(Snapshot memory snapshot, bytes memory rows, Member[] memory members)
        internal
        view
        returns (bytes32)
    {
        (,, uint256 epoch) = ledger.progress();
        bytes32 content = this.contentOf(this.rootOf(rows), snapshot, members);
        return Answers.typedDigest(block.chainid, address(ledger), Snapshots.structHash(epoch, content));
    }

    /// The first `signing` of the three enclaves sign; the first `named` are named.
    function signedBy(Snapshot memory snapshot, bytes memory rows, uint256 named, uint256 signing)
        internal
        view
        returns (Member[] memory members)
    {
        SimulatedEnclave[3] memory all = [alice, bob, carol];
        members = new Member[](named);
        for (uint256 i = 0; i < named; ++i) {
            members[i] = memberOf(all[i]);
        }
        bytes32 digest = digestOf(snapshot, rows, members);
        for (uint256 i = 0; i < signing; ++i) {
            members[i].signature = signBy(all[i], digest);
        }
    }

    function settle(Snapshot memory snapshot, bytes memory rows) internal {
        ledger.settle(snapshot, signedBy(snapshot, rows, 1, 1), rows);
    }

    /// The path of a row of two.
    function proofOfTwo(uint256 epoch, uint256 index, bytes memory other)
        internal
        pure
        returns (RowProof memory proof)
    {
        proof = RowProof(epoch, index, 2, new bytes32[](1));
        proof.path[0] = keccak256(abi.encodePacked(bytes1(0), other));
    }

    function proofOfOne(uint256 epoch) internal pure returns (RowProof memory) {
        return RowProof(epoch, 0, 1, new bytes32[](0));
    }
}
