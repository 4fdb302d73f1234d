// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentCalls } from "adyton/contracts/src/AgentCalls.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";

/// Resolves questions of yes or no: one program reads several sources, puts what they say to several models, and answers as most of
/// them do. Program, sources and models are fixed when this is deployed; whoever asks chooses the question alone.
contract Resolver is OracleConsumer {
    enum Outcome {
        Undecided,
        Yes,
        No
    }

    struct Question {
        bool isSettled;
        Outcome outcome;
        uint16 confidenceBps;
        string reason;
    }

    uint16 private constant MIN_CONFIDENCE_BPS = 6_000;
    uint32 private constant MAX_OUTPUT_BYTES = 1_024;

    bytes32 public immutable PROGRAM_HASH;
    string[] private _sources;
    string[] private _models;

    mapping(bytes32 requestId => Question) public questions;

    event Resolved(bytes32 indexed requestId, Outcome outcome, uint16 confidenceBps, string reason);

    constructor(
        IOracleCoordinator coordinator,
        bytes32 policyId,
        bytes32 programHash,
        string[] memory sources,
        string[] memory models
    ) OracleConsumer(coordinator, policyId) {
        PROGRAM_HASH = programHash;
        _sources = sources;
        _models = models;
    }

    /// `fee` pays the models; the rest of the value pays gas, and what is left comes back to the caller.
    function resolve(string calldata question, uint96 fee) external payable returns (bytes32 requestId) {
        bytes memory input = abi.encode(question, _sources, _models);
        return _request(_terms(fee), AgentCalls.encode(PROGRAM_HASH, input, MAX_OUTPUT_BYTES), msg.value);
    }

    /// What is not known well enough stays undecided, whatever the models lean to.
    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus status, uint64, bytes calldata output)
        internal
        override
    {
        Question storage question = questions[requestId];
        question.isSettled = true;
        if (status == AnswerStatus.Ok) {
            (uint8 outcome, uint16 confidenceBps, string memory reason) =
                abi.decode(output, (uint8, uint16, string));
            bool isSure = confidenceBps >= MIN_CONFIDENCE_BPS && outcome <= uint8(type(Outcome).max);
            question.outcome = isSure ? Outcome(outcome) : Outcome.Undecided;
            (question.confidenceBps, question.reason) = (confidenceBps, reason);
        }
        emit Resolved(requestId, question.outcome, question.confidenceBps, question.reason);
    }

    function _onRefund(bytes32 requestId, bytes32) internal override {
        questions[requestId].isSettled = true;
        emit Resolved(requestId, Outcome.Undecided, 0, "");
    }
}
