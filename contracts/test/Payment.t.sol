// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumer } from "../src/OracleConsumer.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { IOracleConsumer } from "../src/interfaces/IOracleConsumer.sol";
import {
    IOracleCoordinator,
    Opening,
    SignedAnswer,
    SignedLeaf
} from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "../src/types/Answer.sol";
import { Aggregation, Request, RequestTerms } from "../src/types/Request.sol";
import { Batches } from "./support/Batches.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { Quorums } from "./support/Quorums.sol";
import { SimulatedEnclave } from "./support/RegistryWorld.sol";

/// Takes whatever comes and does nothing.
contract QuietConsumer is OracleConsumer {
    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    function ask(RequestTerms memory terms, bytes memory payload) external payable returns (bytes32) {
        return _request(terms, payload, msg.value);
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override { }
}

/// Sends several calls in one transaction.
contract Multicall {
    function send(address target, bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool succeeded,) = target.call(calls[i]);
            require(succeeded, "a call failed");
        }
    }
}

/// Data fee of 1 gwei a byte, as a rollup's adapter would say.
contract PerByteAdapter is IChainAdapter {
    function blockNumber() external view returns (uint256) {
        return block.number;
    }

    function blockHash(uint256 number) external view returns (bytes32) {
        return blockhash(number);
    }

    function blockHashWindowSeconds() external pure returns (uint256) {
        return 1 days;
    }

    function dataFee(uint256 calldataBytes) external pure returns (uint256) {
        return calldataBytes * 1 gwei;
    }
}

/// Keeps how much gas it was called with.
contract GasMeterConsumer is IOracleConsumer {
    uint256 public seen;

    function onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) external {
        seen = gasleft();
    }

    function onRefund(bytes32, bytes32) external { }
}

