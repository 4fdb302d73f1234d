// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerChecker } from "../src/AnswerChecker.sol";
import { IAnswerChecker } from "../src/interfaces/IAnswerChecker.sol";
import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { World } from "./support/World.sol";

contract AnswerCheckerTest is World {
    uint64 private constant MAX_AGE = 600;
    bytes private constant OUTPUT = "yes";
    AnswerChecker private checker;

    function setUp() public override {
        super.setUp();
        checker = new AnswerChecker(coordinator);
    }

    function askToPull() internal returns (Request memory) {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery.Pull;
        asked.callbackGasLimit = 0;
        return ask(asked);
    }

    function signatureOf(Answer memory answer) internal view returns (bytes memory) {
        return sign(answer, OUTPUT, alice).signature;
    }

    function check(Request memory request, Answer memory answer) internal returns (bytes32) {
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        return checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_AcceptsTheAnswerToTheExpectedRequest() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        assertEq(check(request, answer), Requests.id(request), "requestId");
        coordinator.fulfill(request, sign(answer, "", alice));
        assertEq(check(request, answer), Requests.id(request), "settled or not");
    }

    function testFuzz_RevertWhen_WrongQuestion(uint8 field, uint8 bit) public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        // Any field but those that are refused by name: chain, coordinator, consumer, threshold.
        field = uint8(bound(field, 3, 18));
        if (field == 11) field = 7;
        bytes memory encoded = abi.encode(request);
        encoded[
            uint256(field) * 32 + 31
        ] ^= bytes1(uint8(1 << (field == 12 ? 0 : field == 13 ? 1 : bound(bit, 0, 7))));
        request = abi.decode(encoded, (Request));
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.WrongQuestion.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_RevertWhen_WrongConsumer() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.expectRevert(
            abi.encodeWithSelector(IAnswerChecker.WrongConsumer.selector, address(this), address(consumer))
        );
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_RevertWhen_AnswerIsReused() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        checker.consume(request, answer, OUTPUT, signature, MAX_AGE);
        assertTrue(checker.isConsumed(address(consumer), Requests.id(request)), "consumed");
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.AnswerAlreadyConsumed.selector);
        checker.consume(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_RevertWhen_AnswerIsFromTheFuture() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        answer.answeredAt = uint64(block.timestamp) + 61;
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.AnswerFromTheFuture.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
        answer.answeredAt -= 1;
        check(request, answer);
    }

    function test_RevertWhen_AnswerIsTooOld() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        vm.warp(block.timestamp + MAX_AGE);
        check(request, answer);
        vm.warp(block.timestamp + 1);
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.AnswerTooOld.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_RevertWhen_OutputOrDomainOrSignerIsAnother() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.startPrank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.WrongOutput.selector);
        checker.check(request, answer, "no", signature, MAX_AGE);
        signature[0] ^= 0x01;
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
        signature[0] ^= 0x01;
        request.coordinator = address(this);
        vm.expectPartialRevert(IAnswerChecker.WrongDomain.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
        vm.stopPrank();
    }

    function test_RevertWhen_SignedOffChain() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes32 offChainDomain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version)"),
                keccak256("Adyton Off-chain"),
                keccak256("1")
            )
        );
        bytes memory signature =
            signBy(alice, keccak256(abi.encodePacked(hex"1901", offChainDomain, Answers.structHash(answer))));
        vm.prank(address(consumer));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }

    function test_KeysBeforeRequestNeedsAPendingRequest() public {
        policyId =
            createPolicy("early", one(PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, PolicyRules.PRESENT)));
        admit(alice);
        vm.warp(block.timestamp + 1);
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        check(request, answer);
        coordinator.fulfill(request, sign(answer, "", alice));
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectPartialRevert(IEnclaveRegistry.AdmittedAfterRequest.selector);
        checker.check(request, answer, OUTPUT, signature, MAX_AGE);
    }
}
