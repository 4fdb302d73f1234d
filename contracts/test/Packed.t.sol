// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Candidate, Candidates } from "../src/coordinator/Candidate.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import {
    BatchItem,
    IOracleCoordinator,
    Refusal,
    SignedAnswer
} from "../src/interfaces/IOracleCoordinator.sol";
import { Packed } from "../src/libraries/Packed.sol";
import { SettlementGas } from "../src/libraries/SettlementGas.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { Batches } from "./support/Batches.sol";
import { Vm } from "./support/Vm.sol";

/// Stands at a coordinator's address and says what it reads.
contract PackedReader is IChainAdapter {
    mapping(uint256 blockNumber => bytes32) private _hashes;

    function setHash(uint256 number, bytes32 hash) external {
        _hashes[number] = hash;
    }

    function read(bytes calldata items, uint256 count, bytes32 keysetId)
        external
        view
        returns (bytes32[] memory requestIds, bytes32[] memory leaves, bytes32[] memory outputHashes)
    {
        requestIds = new bytes32[](count);
        leaves = new bytes32[](count);
        outputHashes = new bytes32[](count);
        uint256 position;
        assembly ("memory-safe") {
            position := items.offset
        }
        uint256 end = position + items.length;
        Candidate before;
        for (uint256 i = 0; i < count; ++i) {
            Candidate candidate = Candidates.allocate();
            position = Packed.read(candidate, i == 0 ? candidate : before, position, keysetId, this);
            before = candidate;
            requestIds[i] = candidate.requestId();
            leaves[i] = Answers.leafOf(candidate.answerHash());
            outputHashes[i] = keccak256(candidate.output());
        }
        require(position == end, "the end");
    }

    function tokens(bytes calldata data) external pure returns (uint256) {
        uint256 start;
        assembly ("memory-safe") {
            start := data.offset
        }
        return SettlementGas.tokensOf(start, start + data.length);
    }

    function blockHash(uint256 number) external view returns (bytes32) {
        return _hashes[number];
    }

    function blockNumber() external view returns (uint256) {
        return block.number;
    }

    function blockHashWindowSeconds() external pure returns (uint256) {
        return 1 days;
    }

    function dataFee(uint256) external pure returns (uint256) {
        return 0;
    }
}