/// What the payee is repaid, against what the EVM charges for the transaction. Each call of these tests is a transaction of its own
/// (`isolate`), so that calldata, its floor (EIP-7623), cold accounts and refunds (EIP-3529) are charged as on a chain.
/// forge-config: default.isolate = true
contract PaymentTest is Batches {
    uint256 private constant GAS_PRICE = 31337;
    QuietConsumer private quiet;
    SimulatedEnclave[] private nodes;
    uint160 private fresh = 0xF4E50000;

    /// Shown by `forge test -vvvv`.
    event Measured(string what, uint256 charged, uint256 repaid, uint256 permille);

    function setUp() public override {
        super.setUp();
        quiet = new QuietConsumer(coordinator, policyId);
        vm.warp(START);
        for (uint256 i = 0; i < 3; ++i) {
            nodes.push(makeEnclave(string(abi.encodePacked("n", uint8(48 + i)))));
            admit(nodes[i]);
        }
        vm.warp(START + 10);
        readChainIdAsGasPrice(address(coordinator));
        // The extension is the first contract that the coordinator made (RLP of its address and nonce 1).
        bytes32 made = keccak256(abi.encodePacked(hex"d694", address(coordinator), hex"01"));
        readChainIdAsGasPrice(address(uint160(uint256(made))));
    }

    /// Forge gives isolated transactions no gas price: GASPRICE becomes CHAINID, which costs as much.
    function readChainIdAsGasPrice(address target) internal {
        bytes memory code = target.code;
        assertTrue(code.length != 0, "there is a contract");
        uint256 found = 0;
        for (uint256 i = 0; i < code.length; ++i) {
            uint8 op = uint8(code[i]);
            if (op == 0x3a) (code[i], found) = (0x46, found + 1);
            else if (op >= 0x60 && op <= 0x7f) i += op - 0x5f;
        }
        assertTrue(found != 0, "it reads the gas price");
        vm.etch(target, code);
    }

    function askQuietly(RequestTerms memory asked) internal returns (Request memory request) {
        uint256 escrow = coordinator.requiredEscrow(asked);
        vm.recordLogs();
        quiet.ask{ value: escrow }(asked, hex"0102");
        request = lastRequested();
        nextBlock();
    }

    function termsFor(uint256 outputBytes, bool isFresh) internal returns (RequestTerms memory asked) {
        asked = terms();
        asked.maxOutputBytes = uint24(outputBytes);
        if (isFresh) asked.refundTo = address(fresh++);
    }

    /// Printable text, or a number: mostly zeros.
    function outputOf(uint256 length, bool isText) internal pure returns (bytes memory output) {
        output = new bytes(length);
        if (!isText) {
            output[length - 1] = 0x2a;
        } else {
            for (uint256 i = 0; i < length; ++i) {
                output[i] = bytes1(uint8(97 + i % 26));
            }
        }
    }

    /// Sends `data`, which settles for `count` answers of fee `FEE` to the payees of `earners`.
    function measure(string memory what, bytes memory data, SimulatedEnclave[] memory earners, uint256 fees)
        internal
        returns (uint256 charged, uint256 repaid)
    {
        uint256 before = earnedBy(earners);
        (bool succeeded,) = address(coordinator).call(data);
        charged = vm.lastCallGas().gasTotalUsed;
        assertTrue(succeeded, what);
        repaid = (earnedBy(earners) - before - fees) / GAS_PRICE;
        emit Measured(what, charged, repaid, repaid * 1000 / charged);
    }

    function earnedBy(SimulatedEnclave[] memory earners) internal view returns (uint256 sum) {
        for (uint256 i = 0; i < earners.length; ++i) {
            sum += coordinator.creditOf(earners[i].keyset.payee);
        }
    }

    function assertFair(string memory what, uint256 charged, uint256 repaid) internal pure {
        assertTrue(repaid >= charged, string.concat(what, ": less than is charged"));
        assertTrue(repaid * 100 <= charged * 103, string.concat(what, ": more than 103 % of what is charged"));
    }

    function onlyAlice() internal view returns (SimulatedEnclave[] memory earners) {
        earners = new SimulatedEnclave[](1);
        earners[0] = alice;
    }

    function single(uint256 size, bool isText, bool packed, bool isFresh) internal {
        if (isFresh) coordinator.withdraw(alice.keyset.payee);
        Request memory request = askQuietly(termsFor(size, isFresh));
        SignedAnswer memory signed = ok(request, outputOf(size, isText));
        bytes memory data = abi.encodeCall(coordinator.fulfill, (request, signed));
        if (packed) {
            (bytes32 r, bytes32 vs) = compact(signed.signature);
            bytes memory item = pack(request, signed, true, request);
            data = abi.encodeCall(coordinator.fulfillPacked, (alice.keysetId, r, vs, item));
        }
        string memory what = string.concat(
            packed ? "packed, " : "single, ",
            vm.toString(size),
            isText ? " B of text" : " B of number",
            isFresh ? ", fresh" : ", warm"
        );
        (uint256 charged, uint256 repaid) = measure(what, data, onlyAlice(), FEE);
        assertFair(what, charged, repaid);
    }

    function test_ASingleAnswerIsRepaidWhatItIsCharged() public {
        uint256[3] memory sizes = [uint256(32), 4096, 65_536];
        for (uint256 i = 0; i < 24; ++i) {
            single(sizes[i / 8], i & 1 == 0, i & 2 == 0, i & 4 == 0);
        }
    }

    function batch(uint256 count, uint256 size, bool packed, bool isFresh) internal {
        if (isFresh) coordinator.withdraw(alice.keyset.payee);
        Request[] memory requests = new Request[](count);
        bytes[] memory outputs = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            requests[i] = askQuietly(termsFor(size, isFresh));
            outputs[i] = outputOf(size, i % 2 == 0);
        }
        bytes memory data = batchCall(itemsFor(requests, outputs), packed);
        string memory what = string.concat(
            packed ? "packed batch of " : "batch of ",
            vm.toString(count),
            ", ",
            vm.toString(size),
            isFresh ? " B, fresh" : " B, warm"
        );
        (uint256 charged, uint256 repaid) = measure(what, data, onlyAlice(), FEE * count);
        assertFair(what, charged, repaid);
    }

    function test_ABatchIsRepaidWhatItIsCharged() public {
        for (uint256 i = 0; i < 4; ++i) {
            batch(1, 32, i & 1 == 0, i & 2 == 0);
            batch(10, 32, i & 1 == 0, i & 2 == 0);
            batch(4, 4096, i & 1 == 0, i & 2 == 0);
            batch(2, 65_536, i & 1 == 0, i & 2 == 0);
        }
    }

    /// faults/contracts.md, H1: a batch of one earned 13,346 gas more than the answer alone, for little more work.
    function test_ABatchOfOneGainsNoMoreThanTheAnswerAlone() public {
        batch(1, 32, true, false);
        Request memory request = askQuietly(termsFor(32, false));
        SignedAnswer memory signed = ok(request, outputOf(32, true));
        (bytes32 r, bytes32 vs) = compact(signed.signature);
        bytes memory alone = abi.encodeCall(
            coordinator.fulfillPacked, (alice.keysetId, r, vs, pack(request, signed, true, request))
        );
        (uint256 charged, uint256 repaid) = measure("alone", alone, onlyAlice(), FEE);
        Request[] memory requests = new Request[](1);
        bytes[] memory outputs = new bytes[](1);
        (requests[0], outputs[0]) = (askQuietly(termsFor(32, false)), outputOf(32, true));
        bytes memory data = batchCall(itemsFor(requests, outputs), true);
        (uint256 batchCharged, uint256 batchRepaid) = measure("batch of one", data, onlyAlice(), FEE);
        assertTrue(batchRepaid - batchCharged <= repaid - charged + 500, "what is left over is as little");
    }

    function quorum(uint256 size, bool isFresh) internal {
        for (uint256 i = 0; isFresh && i < 3; ++i) {
            coordinator.withdraw(nodes[i].keyset.payee);
        }
        RequestTerms memory asked = termsFor(size, isFresh);
        asked.threshold = 3;
        asked.aggregation = Aggregation.Identical;
        Request memory request = askQuietly(asked);
        bytes memory output = outputOf(size, true);
        SignedLeaf[] memory leaves = new SignedLeaf[](3);
        Opening[] memory openings = new Opening[](3);
        for (uint256 i = 0; i < 3; ++i) {
            Answer memory answer = answerTo(request, AnswerStatus.Ok, output, nodes[i]);
            leaves[i] = leafOf(answer, nodes[i]);
            openings[i] = Opening(answer, block.number - 1, i == 0 ? output : bytes(""));
        }
        (bool succeeded,) =
            address(coordinator).call(abi.encodeCall(coordinator.commitQuorum, (request, leaves)));
        uint256 committing = vm.lastCallGas().gasTotalUsed;
        assertTrue(succeeded, "committed");
        vm.warp(block.timestamp + 30);
        string memory what = string.concat("quorum, ", vm.toString(size), isFresh ? " B, fresh" : " B, warm");
        bytes memory data = abi.encodeCall(coordinator.openQuorum, (request, openings));
        (uint256 charged, uint256 repaid) = measure(what, data, nodes, FEE / 3 * 3);
        emit Measured("committing", committing, charged, 0);
        assertFair(what, committing + charged, repaid);
    }

    function test_AQuorumIsRepaidWhatItIsCharged() public {
        uint256[3] memory sizes = [uint256(32), 4096, 32_768];
        for (uint256 i = 0; i < 6; ++i) {
            quorum(sizes[i / 2], i % 2 == 0);
        }
    }

    /// The base cost of a transaction is repaid once, however many settlements are in it.
    function test_SeveralSettlementsInOneTransactionRepayItsBaseCostOnce() public {
        single(32, true, true, false);
        Multicall multicall = new Multicall();
        bytes[] memory calls = new bytes[](4);
        for (uint256 i = 0; i < calls.length; ++i) {
            Request memory request = askQuietly(termsFor(32, false));
            SignedAnswer memory signed = ok(request, outputOf(32, true));
            (bytes32 r, bytes32 vs) = compact(signed.signature);
            calls[i] = abi.encodeCall(
                coordinator.fulfillPacked, (alice.keysetId, r, vs, pack(request, signed, true, request))
            );
        }
        uint256 before = earnedBy(onlyAlice());
        multicall.send(address(coordinator), calls);
        uint256 charged = vm.lastCallGas().gasTotalUsed;
        uint256 repaid = (earnedBy(onlyAlice()) - before - 4 * FEE) / GAS_PRICE;
        emit Measured("four in one transaction", charged, repaid, repaid * 1000 / charged);
        assertTrue(repaid * 100 <= charged * 103, "no more than is charged");
        assertTrue(repaid * 100 >= charged * 90, "and not much less: what the relaying contract costs");
    }

    /// faults/contracts.md, E1: the CALL of an account of EIP-7702 costs a second cold account.
    function test_ADelegatedConsumerGetsAllOfItsGas() public {
        GasMeterConsumer code = new GasMeterConsumer();
        address account = address(0x7702);
        vm.etch(account, abi.encodePacked(hex"ef0100", address(code)));
        RequestTerms memory asked = terms();
        asked.callbackGasLimit = 1_000_000;
        uint256 settled = 0;
        for (uint256 sent = 1_055_000; settled < 12; sent += 100) {
            uint256 escrow = coordinator.requiredEscrow(asked);
            vm.deal(account, escrow);
            vm.recordLogs();
            vm.prank(account);
            coordinator.request{ value: escrow }(asked, hex"0102");
            Request memory request = lastRequested();
            nextBlock();
            SignedAnswer memory signed = ok(request, "yes");
            try coordinator.fulfill{ gas: sent }(request, signed) {
                // What is used before the consumer looks is the same each time.
                assertTrue(GasMeterConsumer(account).seen() > 1_000_000 - 1_000, "all of its gas");
                ++settled;
            } catch { }
        }
    }

    /// Control (faults/contracts.md, N1): a transmitter that sends more gas is not repaid more.
    function test_MoreGasSentIsNotRepaidMore() public {
        single(32, true, false, false);
        uint256[2] memory repaid;
        for (uint256 i = 0; i < 2; ++i) {
            Request memory request = askQuietly(termsFor(32, false));
            SignedAnswer memory signed = ok(request, outputOf(32, true));
            uint256 before = earnedBy(onlyAlice());
            coordinator.fulfill{ gas: i == 0 ? 500_000 : 15_000_000 }(request, signed);
            repaid[i] = (earnedBy(onlyAlice()) - before - FEE) / GAS_PRICE;
        }
        assertTrue(repaid[1] <= repaid[0] + 200, "the same");
    }
}

