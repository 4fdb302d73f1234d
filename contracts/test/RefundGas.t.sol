// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumer } from "../src/OracleConsumer.sol";
import { IOracleCoordinator } from "../src/interfaces/IOracleCoordinator.sol";
import { MockCoordinator } from "../src/testing/MockCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { RequestTerms } from "../src/types/Request.sol";
import { Test } from "./support/Vm.sol";

/// Keeps what a refund hands it, and burns the rest.
contract BurningConsumer is OracleConsumer {
    uint256 public seen;

    constructor(IOracleCoordinator coordinator) OracleConsumer(coordinator, bytes32(uint256(1))) { }

    function ask(uint32 callbackGasLimit) external payable returns (bytes32) {
        RequestTerms memory terms = _terms(0);
        terms.callbackGasLimit = callbackGasLimit;
        return _request(terms, hex"0102", msg.value);
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override { }

    function _onRefund(bytes32, bytes32) internal override {
        seen = gasleft();
        while (gasleft() > 5_000) { }
    }
}

/// Nobody repays whoever sends a refund, and nodes send them by themselves. The mock refunds by the coordinator's own code.
contract RefundGasTest is Test {
    MockCoordinator private mock;

    function setUp() public {
        vm.warp(1_800_000_000);
        mock = new MockCoordinator();
    }

    function refundOf(uint32 callbackGasLimit) internal returns (uint256 seen, uint256 spent) {
        BurningConsumer burning = new BurningConsumer(mock.asCoordinator());
        bytes32 requestId = burning.ask{ value: 1 ether }(callbackGasLimit);
        vm.warp(block.timestamp + 1 hours + 1);
        uint256 before = gasleft();
        mock.expire(requestId);
        spent = before - gasleft();
        assertTrue(!mock.isPending(requestId), "the money is back");
        seen = burning.seen();
    }

    function test_ARefundHandsOnNoMoreThanItMay() public {
        (uint256 seen, uint256 spent) = refundOf(5_000_000);
        assertTrue(seen > 195_000 && seen <= 200_000, "as much as it may");
        assertTrue(spent < 400_000, "whatever the callback's gas is");
        (seen,) = refundOf(100_000);
        assertTrue(seen > 95_000 && seen <= 100_000, "and what the request names, where that is less");
    }
}
