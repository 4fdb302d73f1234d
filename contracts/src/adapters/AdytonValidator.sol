// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumer } from "../OracleConsumer.sol";
import { IAnswerChecker } from "../interfaces/IAnswerChecker.sol";
import { IOracleCoordinator } from "../interfaces/IOracleCoordinator.sol";
import { IValidationRegistry } from "../interfaces/external/IValidationRegistry.sol";
import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request, RequestTerms } from "../types/Request.sol";

/// @title AdytonValidator
/// @notice A validator of ERC-8004 without an opinion: it answers a validation request when an enclave that its policy accepts
/// has answered the very question that the request names by its hash.
/// @dev Establishes: a response of 100 means that `AnswerChecker` took an `Ok` answer of an admitted key to a question whose
/// payload's hash is the validation request's `requestHash`. There is no other response, and no key or owner that could make one.
/// @dev Does not establish: that the answer is true, or good, or that the agent made it; see what the answer says.
/// @dev Warning: who names the request's hash chooses the question. Read the payload before you read anything into a 100.
contract AdytonValidator is OracleConsumer {
    /// @notice Emitted when a validation request was answered.
    /// @param outputHash Of what the enclave answered: whoever is shown an output compares.
    event Validated(bytes32 indexed requestHash, bytes32 indexed requestId, bytes32 outputHash);

    /// @notice Thrown when the answer is to another question than the validation request names.
    error WrongRequest(bytes32 requestHash, bytes32 payloadHash);
    /// @notice Thrown when the enclave answered that it has no answer: this validates nothing.
    error AnswerNotOk(AnswerStatus status);
    /// @notice Thrown when the validation request has its response.
    error AlreadyValidated(bytes32 requestHash);

    /// @notice What a response is, which has no degrees.
    uint8 public constant RESPONSE = 100;
    /// @notice What responses are tagged with.
    string public constant TAG = "adyton/tee";
    /// @notice Oldest answer that validates, seconds: about as long as Ethereum knows a block's hash.
    uint64 public constant MAX_AGE_SECONDS = 1 days;

    /// @notice Where responses go. Its owner may be able to change what it does with them.
    IValidationRegistry public immutable VALIDATIONS;
    /// @notice Who alone says whether an answer counts.
    IAnswerChecker public immutable CHECKER;

    /// @notice Whether a validation request has its response.
    mapping(bytes32 requestHash => bool) public isValidated;

    /// @param checker Of the same coordinator: one of another refuses every answer.
    constructor(
        IOracleCoordinator coordinator,
        IAnswerChecker checker,
        IValidationRegistry validations,
        bytes32 policyId
    ) OracleConsumer(coordinator, policyId) {
        CHECKER = checker;
        VALIDATIONS = validations;
    }

    /// @notice Asks an enclave; anybody, who pays and gets back what is not spent. The validation request that the answer fits has
    /// `keccak256(payload)` for its hash.
    /// @param fee Wei for the model's work; a node quotes it.
    function ask(uint96 fee, uint24 maxOutputBytes, bytes calldata payload)
        external
        payable
        returns (bytes32 requestId)
    {
        RequestTerms memory terms = _terms(fee, maxOutputBytes);
        terms.delivery = Delivery.Pull;
        terms.callbackGasLimit = 0;
        return _request(terms, payload, msg.value);
    }

    /// @notice Answers a validation request that names this contract; anybody who has the answer.
    /// @dev Establishes: see the contract. `request`, `answer` and the rest are believed only as far as `IAnswerChecker.check` does.
    function respond(
        bytes32 requestHash,
        Request calldata request,
        Answer calldata answer,
        bytes calldata output,
        bytes calldata signature,
        uint256 stateBlockNumber
    ) external {
        bytes32 requestId = CHECKER.check(
            request, answer, output, signature, stateBlockNumber, MAX_AGE_SECONDS
        );
        require(request.payloadHash == requestHash, WrongRequest(requestHash, request.payloadHash));
        require(answer.status == AnswerStatus.Ok, AnswerNotOk(answer.status));
        require(!isValidated[requestHash], AlreadyValidated(requestHash));
        isValidated[requestHash] = true;
        emit Validated(requestHash, requestId, answer.outputHash);
        // No URI: who brings an answer would choose it, and nobody has signed it.
        VALIDATIONS.validationResponse(requestHash, RESPONSE, "", Answers.structHash(answer), TAG);
    }

    /// @dev Answers are pulled.
    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override { }
}
