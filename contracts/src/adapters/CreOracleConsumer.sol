// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
// For those who inherit: `_onAnswer` names it.
import { AnswerStatus } from "../types/Answer.sol";
import { EnclaveAnswers } from "./EnclaveAnswers.sol";
import { IReceiver } from "./IReceiver.sol";

/// @title CreOracleConsumer
/// @notice Inherit this to ask through a workflow of Chainlink's CRE and to be answered by an enclave. The event is the request: no
/// router, no subscription. `_onAnswer` is that of `OracleConsumer`, so a contract changes road by changing its base.
/// @dev Establishes: what `EnclaveAnswers` does, whoever calls `onReport`.
/// @dev There is no check of the forwarder, on purpose: what a network of nodes signs does not cover the receiver, so that any report can
/// be brought to any receiver. What the enclave signs covers chain, contract and question. An address of a forwarder would only be
/// one more thing that goes stale.
/// @dev Warning: keep `_onAnswer` cheap. What it reverts leaves the question open: `relay` may bring the answer again.
abstract contract CreOracleConsumer is EnclaveAnswers, IReceiver, IERC165 {
    /// @notice Emitted when a question was asked: what a workflow's log trigger waits for.
    /// @param call What the enclave is asked with.
    event QuestionAsked(bytes32 indexed requestId, uint64 deadline, bytes call);

    /// @notice Thrown when a question is longer than what a log trigger hands to a workflow.
    error QuestionTooLong(uint256 length, uint256 maximum);
    /// @notice Thrown when a report is not `abi.encode(requestId, response)`.
    error ReportMalformed(uint256 length);

    /// @dev A log trigger hands on 5 KB; the other words of the event's data take some.
    uint256 private constant MAX_CALL_BYTES = 4_800;
    /// @dev A report has 5 KB: 142 bytes of an answer, and an output of 4 KB.
    uint256 private constant MAX_RESPONSE_BYTES = 4_238;
    uint256 private constant RESPONSE = 96;

    constructor(IEnclaveRegistry enclaves, bytes32 policyId, uint32 fallbackWindowSeconds)
        EnclaveAnswers(enclaves, policyId, fallbackWindowSeconds)
    { }

    /// @notice A report of a workflow, or of anybody.
    /// @param report `abi.encode(requestId, response)`, the response as the enclave gave it out.
    /// @dev Establishes: see `relay`.
    function onReport(bytes calldata, bytes calldata report) external {
        require(
            report.length >= RESPONSE && uint256(bytes32(report[32:64])) == 64, ReportMalformed(report.length)
        );
        uint256 length = uint256(bytes32(report[64:RESPONSE]));
        require(length <= report.length - RESPONSE, ReportMalformed(report.length));
        _accept(bytes32(report[:32]), report[RESPONSE:RESPONSE + length]);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) public view virtual returns (bool) {
        return id == type(IReceiver).interfaceId || id == type(IERC165).interfaceId;
    }

    /// @notice Asks, once.
    /// @param context Comes back with the answer, so that a consumer need not keep the requestId.
    /// @param maxOutputBytes Longest output accepted; beyond 4,096 bytes it comes by hash, and `deliver` brings it.
    /// @param lifetimeSeconds How long an answer is waited for.
    /// @dev Establishes: see `EnclaveAnswers._open`.
    function _request(bytes32 context, uint24 maxOutputBytes, uint32 lifetimeSeconds, bytes memory payload)
        internal
        returns (bytes32 requestId)
    {
        uint40 deadline;
        bytes memory call;
        (requestId, deadline, call) = _open(context, maxOutputBytes, lifetimeSeconds, payload);
        require(call.length <= MAX_CALL_BYTES, QuestionTooLong(call.length, MAX_CALL_BYTES));
        emit QuestionAsked(requestId, deadline, call);
    }

    function _maxResponseBytes() internal pure override returns (uint256) {
        return MAX_RESPONSE_BYTES;
    }
}
