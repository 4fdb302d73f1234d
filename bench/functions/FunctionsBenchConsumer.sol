// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import {
    AnswerStatus,
    FunctionsOracleConsumer,
    FunctionsTerms,
    IEnclaveRegistry,
    IFunctionsRouter,
    SecretsLocation
} from "adyton/contracts/src/adapters/FunctionsOracleConsumer.sol";

/// Asks by our road and keeps the hash of what comes.
contract FunctionsBenchConsumer is FunctionsOracleConsumer {
    bytes32 private immutable DON_ID;
    uint64 private immutable SUBSCRIPTION_ID;
    bytes32 public lastHash = bytes32(uint256(1));

    event Response(bytes32 indexed requestId, bytes32 hash);

    constructor(
        IFunctionsRouter router,
        IEnclaveRegistry enclaves,
        bytes32 policyId,
        bytes32 donId,
        uint64 subscriptionId,
        uint32 fallbackWindowSeconds
    ) FunctionsOracleConsumer(router, enclaves, policyId, fallbackWindowSeconds) {
        DON_ID = donId;
        SUBSCRIPTION_ID = subscriptionId;
    }

    function ask(bytes calldata payload) external returns (bytes32 requestId) {
        FunctionsTerms memory terms =
            FunctionsTerms(0, SUBSCRIPTION_ID, DON_ID, 300_000, 1_024, 1 hours, SecretsLocation.None, "");
        return _request(terms, payload);
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus, uint64, bytes calldata output)
        internal
        override
    {
        lastHash = keccak256(output);
        emit Response(requestId, lastHash);
    }
}
