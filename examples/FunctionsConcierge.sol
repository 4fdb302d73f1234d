// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "adyton/contracts/src/Inference.sol";
import {
    AnswerStatus,
    FunctionsOracleConsumer,
    FunctionsTerms,
    IEnclaveRegistry,
    IFunctionsRouter,
    SecretsLocation
} from "adyton/contracts/src/adapters/FunctionsOracleConsumer.sol";
import { Prompt } from "adyton/contracts/src/types/Prompt.sol";

/// `Concierge`, asking through Chainlink Functions: the same question, the same `_onAnswer`, another base.
contract FunctionsConcierge is FunctionsOracleConsumer {
    struct Reply {
        AnswerStatus status;
        bytes output;
    }

    address private immutable OWNER = msg.sender;
    bytes32 private immutable DON_ID;
    uint64 private immutable SUBSCRIPTION_ID;

    SecretsLocation private _secretsLocation;
    bytes private _secretsReference;
    mapping(bytes32 requestId => Reply) private _replies;

    event Answered(bytes32 indexed requestId, AnswerStatus status, bytes output);

    error NotOwner(address caller);

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

    /// Says where the nodes find the enclave's URL and the credential for it, encrypted; they forget them after a time.
    function setSecrets(SecretsLocation location, bytes calldata secretsReference) external {
        require(msg.sender == OWNER, NotOwner(msg.sender));
        (_secretsLocation, _secretsReference) = (location, secretsReference);
    }

    /// Asks `question`. With an `outputType` such as `(uint256 year)` the answer is ABI-encoded, else it is text. The
    /// subscription pays, so only its owner asks.
    function ask(string calldata model, string calldata question, string calldata outputType)
        external
        returns (bytes32 requestId)
    {
        require(msg.sender == OWNER, NotOwner(msg.sender));
        Prompt memory prompt = bytes(outputType).length == 0
            ? Inference.text(model, "", question)
            : Inference.typed(model, "", question, outputType);
        FunctionsTerms memory terms = FunctionsTerms({
            context: 0,
            subscriptionId: SUBSCRIPTION_ID,
            donId: DON_ID,
            callbackGasLimit: 300_000,
            maxOutputBytes: 1_024,
            lifetimeSeconds: 1 hours,
            secretsLocation: _secretsLocation,
            secretsReference: _secretsReference
        });
        return _request(terms, Inference.encode(prompt));
    }

    function replyTo(bytes32 requestId) external view returns (AnswerStatus status, bytes memory output) {
        return (_replies[requestId].status, _replies[requestId].output);
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus status, uint64, bytes calldata output)
        internal
        override
    {
        _replies[requestId] = Reply(status, output);
        emit Answered(requestId, status, output);
    }
}
