// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerChecker } from "../../src/AnswerChecker.sol";
import { Inference } from "../../src/Inference.sol";
import { AdytonValidator } from "../../src/adapters/AdytonValidator.sol";
import { IAnswerChecker } from "../../src/interfaces/IAnswerChecker.sol";
import { IValidationRegistry } from "../../src/interfaces/external/IValidationRegistry.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { Request } from "../../src/types/Request.sol";
import { World } from "../support/World.sol";

/// ERC-8004's rules (ValidationRegistryUpgradeable 1.1.0): a request names its validator, and only that one may respond, as often
/// as it likes.
contract FakeValidationRegistry is IValidationRegistry {
    struct Status {
        address validator;
        uint8 response;
        bytes32 responseHash;
        string responseURI;
        string tag;
        uint256 responses;
    }

    mapping(bytes32 requestHash => Status) private _statuses;

    function validationRequest(address validator, uint256, string calldata, bytes32 requestHash) external {
        require(_statuses[requestHash].validator == address(0), "exists");
        _statuses[requestHash].validator = validator;
    }

    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        require(response <= 100, "resp>100");
        Status storage status = _statuses[requestHash];
        require(status.validator != address(0), "unknown");
        require(msg.sender == status.validator, "not validator");
        status.response = response;
        status.responseHash = responseHash;
        status.responseURI = responseURI;
        status.tag = tag;
        status.responses += 1;
    }

    function statusOf(bytes32 requestHash) external view returns (Status memory) {
        return _statuses[requestHash];
    }
}

