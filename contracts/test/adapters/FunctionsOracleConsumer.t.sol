// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { FunctionsAnswers } from "../../src/adapters/FunctionsAnswers.sol";
import { IEnclaveAnswers } from "../../src/adapters/IEnclaveAnswers.sol";
import { IFunctionsOracleConsumer } from "../../src/adapters/IFunctionsOracleConsumer.sol";
import { FunctionsTerms } from "../../src/adapters/FunctionsOracleConsumer.sol";
import { IEnclaveRegistry, SignedStatement } from "../../src/interfaces/IEnclaveRegistry.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { FunctionsWorld, RecordingFunctionsConsumer } from "../support/FunctionsWorld.sol";
import { SimulatedEnclave } from "../support/RegistryWorld.sol";

contract FunctionsOracleConsumerTest is FunctionsWorld {
    address private constant STRANGER = address(0x7A);
    uint8 private constant INLINE = FunctionsAnswers.FORM_INLINE;
    uint8 private constant HASH = FunctionsAnswers.FORM_HASH;
    uint8 private constant PACKED = FunctionsAnswers.FORM_PACKED;

    function assertOpen(bytes32 requestId) internal {
        assertEq(asker.deliveries(requestId), 0, "nothing was delivered");
        asker.relay(requestId, okResponse(requestId, "Delphi"));
        assertEq(asker.deliveries(requestId), 1, "the question was still open");
    }

    function testFuzz_DeliversAnInlineOutputOnce(bytes memory output) public {
        if (output.length > 114) {
            assembly ("memory-safe") {
                mstore(output, 114)
            }
        }
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        router.fulfill(functionsId, okResponse(requestId, output), "");
        assertEq(asker.deliveries(requestId), 1, "delivered once");
        assertTrue(asker.statusOf(requestId) == AnswerStatus.Ok, "status");
        assertEq(asker.outputOf(requestId), output, "output");
    }

    function test_DeliversAPackedOutput() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory output = abi.encode(true, uint8(7), "a threat");
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, output);
        bytes memory tail = hex"0101010701600108886120746872656174";
        router.fulfill(functionsId, respond(answer, alice, address(asker), PACKED, tail), "");
        assertEq(asker.outputOf(requestId), output, "output");
    }

    function test_DeliversAnOutputByItsHashAndThenTheOutputByAnyone() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory output = new bytes(500);
        bytes memory response = hashResponse(requestId, output);
        router.fulfill(functionsId, response, "");
        assertEq(asker.deliveries(requestId), 0, "not before the output is there");
        vm.prank(STRANGER);
        asker.deliver(requestId, response, output);
        assertEq(asker.outputOf(requestId), output, "output");
        assertEq(asker.contextOf(requestId), CONTEXT, "context");
        assertEq(asker.answeredAtOf(requestId), block.timestamp, "time");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        asker.deliver(requestId, response, output);
    }

    /// Ten statuses, all but the three that a single host can cause at any time.
    function test_TellsAStatusThatIsNotOk() public {
        AnswerStatus[4] memory statuses = [
            AnswerStatus.Refused,
            AnswerStatus.InvalidOutput,
            AnswerStatus.OutOfBudget,
            AnswerStatus.ProgramFailed
        ];
        for (uint256 i = 0; i < statuses.length; ++i) {
            (bytes32 requestId, bytes32 functionsId) = askFunctions();
            Answer memory answer = functionsAnswer(requestId, statuses[i], "");
            router.fulfill(functionsId, respond(answer, alice, address(asker), INLINE, ""), "");
            assertTrue(asker.statusOf(requestId) == statuses[i], "status");
        }
    }

    function test_WhatASingleHostCanCauseWaitsForTheLastWindow() public {
        AnswerStatus[3] memory statuses =
            [AnswerStatus.UpstreamFailed, AnswerStatus.InvalidRequest, AnswerStatus.ClockUnknown];
        for (uint256 i = 0; i < statuses.length; ++i) {
            uint256 askedAt = block.timestamp;
            (bytes32 requestId,) = askFunctions();
            uint256 opensAt = askedAt + LIFETIME - FUNCTIONS_FALLBACK_WINDOW;
            Answer memory answer = functionsAnswer(requestId, statuses[i], "");
            // A clock that is not known may say anything.
            if (statuses[i] == AnswerStatus.ClockUnknown) answer.answeredAt = 0;
            bytes memory response = respond(answer, alice, address(asker), INLINE, "");
            vm.warp(opensAt - 1);
            vm.expectRevert(
                abi.encodeWithSelector(IEnclaveAnswers.FallbackWindowNotReached.selector, requestId, opensAt)
            );
            asker.relay(requestId, response);
            vm.warp(opensAt);
            asker.relay(requestId, response);
            assertTrue(asker.statusOf(requestId) == statuses[i], "status");
        }
    }

    /// C1 on this road: nobody knows an answer's bytes before the question's block.
    function test_RevertWhen_TheAnswersBlockIsOlderThanTheQuestionOrUnknown() public {
        bytes32 older = blockhash(block.number - 1);
        (bytes32 requestId,) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        answer.stateBlockHash = older;
        bytes memory signature = signBy(alice, FunctionsAnswers.digest(answer, block.chainid, address(asker)));
        uint256 asked = block.number - 1;
        bytes memory response = encodeResponse(INLINE, answer, signature, asked - 1, "Delphi");
        vm.expectRevert(
            abi.encodeWithSelector(IEnclaveAnswers.StateBlockTooOld.selector, requestId, asked - 1, asked)
        );
        asker.relay(requestId, response);
        // The number is the carrier's word: a lie gives another hash than the signed one.
        response = encodeResponse(INLINE, answer, signature, asked, "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        asker.relay(requestId, response);
        uint256[2] memory unknown = [block.number, uint256(type(uint48).max)];
        for (uint256 i = 0; i < 2; ++i) {
            response = encodeResponse(INLINE, answer, signature, unknown[i], "Delphi");
            vm.expectRevert(
                abi.encodeWithSelector(IEnclaveAnswers.StateBlockUnknown.selector, requestId, unknown[i])
            );
            asker.relay(requestId, response);
        }
        assertOpen(requestId);
    }

    function test_RevertWhen_ALifetimeLeavesNoTimeOrOutlivesItsBlock() public {
        FunctionsTerms memory terms = functionsTerms();
        uint32[2] memory wrong = [FUNCTIONS_FALLBACK_WINDOW, asker.MAX_LIFETIME_SECONDS() + 1];
        for (uint256 i = 0; i < 2; ++i) {
            terms.lifetimeSeconds = wrong[i];
            vm.expectPartialRevert(IEnclaveAnswers.LifetimeInvalid.selector);
            asker.ask(terms, "question");
        }
        assertEq(asker.MAX_LIFETIME_SECONDS(), 88_462, "nine tenths of 8,191 slots");
        terms.lifetimeSeconds = asker.MAX_LIFETIME_SECONDS();
        asker.ask(terms, "question");
    }

    function test_EqualQuestionsOfOneBlockHaveIdsOfTheirOwn() public {
        bytes32 first = asker.ask(functionsTerms(), question("Which city?"));
        bytes32 second = asker.ask(functionsTerms(), question("Which city?"));
        assertTrue(first != second, "two questions");
    }

    function test_RevertWhen_ThePolicyIsUnknown() public {
        policyId = keccak256("a typo");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.PolicyUnknown.selector, policyId));
        this.makeAsker();
    }

    function makeAsker() external {
        newAsker();
    }

    function test_AnybodyMayRelayAnAnswer() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        vm.prank(STRANGER);
        asker.relay(requestId, response);
        assertEq(asker.outputOf(requestId), "Delphi", "output");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        router.fulfill(functionsId, response, "");
    }

    /// J1. Who holds the output of an answer by hash may not wait for the price to suit him.
    function test_RevertWhen_AnOutputComesAfterTheDeadlineOrAfterItsKeyWasRevoked() public {
        (bytes32 requestId,) = askFunctions();
        bytes memory response = hashResponse(requestId, "price 100");
        asker.relay(requestId, response);
        uint64 deadline = uint64(block.timestamp) - 12 + LIFETIME;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.AnswerExpired.selector, requestId, deadline));
        asker.deliver(requestId, response, "price 100");
        vm.warp(deadline);
        bytes32 revoked = bytes32(uint256(uint160(alice.keyset.answerKey)));
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(PolicyChange(PolicyRules.REVOKED_KEYSET, alice.keysetId, revoked)));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        asker.deliver(requestId, response, "price 100");
        assertEq(asker.deliveries(requestId), 0, "nothing was delivered");
    }

    /// J2. One admitted host that brings a hash and keeps the output shuts nobody out.
    function test_AHashWithoutItsOutputShutsNobodyOut() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        admit(bob);
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        asker.relay(requestId, hashResponse(requestId, "kept by alice's host"));
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        answer.keysetId = bob.keysetId;
        router.fulfill(functionsId, respond(answer, bob, address(asker), INLINE, "Delphi"), "");
        assertEq(asker.outputOf(requestId), "Delphi", "bob's answer");
        bytes memory late = hashResponse(requestId, "kept by alice's host");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        asker.deliver(requestId, late, "kept by alice's host");
    }

    function test_TheNodesStillDeliverWhenSomebodyRelayedOnlyTheHash() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        vm.prank(STRANGER);
        asker.relay(requestId, hashResponse(requestId, "Delphi"));
        router.fulfill(functionsId, okResponse(requestId, "Delphi"), "");
        assertEq(asker.deliveries(requestId), 1, "delivered");
    }

    /// J3. Two answers of one key to one question end the key, on this road too.
    function test_EquivocationOnThisRoadIsProven() public {
        (bytes32 requestId,) = askFunctions();
        SignedStatement[2] memory both;
        bytes[2] memory outputs = [bytes("yes"), bytes("no")];
        for (uint256 i = 0; i < 2; ++i) {
            Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, outputs[i]);
            both[i].encoding = abi.encode(Answers.TYPEHASH, answer);
            both[i].signature = signBy(alice, FunctionsAnswers.digest(answer, block.chainid, address(asker)));
        }
        bytes32[] memory policyIds = new bytes32[](1);
        policyIds[0] = policyId;
        enclaves.proveEquivocation(
            alice.keyset,
            FunctionsAnswers.domainSeparator(block.chainid, address(asker)),
            both[0],
            both[1],
            policyIds
        );
        bytes memory response = okResponse(requestId, "yes");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        asker.relay(requestId, response);
    }

    function testFuzz_RevertWhen_SignatureIsForged(uint256 forger, uint256 bit) public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        // By another key that claims alice's keyset.
        SimulatedEnclave memory mallory = alice;
        mallory.answerKey = bound(forger, 1, type(uint128).max);
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        bytes memory response = respond(answer, mallory, address(asker), INLINE, "Delphi");
        vm.expectRevert();
        router.fulfill(functionsId, response, "");
        // By a flipped bit of alice's own answer, wherever it is: form and status may be refused for another reason.
        response = okResponse(requestId, "Delphi");
        bit = bound(bit, 0, response.length * 8 - 1);
        response[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert();
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_RevertWhen_SignatureIsTheMalleableTwin() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        // s → n - s, with the parity turned: a valid signature of the same key, in the form that is refused.
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint256 yParityAndS;
        assembly ("memory-safe") {
            yParityAndS := mload(add(response, 0x88))
        }
        uint256 twin = order - (yParityAndS & (type(uint256).max >> 1));
        // High s needs the top bit that the parity takes: the twin cannot even be written without changing it.
        bytes32 written = bytes32(twin | ((yParityAndS >> 255) ^ 1) << 255);
        assembly ("memory-safe") {
            mstore(add(response, 0x88), written)
        }
        vm.expectRevert();
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_RevertWhen_AnswerIsToAnotherQuestion() public {
        (bytes32 first,) = askFunctions();
        bytes32 second = asker.ask(functionsTerms(), question("Which city?"));
        bytes32 secondFunctionsId = router.lastId();
        nextBlock();
        bytes memory response = okResponse(first, "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        router.fulfill(secondFunctionsId, response, "");
        assertOpen(second);
    }

    function test_RevertWhen_TheSameQuestionIsAnsweredWithAnEarlierAnswer() public {
        (bytes32 first, bytes32 firstFunctionsId) = askFunctions();
        bytes memory response = okResponse(first, "Delphi");
        router.fulfill(firstFunctionsId, response, "");
        // The same words again, in another block.
        (bytes32 second, bytes32 secondFunctionsId) = askFunctions();
        vm.expectPartialRevert(IEnclaveAnswers.StateBlockTooOld.selector);
        router.fulfill(secondFunctionsId, response, "");
        assertOpen(second);
    }

    function test_RevertWhen_AnswerIsAnotherConsumers() public {
        RecordingFunctionsConsumer other = newAsker();
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        bytes memory response = respond(answer, alice, address(other), INLINE, "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_RevertWhen_AnswerWasSignedForTheOtherRoad() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        // As if this contract were a coordinator.
        bytes32 digest = Answers.digest(answer, block.chainid, address(asker));
        bytes memory response = encodeResponse(INLINE, answer, signBy(alice, digest), "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_RevertWhen_AnswerWasSignedForAnotherChain() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        bytes32 digest = FunctionsAnswers.digest(answer, 1, address(asker));
        bytes memory response = encodeResponse(INLINE, answer, signBy(alice, digest), "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_RevertWhen_KeyIsNotAdmitted() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
        answer.keysetId = bob.keysetId;
        bytes memory response = respond(answer, bob, address(asker), INLINE, "Delphi");
        vm.expectRevert(
            abi.encodeWithSelector(
                IEnclaveRegistry.SignerNotAdmitted.selector, policyId, bob.keysetId, bob.keyset.answerKey
            )
        );
        router.fulfill(functionsId, response, "");
        admit(bob);
        asker.relay(requestId, response);
        assertEq(asker.deliveries(requestId), 1, "once admitted, it serves");
    }

    function test_RevertWhen_ThePolicyWasNarrowed() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        PolicyChange[] memory revocation = one(
            PolicyChange(PolicyRules.REVOKED_CERTIFICATE, keccak256("a certificate"), PolicyRules.PRESENT)
        );
        vm.prank(POLICY_OWNER);
        enclaves.narrow(policyId, revocation);
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionOutdated.selector);
        router.fulfill(functionsId, response, "");
        assertEq(asker.deliveries(requestId), 0, "nothing was delivered");
    }

    function test_RevertWhen_AdmissionHasExpired() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        vm.warp(START + VALIDITY - 10);
        requestId = asker.ask(functionsTerms(), question("Which city?"));
        functionsId = router.lastId();
        nextBlock();
        vm.warp(START + VALIDITY + 1);
        bytes memory response = okResponse(requestId, "Delphi");
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionExpired.selector);
        router.fulfill(functionsId, response, "");
    }

    function test_RevertWhen_AnswerIsExpired() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        uint64 deadline = uint64(block.timestamp) - 12 + LIFETIME;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.AnswerExpired.selector, requestId, deadline));
        router.fulfill(functionsId, response, "");
        vm.warp(deadline);
        asker.relay(requestId, response);
    }

    function test_RevertWhen_AnswerIsOlderThanTheQuestionOrFromTheFuture() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint64 askedAt = uint64(block.timestamp);
            (bytes32 requestId,) = askFunctions();
            uint64 nearly = i == 0 ? askedAt - 300 : uint64(block.timestamp) + 300;
            Answer memory answer = functionsAnswer(requestId, AnswerStatus.Ok, "Delphi");
            answer.answeredAt = i == 0 ? nearly - 1 : nearly + 1;
            bytes memory response = respond(answer, alice, address(asker), INLINE, "Delphi");
            vm.expectPartialRevert(IEnclaveAnswers.AnswerTimeUnacceptable.selector);
            asker.relay(requestId, response);
            answer.answeredAt = nearly;
            asker.relay(requestId, respond(answer, alice, address(asker), INLINE, "Delphi"));
        }
    }

    function test_RevertWhen_ResponseIsTruncatedOrOverlong() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory whole = okResponse(requestId, "");
        for (uint256 length = 0; length < whole.length; length += 15) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = whole[i];
            }
            vm.expectPartialRevert(FunctionsAnswers.ResponseMalformed.selector);
            router.fulfill(functionsId, cut, "");
        }
        bytes memory overlong = okResponse(requestId, new bytes(115));
        assertEq(overlong.length, 257, "one byte too many");
        vm.expectPartialRevert(FunctionsAnswers.ResponseMalformed.selector);
        router.fulfill(functionsId, overlong, "");
        bytes memory hashWithMore = abi.encodePacked(hashResponse(requestId, "Delphi"), bytes1(0));
        vm.expectPartialRevert(FunctionsAnswers.ResponseMalformed.selector);
        router.fulfill(functionsId, hashWithMore, "");
        // More or less of an inline output is another output.
        bytes memory longer = abi.encodePacked(okResponse(requestId, "Delphi"), bytes1(0));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        router.fulfill(functionsId, longer, "");
        assertOpen(requestId);
    }

    function testFuzz_RevertWhen_ResponseIsAnything(bytes calldata response) public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        vm.assume(response.length != 0);
        vm.expectRevert();
        router.fulfill(functionsId, response, "");
        assertOpen(requestId);
    }

    function test_ADonErrorLeavesTheQuestionOpen() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        router.fulfill(functionsId, "", "adyton: the model is slow");
        assertEq(asker.errorOf(requestId), "adyton: the model is slow", "the consumer hears of it");
        assertOpen(requestId);
    }

    function test_ADonErrorBesideAnAnswerIsAnError() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        router.fulfill(functionsId, okResponse(requestId, "Delphi"), "both");
        assertOpen(requestId);
    }

    function test_RevertWhen_TheNodesCallBackTwice() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        router.fulfill(functionsId, "", "an error");
        bytes memory response = okResponse(requestId, "Delphi");
        vm.expectRevert(
            abi.encodeWithSelector(IFunctionsOracleConsumer.FunctionsRequestUnknown.selector, functionsId)
        );
        router.fulfill(functionsId, response, "");
    }

    function test_RevertWhen_NotTheRouterCallsBack() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        vm.expectRevert(abi.encodeWithSelector(IFunctionsOracleConsumer.NotRouter.selector, address(this)));
        asker.handleOracleFulfillment(functionsId, response, "");
    }

    function test_RevertWhen_SomebodyCallsOnAnswer() public {
        (bytes32 requestId,) = askFunctions();
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.NotSelf.selector, address(this)));
        asker.onAnswer(requestId, 0, AnswerStatus.Ok, 0, "forged");
    }

    function test_RevertWhen_DeliveredOutputIsNotTheSignedOne() public {
        (bytes32 requestId,) = askFunctions();
        bytes memory response = hashResponse(requestId, "Delphi");
        vm.expectPartialRevert(IEnclaveAnswers.OutputMismatch.selector);
        asker.deliver(requestId, response, "Dodona");
        bytes memory whole = okResponse(requestId, "Delphi");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.OutputUnexpected.selector, requestId));
        asker.deliver(requestId, whole, "Delphi");
        asker.deliver(requestId, response, "Delphi");
    }

    function test_RevertWhen_AnAnswerThatIsNotOkComesByHashOrWithAnOutput() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        Answer memory answer = functionsAnswer(requestId, AnswerStatus.Refused, "");
        bytes memory byHash = respond(answer, alice, address(asker), HASH, abi.encodePacked(keccak256("")));
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.OutputUnexpected.selector, requestId));
        router.fulfill(functionsId, byHash, "");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.OutputUnexpected.selector, requestId));
        asker.deliver(requestId, byHash, "");
        answer = functionsAnswer(requestId, AnswerStatus.Refused, "psst");
        bytes memory withOutput = respond(answer, alice, address(asker), INLINE, "psst");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.OutputUnexpected.selector, requestId));
        router.fulfill(functionsId, withOutput, "");
    }

    function test_ReenteringTheSameAnswerFails() public {
        (bytes32 requestId, bytes32 functionsId) = askFunctions();
        bytes memory response = okResponse(requestId, "Delphi");
        asker.reenterWith(abi.encodeCall(asker.relay, (requestId, response)));
        router.fulfill(functionsId, response, "");
        assertEq(asker.deliveries(requestId), 1, "once");
        assertTrue(!asker.hasReentered(), "the second was refused");
    }

    function test_RevertWhen_NobodyAsked() public {
        bytes32 requestId = keccak256("never asked");
        bytes memory response = okResponse(requestId, "Delphi");
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        asker.relay(requestId, response);
    }
}
