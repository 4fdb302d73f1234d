// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { IOracleCoordinator } from "adyton/contracts/src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "adyton/contracts/src/types/Answer.sol";
import { RequestTerms } from "adyton/contracts/src/types/Request.sol";

/// Asks many times in one transaction, so that making the load costs little beside answering it; counts what comes back.
contract BenchConsumer is OracleConsumer {
    uint256 public answers = 1;
    uint256 private _asked = 1;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    function ask(RequestTerms calldata terms, bytes calldata payload, uint256 count) external payable {
        uint256 escrow = msg.value / count;
        uint256 asked = _asked;
        RequestTerms memory named = terms;
        for (uint256 i = 0; i < count; ++i) {
            // Equal requests of one second would each look for the next free number.
            named.context = bytes32(++asked);
            _request(named, payload, escrow);
        }
        _asked = asked;
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override {
        ++answers;
    }
}