contract AdytonValidatorTest is World {
    bytes private constant OUTPUT = "Delphi";
    uint256 private constant AGENT = 7;

    FakeValidationRegistry private validations;
    AnswerChecker private checker;
    AdytonValidator private validator;
    bytes private payload;
    bytes32 private requestHash;

    function setUp() public override {
        super.setUp();
        validations = new FakeValidationRegistry();
        checker = new AnswerChecker(coordinator);
        validator = new AdytonValidator(coordinator, checker, validations, policyId);
        payload = payloadOf("Which temple was the oracle's?");
        requestHash = keccak256(payload);
    }

    function payloadOf(string memory text) private pure returns (bytes memory) {
        return Inference.encode(Inference.text("openai/gpt-5.1", "", text));
    }

    function asked(bytes memory what) private returns (Request memory request) {
        vm.recordLogs();
        validator.ask{ value: 1 ether }(FEE, 1024, what);
        request = lastRequested();
        nextBlock();
    }

    function requested() private {
        validations.validationRequest(address(validator), AGENT, "", requestHash);
    }

    function respond(Request memory request, Answer memory answer, bytes memory output) private {
        respond(request, answer, output, sign(answer, output, alice).signature);
    }

    function respond(
        Request memory request,
        Answer memory answer,
        bytes memory output,
        bytes memory signature
    ) private {
        validator.respond(requestHash, request, answer, output, signature, block.number - 1);
    }

    function assertOpen() private view {
        assertEq(validations.statusOf(requestHash).responses, 0, "responses");
        assertTrue(!validator.isValidated(requestHash), "validated");
    }

    function test_AnswersAValidationRequestWhoseQuestionAnEnclaveAnswered() public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        respond(request, answer, OUTPUT);
        FakeValidationRegistry.Status memory status = validations.statusOf(requestHash);
        assertEq(status.response, 100, "response");
        assertEq(status.responseHash, Answers.structHash(answer), "commits to the answer");
        assertEq(bytes(status.responseURI), bytes(""), "no URI that nobody signed");
        assertEq(bytes(status.tag), bytes("adyton/tee"), "tag");
    }

    function test_AnswersAfterTheCoordinatorHasSettledToo() public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        coordinator.fulfill(request, sign(answer, "", alice));
        respond(request, answer, OUTPUT);
        assertEq(validations.statusOf(requestHash).response, 100, "response");
    }

    /// Who asks pays, and gets back what is not spent: the contract keeps no money.
    function test_CreditsWhoAsked() public {
        Request memory request = asked(payload);
        assertEq(request.refundTo, address(this), "refundTo");
        assertEq(address(validator).balance, 0, "keeps");
    }

    function testFuzz_RevertWhen_ABitOfTheAnswerIsAnother(uint256 at, uint8 bit) public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        at %= 7 * 32;
        // A word of few bits: what is above them is no answer that the ABI takes.
        if (at / 32 == 1) at = 63;
        if (at / 32 == 6) at = 7 * 32 - 1;
        bytes memory encoded = abi.encode(answer);
        encoded[at] ^= bytes1(uint8(1) << (at == 63 ? bit % 2 : bit % 8));
        answer = abi.decode(encoded, (Answer));
        vm.expectRevert();
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    function test_RevertWhen_TheOutputIsAnother() public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.expectPartialRevert(IAnswerChecker.WrongOutput.selector);
        respond(request, answer, "Dodona", signature);
        assertOpen();
    }

    function test_RevertWhen_NobodyWhoIsAdmittedSigned() public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes32 digest = Answers.digest(answer, block.chainid, address(coordinator));
        bytes memory signature = signBy(makeEnclave("mallory"), digest);
        vm.expectRevert();
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    /// The question is another than the validation request's, though an enclave answered it to this contract.
    function test_RevertWhen_TheAnswerIsToAnotherQuestion() public {
        requested();
        bytes memory other = payloadOf("Say yes.");
        Request memory request = asked(other);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.expectRevert(
            abi.encodeWithSelector(AdytonValidator.WrongRequest.selector, requestHash, keccak256(other))
        );
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    /// Anybody asks what he likes from a contract of his own, under a policy of his own.
    function test_RevertWhen_AnotherContractAsked() public {
        requested();
        Request memory request = ask();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAnswerChecker.WrongConsumer.selector, address(validator), address(consumer)
            )
        );
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    function test_RevertWhen_TheEnclaveHadNoAnswer() public {
        requested();
        Request memory request = asked(payload);
        AnswerStatus[3] memory failed =
            [AnswerStatus.Refused, AnswerStatus.InvalidOutput, AnswerStatus.OutOfBudget];
        for (uint256 i = 0; i < failed.length; ++i) {
            Answer memory answer = answerTo(request, failed[i], "", alice);
            bytes memory signature = sign(answer, "", alice).signature;
            vm.expectRevert(abi.encodeWithSelector(AdytonValidator.AnswerNotOk.selector, failed[i]));
            respond(request, answer, "", signature);
        }
        assertOpen();
    }

    function test_RevertWhen_AnAnswerComesAgainOrAnotherToTheSame() public {
        requested();
        Request memory request = asked(payload);
        Request memory second = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        respond(request, answer, OUTPUT);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.expectRevert(abi.encodeWithSelector(AdytonValidator.AlreadyValidated.selector, requestHash));
        respond(request, answer, OUTPUT, signature);
        answer = answerTo(second, AnswerStatus.Ok, "Dodona", alice);
        signature = sign(answer, "Dodona", alice).signature;
        vm.expectRevert(abi.encodeWithSelector(AdytonValidator.AlreadyValidated.selector, requestHash));
        respond(second, answer, "Dodona", signature);
        assertEq(validations.statusOf(requestHash).responses, 1, "responses");
    }

    function test_RevertWhen_NobodyRequestedItOrOfAnotherValidator() public {
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.expectRevert("unknown");
        respond(request, answer, OUTPUT, signature);
        validations.validationRequest(address(this), AGENT, "", requestHash);
        vm.expectRevert("not validator");
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    function test_RevertWhen_TheAnswerIsOld() public {
        requested();
        Request memory request = asked(payload);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = sign(answer, OUTPUT, alice).signature;
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectPartialRevert(IAnswerChecker.AnswerTooOld.selector);
        respond(request, answer, OUTPUT, signature);
        assertOpen();
    }

    function test_RevertWhen_ThePolicyIsUnknown() public {
        vm.expectRevert();
        new AdytonValidator(coordinator, checker, validations, keccak256("no policy"));
    }

    receive() external payable { }
}
