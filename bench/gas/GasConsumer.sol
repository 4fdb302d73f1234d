// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "adyton/contracts/src/Inference.sol";
import { OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { IAnswerChecker } from "adyton/contracts/src/interfaces/IAnswerChecker.sol";
import { IOracleCoordinator } from "adyton/contracts/src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "adyton/contracts/src/types/Answer.sol";
import { Aggregation, Delivery, Request, RequestTerms } from "adyton/contracts/src/types/Request.sol";

/// What a real consumer does, measured: it builds its prompt, keeps the id of each question in a slot of its own (or lets the context
/// say which it is), and keeps the hash of each answer in another.
contract GasConsumer is OracleConsumer {
    mapping(uint256 item => bytes32 requestId) public requestOf;
    mapping(bytes32 question => bytes32 outputHash) public resultOf;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    function ask(uint256 item, string calldata prompt, uint96 fee) external payable {
        _ask(item, prompt, _terms(fee));
    }

    function askByContext(bytes32 context, string calldata prompt, uint96 fee) external payable {
        RequestTerms memory terms = _terms(fee);
        terms.context = context;
        _request(terms, Inference.encodeText("openai/gpt-5.1", prompt), msg.value);
    }

    function askFromSubscription(uint256 item, string calldata prompt, uint96 fee, uint64 subscriptionId) external {
        RequestTerms memory terms = _terms(fee);
        terms.subscriptionId = subscriptionId;
        _ask(item, prompt, terms);
    }

    function askWith(
        uint256 item,
        string calldata prompt,
        uint96 fee,
        Delivery delivery,
        uint8 threshold,
        uint24 maxOutputBytes,
        uint40 lifetime
    ) external payable {
        RequestTerms memory terms = _terms(fee, maxOutputBytes);
        terms.callbackGasLimit = delivery == Delivery.Callback ? 100_000 + 50 * uint32(maxOutputBytes) : 0;
        terms.delivery = delivery;
        terms.threshold = threshold;
        if (threshold > 1) terms.aggregation = Aggregation.Identical;
        terms.deadline = uint40(block.timestamp) + lifetime;
        _ask(item, prompt, terms);
    }

    function useAnswer(
        IAnswerChecker checker,
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber
    ) external {
        bytes32 requestId = checker.check(request, answer, output, signature, stateBlockNumber, 1 hours);
        resultOf[requestId] = keccak256(output);
    }

    function _ask(uint256 item, string calldata prompt, RequestTerms memory terms) private {
        bytes memory payload = Inference.encodeText("openai/gpt-5.1", prompt);
        requestOf[item] = _request(terms, payload, msg.value);
    }

    function _onAnswer(bytes32 requestId, bytes32 context, AnswerStatus, uint64, bytes calldata output)
        internal
        override
    {
        resultOf[context == 0 ? requestId : context] = keccak256(output);
    }
}