/// Packed calldata says what the ABI's says, or nothing.
contract PackedTest is Batches {
    struct Draw {
        bytes32 context;
        address payer;
        address refundTo;
        uint8 delivery;
        uint32 callbackGasLimit;
        uint24 maxOutputBytes;
        uint96 fee;
        uint64 gasPriceCap;
        uint40 deadline;
        uint8 status;
        bytes32 transcriptRoot;
    }

    function test_PackedItemsAreTheVectors() public {
        string memory json = vm.readFile("tests/vectors/protocol/packed.json");
        PackedReader reader = new PackedReader();
        address at = vm.parseJsonAddress(json, ".cases[0].request.coordinator");
        vm.etch(at, address(reader).code);
        reader = PackedReader(at);
        bytes memory all;
        uint256 count = 0;
        for (; vm.keyExistsJson(json, path(count, "")); ++count) {
            vm.chainId(vm.parseJsonUint(json, path(count, ".request.chainId")));
            reader.setHash(
                vm.parseJsonUint(json, path(count, ".stateBlockNumber")),
                vm.parseJsonBytes32(json, path(count, ".answer.stateBlockHash"))
            );
            check(reader, json, count, vm.parseJsonBytes(json, path(count, ".item")), 0, 1);
            all = abi.encodePacked(all, vm.parseJsonBytes(json, path(count, ".itemInBatch")));
        }
        assertTrue(count > 2, "there are cases");
        for (uint256 i = 0; i < count; ++i) {
            check(reader, json, i, all, i, count);
        }
    }

    function path(uint256 index, string memory rest) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]", rest);
    }

    function check(
        PackedReader reader,
        string memory json,
        uint256 index,
        bytes memory items,
        uint256 place,
        uint256 count
    ) internal view {
        (bytes32[] memory requestIds, bytes32[] memory leaves, bytes32[] memory outputHashes) =
            reader.read(items, count, vm.parseJsonBytes32(json, path(index, ".answer.keysetId")));
        assertEq(requestIds[place], vm.parseJsonBytes32(json, path(index, ".answer.requestId")), "requestId");
        assertEq(leaves[place], vm.parseJsonBytes32(json, path(index, ".leaf")), "leaf");
        assertEq(outputHashes[place], keccak256(vm.parseJsonBytes(json, path(index, ".output"))), "output");
    }

    /// Whatever is asked and answered, both entries do the same: the same outcome, or the same refusal.
    function testFuzz_PackedAndAbiDoTheSame(Draw memory draw, bytes memory output, uint256 spoil) public {
        RequestTerms memory asked = terms();
        asked.context = draw.context;
        if (draw.payer != address(0)) asked.payer = draw.payer;
        if (draw.refundTo != address(0)) asked.refundTo = draw.refundTo;
        asked.delivery = Delivery(bound(draw.delivery, 0, 2));
        asked.callbackGasLimit =
            asked.delivery == Delivery.Callback ? uint32(bound(draw.callbackGasLimit, 1, 300_000)) : 0;
        asked.maxOutputBytes = uint24(bound(draw.maxOutputBytes, 0, 65_536));
        asked.fee = uint96(bound(draw.fee, 0, 1 ether));
        asked.gasPriceCap = uint64(bound(draw.gasPriceCap, 0, 100 gwei));
        asked.deadline = uint40(
            bound(draw.deadline, block.timestamp + 100, block.timestamp + coordinator.MAX_LIFETIME_SECONDS())
        );
        Request memory request = ask(asked);
        Answer memory answer = answerTo(request, AnswerStatus(bound(draw.status, 0, 9)), output, alice);
        answer.transcriptRoot = draw.transcriptRoot;
        answer.answeredAt = uint64(bound(spoil, block.timestamp - 320, block.timestamp + 320));
        if (asked.delivery != Delivery.Callback) output = "";
        SignedAnswer memory signed = sign(answer, output, alice);
        if (spoil % 7 == 1) signed.signature[5] ^= 0x01;
        if (spoil % 7 == 2) signed.stateBlockNumber -= 1;
        if (spoil % 7 == 3) vm.warp(request.deadline - 30);
        assertSame(request, signed);
    }

    function assertSame(Request memory request, SignedAnswer memory signed) internal {
        uint256 state = vm.snapshotState();
        (bool byAbi, bytes32 abiLogs) =
            outcomeOf(abi.encodeCall(coordinator.fulfill, (request, signed)), request);
        vm.revertToState(state);
        (bytes32 r, bytes32 vs) = compact(signed.signature);
        bytes memory item = pack(request, signed, true, request);
        (bool byPacked, bytes32 packedLogs) = outcomeOf(
            abi.encodeCall(coordinator.fulfillPacked, (signed.answer.keysetId, r, vs, item)), request
        );
        assertTrue(byAbi == byPacked, "both settle or neither");
        assertEq(abiLogs, packedLogs, "and say the same");
    }

    /// What it does but for what it costs: its events, or why it reverts.
    function outcomeOf(bytes memory data, Request memory request) internal returns (bool done, bytes32 said) {
        vm.recordLogs();
        bytes memory result;
        (done, result) = address(coordinator).call(data);
        // Packed calldata has another block's hash where the ABI's may have a wrong one: there the signature is another.
        if (!done) return (done, bytes32(0));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (AnswerStatus status, uint64 answeredAt, bytes32 outputHash, bool delivered,) =
            abi.decode(logs[logs.length - 1].data, (AnswerStatus, uint64, bytes32, bool, uint256));
        bytes32 requestId = Requests.id(request);
        said = keccak256(
            abi.encode(
                logs[logs.length - 1].topics,
                status,
                answeredAt,
                outputHash,
                delivered,
                coordinator.stateOf(requestId),
                consumer.outputHashOf(requestId),
                consumer.contextOf(requestId)
            )
        );
    }

    function testFuzz_PackedAndAbiBatchesDoTheSame(uint8 size, uint256 seed) public {
        size = uint8(bound(size, 1, 9));
        Request[] memory requests = new Request[](size);
        bytes[] memory outputs = new bytes[](size);
        for (uint256 i = 0; i < size; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            RequestTerms memory asked = terms();
            if (word & 1 != 0) asked.fee += 1;
            if (word & 2 != 0) asked.refundTo = address(0xF00);
            if (word & 4 != 0) asked.context = bytes32(word);
            if (word & 8 != 0) (asked.delivery, asked.callbackGasLimit) = (Delivery.Hash, 0);
            requests[i] = ask(asked);
            outputs[i] = new bytes((word >> 8) % 100);
            if (asked.delivery != Delivery.Callback) outputs[i] = "";
            if (word & 48 == 48) coordinator.fulfill(requests[i], ok(requests[i], outputs[i]));
        }
        BatchItem[] memory items = itemsFor(requests, outputs);
        uint256 state = vm.snapshotState();
        bytes32 byAbi = batchOutcome(batchCall(items, false), requests);
        vm.revertToState(state);
        assertEq(batchOutcome(batchCall(items, true), requests), byAbi, "the same");
    }

    function batchOutcome(bytes memory data, Request[] memory requests) internal returns (bytes32) {
        vm.recordLogs();
        (bool done,) = address(coordinator).call(data);
        assertTrue(done, "a batch goes on");
        bytes32 said;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            said = keccak256(abi.encode(said, logs[i].topics));
        }
        for (uint256 i = 0; i < requests.length; ++i) {
            bytes32 id = Requests.id(requests[i]);
            said = keccak256(
                abi.encode(said, coordinator.stateOf(id), consumer.deliveries(id), consumer.outputHashOf(id))
            );
        }
        return said;
    }

    /// A transmitter that names the output's hash where the output itself must travel delivers nothing.
    function test_RevertWhen_TheOutputIsKeptBack() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        (bytes32 r, bytes32 vs) = compact(signed.signature);
        bytes memory item = pack(request, signed, true, request);
        // The last three bytes are the output; flag 4 and its hash instead.
        bytes memory kept = new bytes(item.length - 3 + 32);
        for (uint256 i = 0; i < item.length - 3; ++i) {
            kept[i] = item[i];
        }
        for (uint256 i = 0; i < 32; ++i) {
            kept[item.length - 3 + i] = keccak256("yes")[i];
        }
        kept[19] = bytes1(uint8(kept[19]) | 4);
        (kept[0], kept[1], kept[2]) = (bytes1(0), bytes1(uint8(kept.length >> 8)), bytes1(uint8(kept.length)));
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.fulfillPacked(alice.keysetId, r, vs, kept);
    }

    function test_RevertWhen_AnItemDoesNotEndWhereItsCalldataDoes() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        (bytes32 r, bytes32 vs) = compact(signed.signature);
        bytes memory item = pack(request, signed, true, request);
        vm.expectRevert(Packed.PackedMalformed.selector);
        coordinator.fulfillPacked(alice.keysetId, r, vs, abi.encodePacked(item, hex"00"));
        item[2] = bytes1(uint8(item[2]) - 100);
        vm.expectRevert(Packed.PackedMalformed.selector);
        coordinator.fulfillPacked(alice.keysetId, r, vs, item);
        vm.expectPartialRevert(IOracleCoordinator.BatchMalformed.selector);
        coordinator.fulfillBatchPacked(alice.keysetId, r, vs, 0, item);
        vm.expectRevert(Packed.PackedMalformed.selector);
        coordinator.fulfillBatchPacked(alice.keysetId, r, vs, 2, item);
    }

    /// An item whose block the chain does not know keeps nobody else from settling: it names the hash itself.
    function test_AnUnknownBlockRefusesOnlyItsItem() public {
        Request[] memory requests = new Request[](2);
        bytes[] memory outputs = new bytes[](2);
        (requests[0], requests[1]) = (ask(), ask());
        (outputs[0], outputs[1]) = ("a", "b");
        BatchItem[] memory items = itemsFor(requests, outputs);
        uint256 lost =
            items[0].request.nonce + (Requests.id(items[0].request) == Requests.id(requests[0]) ? 0 : 1);
        for (uint256 salt = 0;; ++salt) {
            // The block was reorganized away; varied until the batch keeps its order.
            items[0].answer.stateBlockHash = keccak256(abi.encode("gone", salt));
            if (Answers.leaf(items[0].answer) < Answers.leaf(items[1].answer)) break;
        }
        items[0].stateBlockNumber = block.number + 5;
        vm.recordLogs();
        (bool done,) = address(coordinator).call(batchCall(items, false));
        assertTrue(done, "by the ABI");
        assertEq(refusals(Refusal.StateBlockUnknown), 1, "one is refused");
        assertEq(consumer.deliveries(Requests.id(requests[1 - lost])), 1, "the other is delivered");
        assertTrue(isPending(requests[lost]), "and this one waits");
    }

    function test_APackedItemMayNameItsBlocksHash() public {
        Request[] memory requests = new Request[](2);
        bytes[] memory outputs = new bytes[](2);
        (requests[0], requests[1]) = (ask(), ask());
        (outputs[0], outputs[1]) = ("a", "b");
        BatchItem[] memory items = itemsFor(requests, outputs);
        for (uint256 salt = 0;; ++salt) {
            items[0].answer.stateBlockHash = keccak256(abi.encode("gone", salt));
            if (Answers.leaf(items[0].answer) < Answers.leaf(items[1].answer)) break;
        }
        items[0].stateBlockNumber = block.number + 5;
        bytes32 root = keccak256(abi.encode(Answers.leaf(items[0].answer), Answers.leaf(items[1].answer)));
        (bytes32 r, bytes32 vs) = compact(signRoot(root, 2));
        bytes memory named = pack(items[0].request, signedOf(items[0]), true, items[0].request);
        // Flag 64: the hash before the output, of one byte.
        named = abi.encodePacked(
            slice(named, 0, named.length - 1), items[0].answer.stateBlockHash, items[0].output
        );
        named[19] = bytes1(uint8(named[19]) | 64);
        (named[1], named[2]) = (bytes1(uint8(named.length >> 8)), bytes1(uint8(named.length)));
        bytes memory other = pack(items[1].request, signedOf(items[1]), true, items[1].request);
        vm.recordLogs();
        coordinator.fulfillBatchPacked(alice.keysetId, r, vs, 2, abi.encodePacked(named, other));
        assertEq(refusals(Refusal.StateBlockUnknown), 1, "one is refused");
        assertEq(consumer.deliveries(Requests.id(items[1].request)), 1, "the other is delivered");
    }

    function slice(bytes memory data, uint256 start, uint256 end) internal pure returns (bytes memory part) {
        part = new bytes(end - start);
        for (uint256 i = start; i < end; ++i) {
            part[i - start] = data[i];
        }
    }

    function refusals(Refusal reason) internal returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IOracleCoordinator.BatchItemRefused.selector) continue;
            if (abi.decode(logs[i].data, (Refusal)) == reason) ++count;
        }
    }

    function testFuzz_TheLensReadsWhatTheCoordinatorReads(bytes memory output, bytes32 context) public {
        RequestTerms memory asked = terms();
        (asked.context, asked.maxOutputBytes) = (context, 65_536);
        Request memory request = ask(asked);
        SignedAnswer memory signed = ok(request, output);
        bytes memory item = pack(request, signed, true, request);
        (
            Request[] memory requests,
            Answer[] memory answers,
            bytes[] memory outputs,
            uint256[] memory stateBlockNumbers
        ) = lens.decodePacked(coordinator, alice.keysetId, item);
        assertEq(Requests.id(requests[0]), Requests.id(request), "request");
        assertEq(Answers.structHash(answers[0]), Answers.structHash(signed.answer), "answer");
        assertEq(outputs[0], output, "output");
        assertEq(stateBlockNumbers[0], signed.stateBlockNumber, "block");
    }

    /// EIP-7623's tokens, counted word by word, against counting them byte by byte.
    function testFuzz_TokensAreOneForAZeroByteAndFourForAnother(bytes memory data, uint16 zeros) public {
        PackedReader reader = new PackedReader();
        data = abi.encodePacked(data, new bytes(zeros), data);
        uint256 expected = 0;
        for (uint256 i = 0; i < data.length; ++i) {
            expected += data[i] == 0 ? 1 : 4;
        }
        assertEq(reader.tokens(data), expected, "tokens");
    }
}
