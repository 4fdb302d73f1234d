// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { EpochTree } from "../../src/ledger/EpochTree.sol";
import { Checkpoint, LedgerTerms, Member, Snapshot } from "../../src/ledger/ISnapshotLedger.sol";
import { LedgerRows, Row } from "../../src/ledger/LedgerRows.sol";
import { Snapshots } from "../../src/ledger/Snapshots.sol";
import { Answers } from "../../src/types/Answer.sol";
import { Aggregation } from "../../src/types/Request.sol";
import { Test } from "../support/Vm.sol";

/// The vectors that Vitest and the circuit read too: all agree on each byte.
contract LedgerVectorsTest is Test {
    string private json;

    function setUp() public {
        json = vm.readFile("tests/vectors/coprocessor/ledger.json");
    }

    function rootOf(bytes calldata rows) external pure returns (bytes32 root) {
        (root,,) = EpochTree.rootOf(rows);
    }

    function rootFrom(bytes calldata rows, uint256 index, uint256 count, bytes32[] calldata path)
        external
        pure
        returns (bytes32)
    {
        return EpochTree.rootFrom(rows[index * 73:(index + 1) * 73], index, count, path);
    }

    function decode(bytes calldata row) external pure returns (Row memory) {
        return LedgerRows.decode(row);
    }

    function digestOf(Snapshot calldata snapshot, Member[] calldata members)
        external
        view
        returns (bytes32 content, bytes32 digest)
    {
        content = Snapshots.content(
            vm.parseJsonBytes32(json, ".termsHash"),
            vm.parseJsonBytes32(json, ".snapshot.oldRoot"),
            vm.parseJsonBytes32(json, ".snapshot.rowsRoot"),
            snapshot,
            members
        );
        bytes32 structHash = Snapshots.structHash(vm.parseJsonUint(json, ".snapshot.epoch"), content);
        digest = Answers.typedDigest(
            vm.parseJsonUint(json, ".chainId"), vm.parseJsonAddress(json, ".ledger"), structHash
        );
    }

    function item(string memory list, uint256 index) internal pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function test_EpochTreesAreTheVectors() public view {
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".epochs", cases)); ++cases) {
            string memory path = item(".epochs", cases);
            bytes memory rows = vm.parseJsonBytes(json, string.concat(path, ".rows"));
            bytes32 root = vm.parseJsonBytes32(json, string.concat(path, ".root"));
            uint256 count = vm.parseJsonUint(json, string.concat(path, ".count"));
            assertEq(this.rootOf(rows), root, "root of all");
            for (uint256 i = 0; i < count; ++i) {
                bytes32[] memory siblings =
                    vm.parseJsonBytes32Array(json, item(string.concat(path, ".paths"), i));
                assertEq(this.rootFrom(rows, i, count, siblings), root, "root of one");
            }
        }
        assertEq(cases, 8, "cases");
    }

    function test_TermsAreTheVectors() public view {
        LedgerTerms memory terms = LedgerTerms({
            policyId: vm.parseJsonBytes32(json, ".terms.policyId"),
            threshold: uint8(vm.parseJsonUint(json, ".terms.threshold")),
            aggregation: Aggregation(vm.parseJsonUint(json, ".terms.aggregation")),
            maxOutputBytes: uint24(vm.parseJsonUint(json, ".terms.maxOutputBytes")),
            price: uint96(vm.parseJsonUint(json, ".terms.price")),
            priorityWindowSeconds: uint32(vm.parseJsonUint(json, ".terms.priorityWindowSeconds")),
            exitWindowSeconds: uint32(vm.parseJsonUint(json, ".terms.exitWindowSeconds")),
            refuteWindowSeconds: uint32(vm.parseJsonUint(json, ".terms.refuteWindowSeconds"))
        });
        assertEq(keccak256(abi.encode(terms)), vm.parseJsonBytes32(json, ".termsHash"), "terms");
    }

    function test_EntriesAreTheVectors() public view {
        address asker = vm.parseJsonAddress(json, ".entries.asker");
        bytes32 key = LedgerRows.keyOf(asker, vm.parseJsonBytes32(json, ".entries.localKey"));
        assertEq(key, vm.parseJsonBytes32(json, ".entries.key"), "key");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".entries.payloadHashes");
        bytes32[] memory chain = vm.parseJsonBytes32Array(json, ".entries.chain");
        bytes32 entry;
        for (uint256 i = 0; i < hashes.length; ++i) {
            entry = keccak256(abi.encode(entry, key, hashes[i]));
            assertEq(entry, chain[i], "entry");
        }
    }

    function test_SnapshotsAreTheVectors() public view {
        Snapshot memory snapshot = Snapshot({
            position: uint64(vm.parseJsonUint(json, ".snapshot.position")),
            checkpoint: Checkpoint({
                entry: vm.parseJsonBytes32(json, ".snapshot.checkpoint.entry"),
                blockNumber: uint64(vm.parseJsonUint(json, ".snapshot.checkpoint.blockNumber")),
                recordedAt: uint40(vm.parseJsonUint(json, ".snapshot.checkpoint.recordedAt"))
            }),
            stateBlockHash: vm.parseJsonBytes32(json, ".snapshot.stateBlockHash"),
            newRoot: vm.parseJsonBytes32(json, ".snapshot.newRoot")
        });
        assertEq(
            keccak256(abi.encode(snapshot.checkpoint)),
            vm.parseJsonBytes32(json, ".snapshot.checkpointHash"),
            "checkpoint"
        );
        Member[] memory members = new Member[](3);
        for (uint256 i = 0; i < 3; ++i) {
            string memory path = item(".snapshot.members", i);
            members[i].keysetId = vm.parseJsonBytes32(json, string.concat(path, ".keysetId"));
            members[i].answerKey = vm.parseJsonAddress(json, string.concat(path, ".answerKey"));
        }
        (bytes32 content, bytes32 digest) = this.digestOf(snapshot, members);
        assertEq(content, vm.parseJsonBytes32(json, ".snapshot.content"), "content");
        assertEq(digest, vm.parseJsonBytes32(json, ".snapshot.digest"), "digest");
    }
}
