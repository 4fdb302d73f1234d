// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator } from "adyton/contracts/src/interfaces/IOracleCoordinator.sol";
import { OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { AnswerStatus } from "adyton/contracts/src/types/Answer.sol";
import { RequestTerms } from "adyton/contracts/src/types/Request.sol";

/// Asks many times in one transaction, so that making the load costs little beside answering it; counts what comes back.
contract BenchConsumer is OracleConsumer {
    uint256 public answers = 1;

    constructor(IOracleCoordinator coordinator) OracleConsumer(coordinator) { }

    function ask(RequestTerms calldata terms, bytes calldata payload, uint256 count) external payable {
        uint256 escrow = msg.value / count;
        for (uint256 i = 0; i < count; ++i) {
            _request(terms, payload, escrow);
        }
    }

    function _onAnswer(bytes32, AnswerStatus, bytes calldata) internal override {
        ++answers;
    }
}