/// What is repaid beside gas: at which price, and a rollup's data.
contract RepaidPriceTest is Quorums {
    /// Whoever builds the block sets the priority fee of its own transaction: it is repaid up to the base fee, or 2 gwei.
    function testFuzz_ThePriorityFeeThatIsRepaidIsBounded(uint64 baseFee, uint64 priority, uint64 cap)
        public
    {
        RequestTerms memory asked = terms();
        asked.gasPriceCap = uint64(bound(cap, 1, 1000 gwei));
        Request memory request = ask(asked);
        vm.fee(bound(baseFee, 0, 100 gwei));
        vm.txGasPrice(block.basefee + bound(priority, 0, 500 gwei));
        uint256 price = block.basefee + (block.basefee > 2 gwei ? block.basefee : 2 gwei);
        if (tx.gasprice < price) price = tx.gasprice;
        if (asked.gasPriceCap < price) price = asked.gasPriceCap;
        fulfill(request, ok(request, "yes"));
        uint256 repaid = coordinator.creditOf(alice.keyset.payee) - FEE;
        assertTrue(price == 0 ? repaid == 0 : repaid % price == 0, "at this price");
        assertTrue(price == 0 || (repaid / price > 60_000 && repaid / price < 250_000), "for the gas");
    }

    /// faults/contracts.md, A3: a rollup's data of a quorum was repaid for one answer.
    function test_ARollupsDataIsRepaidForEveryTransactionOfAQuorum() public {
        coordinator = deployCoordinator(new PerByteAdapter());
        consumer = new RecordingConsumer(coordinator, policyId);
        RequestTerms memory asked = terms();
        (asked.threshold, asked.aggregation) = (8, Aggregation.Identical);
        (asked.fee, asked.gasPriceCap) = (0, 0);
        Request memory request = ask(asked);
        bytes[] memory outputs = new bytes[](8);
        for (uint256 i = 0; i < 8; ++i) {
            outputs[i] = "yes";
        }
        Opening[] memory openings = openingsOf(request, outputs);
        uint256 sent = abi.encodeCall(coordinator.commitQuorum, (request, leavesOf(openings))).length
            + abi.encodeCall(coordinator.openQuorum, (request, openings)).length;
        settle(request, openings);
        uint256 repaid = 0;
        for (uint256 i = 0; i < 8; ++i) {
            repaid += earned(i);
        }
        assertTrue(repaid / 1 gwei + 1 >= sent && repaid / 1 gwei <= sent * 103 / 100, "every byte");
    }

    /// faults/contracts.md, V2: a quote by `eth_call`, which has no gas price, is what the transaction then needs.
    function test_AQuoteNeedsNoGasPrice() public {
        RequestTerms memory asked = terms();
        vm.txGasPrice(0);
        uint256 quoted = lens.escrowAt(coordinator, asked, 30 gwei);
        vm.txGasPrice(12 gwei);
        asked.gasPriceCap = 30 gwei;
        assertEq(quoted, coordinator.requiredEscrow(asked), "the same");
        assertEq(quoted, asked.fee + lens.estimateGas(asked) * 30 gwei, "fee and gas at that price");
        assertEq(lens.defaultGasPriceCap(10 gwei), 22 gwei, "twice the base fee, and 2 gwei");
    }
}
