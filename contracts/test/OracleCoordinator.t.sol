// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal, SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { Answer, AnswerStatus } from "../src/types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "../src/types/Request.sol";
import { SimulatedEnclave, World } from "./support/World.sol";

contract OracleCoordinatorTest is World {
    function credits(Request memory request) internal view returns (uint256) {
        return coordinator.creditOf(request.refundTo) + coordinator.creditOf(alice.keyset.payee);
    }

    function testFuzz_DeliversOnceAndPaysThePayee(bytes calldata output, uint64 gasPrice) public {
        vm.assume(output.length <= 1024);
        vm.txGasPrice(bound(gasPrice, 1, 10 gwei));
        Request memory request = ask();
        uint256 escrow = pendingEscrow(request);
        fulfill(request, ok(request, output));
        bytes32 id = Requests.id(request);
        assertEq(consumer.deliveries(id), 1, "delivered once");
        assertTrue(consumer.statusOf(id) == AnswerStatus.Ok, "status");
        assertEq(consumer.outputHashOf(id), keccak256(output), "output");
        uint256 earned = coordinator.creditOf(alice.keyset.payee);
        assertTrue(earned > FEE && earned <= escrow, "fee and gas");
        assertEq(credits(request), escrow, "nothing is lost");
        assertEq(address(coordinator).balance, escrow, "money in = money held");
        assertTrue(!isPending(request), "settled");
    }

    function testFuzz_NonOkGivesTheFeeBack(uint8 status) public {
        status = uint8(bound(status, uint8(AnswerStatus.Refused), uint8(AnswerStatus.ClockUnknown)));
        Request memory request = ask();
        vm.warp(request.deadline - FALLBACK_WINDOW);
        fulfill(request, answered(request, AnswerStatus(status), ""));
        assertTrue(consumer.statusOf(Requests.id(request)) == AnswerStatus(status), "the consumer is told");
        bool hostCausable =
            status == uint8(AnswerStatus.UpstreamFailed) || status == uint8(AnswerStatus.ClockUnknown);
        uint256 earned = coordinator.creditOf(alice.keyset.payee);
        assertTrue(hostCausable ? earned == 0 : earned > 0, "gas unless a host can cause it");
        assertTrue(coordinator.creditOf(PAYER) >= FEE, "the fee comes back");
    }

    function test_ProgramFailedEarnsTheFeeAsOk() public {
        Request memory request = ask();
        fulfill(request, answered(request, AnswerStatus.ProgramFailed, ""));
        assertTrue(consumer.statusOf(Requests.id(request)) == AnswerStatus.ProgramFailed, "told");
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "fee and gas");
    }

    function test_RevertWhen_AHostCanCauseTheStatusBeforeTheFallbackWindow() public {
        AnswerStatus[3] memory statuses =
            [AnswerStatus.UpstreamFailed, AnswerStatus.InvalidRequest, AnswerStatus.ClockUnknown];
        for (uint256 i = 0; i < statuses.length; ++i) {
            Request memory request = ask();
            vm.warp(request.deadline - FALLBACK_WINDOW - 1);
            SignedAnswer memory signed = answered(request, statuses[i], "");
            expectRefusal(request, Refusal.FallbackWindowNotReached);
            coordinator.fulfill(request, signed);
            vm.warp(request.deadline - FALLBACK_WINDOW);
            coordinator.fulfill(request, signed);
        }
    }

    function test_RevertWhen_TheSameAnswerComesTwice() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        coordinator.fulfill(request, signed);
        expectRefusal(request, Refusal.NotPending);
        coordinator.fulfill(request, signed);
    }

    function testFuzz_RevertWhen_AnyFieldOfTheRequestChanges(uint8 field, uint256 change) public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        bytes memory encoded = abi.encode(request);
        field = uint8(bound(field, 0, 19));
        // One bit of the field's low byte: every other value of every field would do.
        encoded[
            uint256(field) * 32 + 31
        ] ^= bytes1(uint8(1 << bound(change, 0, field == 13 || field == 14 ? 0 : 7)));
        Request memory changed = abi.decode(encoded, (Request));
        expectRefusal(changed, Refusal.NotPending);
        coordinator.fulfill(changed, signed);
    }

    function test_RevertWhen_AnswerIsOfAnotherRequest() public {
        Request memory first = ask();
        Request memory second = ask();
        SignedAnswer memory signed = ok(first, "yes");
        expectRefusal(second, Refusal.AnswersAnotherRequest);
        coordinator.fulfill(second, signed);
    }

    function test_RevertWhen_OutputIsNotTheSignedOne() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        signed.output = "yez";
        expectRefusal(request, Refusal.OutputMismatch);
        coordinator.fulfill(request, signed);
    }

    function test_RevertWhen_OutputIsLongerThanAskedFor() public {
        RequestTerms memory asked = terms();
        asked.maxOutputBytes = 2;
        Request memory request = ask(asked);
        SignedAnswer memory signed = ok(request, "yes");
        expectRefusal(request, Refusal.OutputTooLarge);
        coordinator.fulfill(request, signed);
        coordinator.fulfill(request, ok(request, "no"));
    }

    function test_RevertWhen_ANonOkAnswerHasAnOutput() public {
        Request memory request = ask();
        SignedAnswer memory signed = answered(request, AnswerStatus.Refused, "psst");
        expectRefusal(request, Refusal.OutputUnexpected);
        coordinator.fulfill(request, signed);
    }

    function test_RevertWhen_StatusIsUnsetOrNeverSigned() public {
        Request memory request = ask();
        SignedAnswer memory unset = answered(request, AnswerStatus.Unset, "");
        expectRefusal(request, Refusal.StatusInvalid);
        coordinator.fulfill(request, unset);
        SignedAnswer memory disagreed = answered(request, AnswerStatus.Disagreed, "");
        expectRefusal(request, Refusal.StatusInvalid);
        coordinator.fulfill(request, disagreed);
    }

    function testFuzz_RevertWhen_AnyBitOfAnswerOrSignatureFlips(uint256 bit) public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "yes");
        // transcriptRoot, keysetId and, within what clocks may differ by, answeredAt are checked by the signature alone.
        bit = bound(bit, 0, 256 + 256 + 8 + 520 - 1);
        if (bit < 256) signed.answer.transcriptRoot ^= bytes32(1 << bit);
        else if (bit < 512) signed.answer.keysetId ^= bytes32(1 << (bit - 256));
        else if (bit < 520) signed.answer.answeredAt ^= uint64(1 << (bit - 512));
        else signed.signature[(bit - 520) / 8] ^= bytes1(uint8(1 << ((bit - 520) % 8)));
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, signed);
    }

    function test_RevertWhen_TheSignerWasNeverAdmitted() public {
        Request memory request = ask();
        SimulatedEnclave memory mallory = makeEnclave("mallory");
        SignedAnswer memory signed = sign(answerTo(request, AnswerStatus.Ok, "yes", mallory), "yes", mallory);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        coordinator.fulfill(request, signed);
    }

    function test_RevertWhen_AnsweredAfterTheDeadlineAndThenAnyoneRefunds() public {
        Request memory request = ask();
        vm.warp(request.deadline + 1);
        SignedAnswer memory signed = ok(request, "yes");
        expectRefusal(request, Refusal.DeadlinePassed);
        coordinator.fulfill(request, signed);
        vm.prank(address(0xDEAD));
        coordinator.refund(request);
        assertEq(coordinator.creditOf(PAYER), address(coordinator).balance, "all back");
        assertEq(consumer.deliveries(Requests.id(request)), 0, "never delivered");
        vm.expectPartialRevert(IOracleCoordinator.RequestNotPending.selector);
        coordinator.refund(request);
        coordinator.withdraw(PAYER);
        assertEq(PAYER.balance, coordinator.requiredEscrow(terms()), "paid out");
    }

    function test_RevertWhen_RefundedBeforeTheDeadline() public {
        Request memory request = ask();
        vm.warp(request.deadline);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOracleCoordinator.NotRefundable.selector, Requests.id(request), request.deadline
            )
        );
        coordinator.refund(request);
        coordinator.fulfill(request, ok(request, "in time"));
    }

    function test_DeliveryByHashStoresTheAnswerAndCallsNobody() public {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery.Hash;
        asked.callbackGasLimit = 0;
        Request memory request = ask(asked);
        bytes32 id = Requests.id(request);
        Answer memory answer = answerTo(request, AnswerStatus.Ok, "yes", alice);
        coordinator.fulfill(request, sign(answer, "", alice));
        uint64 time = answer.answeredAt;
        assertTrue(coordinator.isStoredAnswer(id, AnswerStatus.Ok, time, keccak256("yes")), "stored");
        assertTrue(!coordinator.isStoredAnswer(id, AnswerStatus.Ok, time, keccak256("no")), "and no other");
        assertTrue(
            !coordinator.isStoredAnswer(id, AnswerStatus.Refused, time, keccak256("yes")),
            "nor another status"
        );
        assertTrue(!coordinator.isStoredAnswer(id, AnswerStatus.Ok, time + 1, keccak256("yes")), "nor time");
        assertEq(consumer.deliveries(id), 0, "no callback");
        SignedAnswer memory again = sign(answer, "", alice);
        expectRefusal(request, Refusal.NotPending);
        coordinator.fulfill(request, again);
    }

    function test_DeliveryByPullLeavesTheRequestsBlock() public {
        RequestTerms memory asked = terms();
        asked.delivery = Delivery.Pull;
        asked.callbackGasLimit = 0;
        Request memory request = ask(asked);
        coordinator.fulfill(request, sign(answerTo(request, AnswerStatus.Ok, "yes", alice), "", alice));
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "paid");
        assertTrue(coordinator.stateOf(Requests.id(request)) >> 248 == 4, "pulled, with its block");
    }

    function test_ThePayeeEarnsWhoeverTransmits() public {
        Request memory request = ask();
        SignedAnswer memory copied = ok(request, "yes");
        vm.prank(address(0x7417EF));
        coordinator.fulfill(request, copied);
        assertEq(coordinator.creditOf(address(0x7417EF)), 0, "a copier earns nothing");
        assertTrue(coordinator.creditOf(alice.keyset.payee) > FEE, "the payee earns");
        coordinator.withdraw(alice.keyset.payee);
        assertTrue(alice.keyset.payee.balance > FEE, "and is paid by anybody's call");
    }

    function test_RevertWhen_TermsAreOutsideTheirLimits() public {
        bytes memory payload = hex"0101";
        RequestTerms memory asked = terms();
        uint256 escrow = coordinator.requiredEscrow(asked);
        vm.expectRevert(
            abi.encodeWithSelector(IOracleCoordinator.EscrowTooSmall.selector, escrow, escrow - 1)
        );
        coordinator.request{ value: escrow - 1 }(asked, payload);
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.PayloadInvalid.selector, 0));
        coordinator.request{ value: escrow }(asked, "");
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.PayloadInvalid.selector, 65_537));
        coordinator.request{ value: escrow }(asked, new bytes(65_537));
        asked.refundTo = address(0);
        expectTermInvalid(asked, "refundTo");
        asked = terms();
        asked.threshold = 0;
        expectTermInvalid(asked, "threshold");
        asked = terms();
        asked.deadline = uint40(block.timestamp) + FALLBACK_WINDOW;
        expectTermInvalid(asked, "deadline");
        asked.deadline = uint40(block.timestamp) + coordinator.MAX_LIFETIME_SECONDS() + 1;
        expectTermInvalid(asked, "deadline");
        asked = terms();
        asked.callbackGasLimit = 0;
        expectTermInvalid(asked, "callbackGasLimit");
        asked.delivery = Delivery.Pull;
        asked.callbackGasLimit = 1;
        expectTermInvalid(asked, "callbackGasLimit");
        asked = terms();
        asked.maxOutputBytes = 65_537;
        expectTermInvalid(asked, "maxOutputBytes");
    }

    function expectTermInvalid(RequestTerms memory asked, string memory term) internal {
        uint256 escrow = coordinator.requiredEscrow(asked);
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.TermInvalid.selector, term));
        coordinator.request{ value: escrow }(asked, hex"0101");
    }

    function test_GuardianStopsNewRequestsOnly() public {
        Request memory request = ask();
        vm.expectRevert(abi.encodeWithSelector(IOracleCoordinator.NotAuthorized.selector, address(this)));
        coordinator.setPaused(true);
        vm.prank(GUARDIAN);
        coordinator.setPaused(true);
        uint256 escrow = coordinator.requiredEscrow(terms());
        RequestTerms memory asked = terms();
        vm.expectRevert(IOracleCoordinator.RequestsPaused.selector);
        coordinator.request{ value: escrow }(asked, hex"0101");
        fulfill(request, ok(request, "yes"));
        coordinator.withdraw(PAYER);
    }
}
