// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import {
    AnswerStatus,
    CreOracleConsumer,
    IEnclaveRegistry
} from "adyton/contracts/src/adapters/CreOracleConsumer.sol";

/// Asks through CRE and keeps the hash of what comes.
contract CreBenchConsumer is CreOracleConsumer {
    bytes32 public lastHash = bytes32(uint256(1));

    event Response(bytes32 indexed requestId, AnswerStatus status, bytes output);

    constructor(IEnclaveRegistry enclaves, bytes32 policyId, uint32 fallbackWindowSeconds)
        CreOracleConsumer(enclaves, policyId, fallbackWindowSeconds)
    { }

    function ask(bytes calldata payload, uint24 maxOutputBytes) external returns (bytes32 requestId) {
        return _request(0, maxOutputBytes, 1 hours, payload);
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus status, uint64, bytes calldata output)
        internal
        override
    {
        lastHash = keccak256(output);
        emit Response(requestId, status, output);
    }
}
