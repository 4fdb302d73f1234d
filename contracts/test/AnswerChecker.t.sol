// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerChecker } from "../src/AnswerChecker.sol";
import { IAnswerChecker } from "../src/interfaces/IAnswerChecker.sol";
import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { Refusal } from "../src/interfaces/IOracleCoordinator.sol";
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
        return checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
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
        field = uint8(bound(field, 3, 19));
        if (field == 12) field = 9;
        bytes memory encoded = abi.encode(request);
        encoded[
            uint256(field) * 32 + 31
        ] ^= bytes1(uint8(1 << (field == 13 ? 0 : field == 14 ? 1 : bound(bit, 0, 7))));
        request = abi.decode(encoded, (Request));
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.WrongQuestion.selector);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    function test_RevertWhen_WrongConsumer() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.expectRevert(
            abi.encodeWithSelector(IAnswerChecker.WrongConsumer.selector, address(this), address(consumer))
        );
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    function test_RevertWhen_AnswerIsReused() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        checker.consume(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
        assertTrue(checker.isConsumed(address(consumer), Requests.id(request)), "consumed");
        vm.prank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.AnswerAlreadyConsumed.selector);
        checker.consume(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    function expectRefused(Request memory request, Refusal reason) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IAnswerChecker.AnswerRefused.selector, Requests.id(request), reason)
        );
    }

    function test_RevertWhen_AnsweredAtIsOutsideOfWhatClocksMayDifferBy() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        answer.answeredAt = uint64(block.timestamp) + 301;
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        expectRefused(request, Refusal.AnsweredAtOutOfRange);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
        answer.answeredAt -= 1;
        check(request, answer);
        answer.answeredAt = request.requestedAt - 301;
        signature = signatureOf(answer);
        vm.prank(address(consumer));
        expectRefused(request, Refusal.AnsweredAtOutOfRange);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    /// faults/contracts.md, T1: any stateBlockHash was accepted.
    function test_RevertWhen_TheBlockIsOlderOrUnknownOrAnother() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        answer.stateBlockHash = keccak256("no block");
        expectBlockRefused(request, answer, block.number - 1, Refusal.StateBlockMismatch);
        answer.stateBlockHash = 0;
        expectBlockRefused(request, answer, block.number - 1, Refusal.StateBlockMismatch);
        answer.stateBlockHash = blockhash(block.number - 2);
        expectBlockRefused(request, answer, block.number - 2, Refusal.StateBlockTooOld);
        expectBlockRefused(request, answer, block.number, Refusal.StateBlockUnknown);
        answer.stateBlockHash = blockhash(block.number - 1);
        check(request, answer);
    }

    function expectBlockRefused(Request memory request, Answer memory answer, uint256 number, Refusal reason)
        internal
    {
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        expectRefused(request, reason);
        checker.check(request, answer, OUTPUT, signature, number, MAX_AGE);
    }

    function test_RevertWhen_TheRequestNeitherWaitsNorWasPulled() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        vm.warp(request.deadline + 1);
        coordinator.refund(request);
        answer.answeredAt = uint64(block.timestamp);
        bytes memory signature = signatureOf(answer);
        vm.prank(address(consumer));
        vm.expectRevert(abi.encodeWithSelector(IAnswerChecker.RequestNotAsked.selector, Requests.id(request)));
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
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
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    function test_RevertWhen_OutputOrDomainOrSignerIsAnother() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes memory signature = signatureOf(answer);
        vm.startPrank(address(consumer));
        vm.expectPartialRevert(IAnswerChecker.WrongOutput.selector);
        checker.check(request, answer, "no", signature, block.number - 1, MAX_AGE);
        signature[0] ^= 0x01;
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
        signature[0] ^= 0x01;
        request.coordinator = address(this);
        vm.expectPartialRevert(IAnswerChecker.WrongDomain.selector);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
        vm.stopPrank();
    }

    function test_RevertWhen_SignedOffChain() public {
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        bytes32 offChainDomain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version)"),
                keccak256("Adyton Off-chain"),
                keccak256("2")
            )
        );
        bytes memory signature =
            signBy(alice, keccak256(abi.encodePacked(hex"1901", offChainDomain, Answers.structHash(answer))));
        vm.prank(address(consumer));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        checker.check(request, answer, OUTPUT, signature, block.number - 1, MAX_AGE);
    }

    function test_KeysBeforeRequestHoldsForSettledRequestsToo() public {
        policyId =
            createPolicy("early", one(PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, PolicyRules.PRESENT)));
        admit(alice);
        vm.warp(block.timestamp + 1);
        Request memory request = askToPull();
        Answer memory answer = answerTo(request, AnswerStatus.Ok, OUTPUT, alice);
        check(request, answer);
        coordinator.fulfill(request, sign(answer, "", alice));
        check(request, answer);
    }
}
