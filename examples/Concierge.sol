// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentCalls } from "adyton/contracts/src/AgentCalls.sol";
import { Inference } from "adyton/contracts/src/Inference.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { Prompt } from "adyton/contracts/src/types/Prompt.sol";

/// Asks a model anything, in words or for values of chosen types, or runs a program, and keeps each answer.
contract Concierge is OracleConsumer {
    struct Reply {
        AnswerStatus status;
        bytes output;
    }

    /// What the terms have room for.
    uint32 private constant MAX_OUTPUT_BYTES = 1_024;

    mapping(bytes32 requestId => Reply) private _replies;

    event Answered(bytes32 indexed requestId, AnswerStatus status, bytes output);

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    /// Asks `question`. With an `outputType` such as `(uint256 year)` the answer is ABI-encoded, else it is text.
    function ask(string calldata model, string calldata question, string calldata outputType, uint96 fee)
        external
        payable
        returns (bytes32 requestId)
    {
        Prompt memory prompt = bytes(outputType).length == 0
            ? Inference.text(model, "", question)
            : Inference.typed(model, "", question, outputType);
        return _request(_terms(fee), Inference.encode(prompt), msg.value);
    }

    /// Asks all that a prompt can: several models, settings, and pages, images and documents that the enclave reads.
    function askPrompt(Prompt memory prompt, uint96 fee)
        external
        payable
        returns (bytes32 requestId)
    {
        return _request(_terms(fee), Inference.encode(prompt), msg.value);
    }

    /// Runs the program of that hash, which the enclave has.
    function run(bytes32 programHash, bytes calldata input, uint96 fee)
        external
        payable
        returns (bytes32 requestId)
    {
        return _request(_terms(fee), AgentCalls.encode(programHash, input, MAX_OUTPUT_BYTES), msg.value);
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
