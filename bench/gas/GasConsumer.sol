// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "adyton/contracts/src/Inference.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { IAnswerChecker } from "adyton/contracts/src/interfaces/IAnswerChecker.sol";
import { Answer } from "adyton/contracts/src/types/Answer.sol";
import { Aggregation, Delivery, Request, RequestTerms } from "adyton/contracts/src/types/Request.sol";

/// What a real consumer does, measured: it builds its prompt, keeps the id of each question in a slot of its own, and keeps the
/// hash of each answer in another.
contract GasConsumer is OracleConsumer {
    bytes32 private immutable POLICY_ID;

    mapping(uint256 item => bytes32 requestId) public requestOf;
    mapping(bytes32 requestId => bytes32 outputHash) public resultOf;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator) {
        POLICY_ID = policyId;
    }

    function ask(uint256 item, string calldata prompt, uint128 fee) external payable {
        _ask(item, prompt, _terms(POLICY_ID, fee));
    }

    function askFromSubscription(uint256 item, string calldata prompt, uint128 fee, uint64 subscriptionId) external {
        RequestTerms memory terms = _terms(POLICY_ID, fee);
        terms.subscriptionId = subscriptionId;
        _ask(item, prompt, terms);
    }

    function askWith(uint256 item, string calldata prompt, uint128 fee, Delivery delivery, uint8 threshold, uint64 lifetime)
        external
        payable
    {
        RequestTerms memory terms = _terms(POLICY_ID, fee);
        terms.delivery = delivery;
        if (delivery != Delivery.Callback) terms.callbackGasLimit = 0;
        terms.threshold = threshold;
        if (threshold > 1) terms.aggregation = Aggregation.Identical;
        terms.deadline = uint64(block.timestamp) + lifetime;
        _ask(item, prompt, terms);
    }

    function useAnswer(
        IAnswerChecker checker,
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature
    ) external {
        bytes32 requestId = checker.check(request, answer, output, signature, 1 hours);
        resultOf[requestId] = keccak256(output);
    }

    function _ask(uint256 item, string calldata prompt, RequestTerms memory terms) private {
        bytes memory payload = Inference.encode(Inference.text("openai/gpt-5.1", "", prompt));
        requestOf[item] = _request(terms, payload, msg.value);
    }

    function _onAnswer(bytes32 requestId, AnswerStatus, bytes calldata output) internal override {
        resultOf[requestId] = keccak256(output);
    }
}
