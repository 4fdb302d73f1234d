// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { CreRelay } from "../../src/adapters/CreRelay.sol";
import { Refusal, SignedAnswer } from "../../src/interfaces/IOracleCoordinator.sol";
import { Request, Requests } from "../../src/types/Request.sol";
import { World } from "../support/World.sol";

contract CreRelayTest is World {
    CreRelay private relay;

    function setUp() public override {
        super.setUp();
        relay = new CreRelay(coordinator);
    }

    function bring(Request memory request, SignedAnswer memory signed) private {
        vm.prank(TRANSMITTER);
        relay.onReport("", abi.encode(request, signed));
    }

    function testFuzz_SettlesAndPaysThePayeeAndNobodyElse(bytes memory output) public {
        vm.assume(output.length <= 1024);
        Request memory request = ask();
        uint256 escrow = pendingEscrow(request);
        bring(request, ok(request, output));
        bytes32 id = Requests.id(request);
        assertEq(consumer.deliveries(id), 1, "delivered once");
        assertEq(consumer.outputHashOf(id), keccak256(output), "output");
        uint256 earned = coordinator.creditOf(alice.keyset.payee);
        assertTrue(earned > FEE, "fee and gas");
        assertEq(earned + coordinator.creditOf(request.refundTo), escrow, "nothing is lost");
        assertEq(coordinator.creditOf(address(relay)) + address(relay).balance, 0, "the relay holds nothing");
        assertEq(coordinator.creditOf(TRANSMITTER), 0, "nor whoever called it");
    }

    function test_RevertWhen_TheOutputIsNotWhatTheEnclaveSigned() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "Delphi");
        signed.output = "Dodona";
        expectRefusal(request, Refusal.OutputMismatch);
        bring(request, signed);
        assertTrue(isPending(request), "open");
        bring(request, ok(request, "Delphi"));
        assertEq(consumer.deliveries(Requests.id(request)), 1, "the truth still comes");
    }

    function test_RevertWhen_AReportComesAgain() public {
        Request memory request = ask();
        SignedAnswer memory signed = ok(request, "Delphi");
        bring(request, signed);
        expectRefusal(request, Refusal.NotPending);
        bring(request, signed);
    }

    function test_RevertWhen_AReportIsOfAnotherForm() public {
        vm.expectRevert(bytes(""));
        relay.onReport("", abi.encode(bytes32(0), bytes("Delphi")));
    }

    function test_NamesTheInterfaceThatTheForwarderAsksFor() public view {
        assertTrue(relay.supportsInterface(0x805f2132), "IReceiver");
        assertTrue(relay.supportsInterface(0x01ffc9a7), "ERC-165");
        assertTrue(!relay.supportsInterface(0xffffffff), "nothing else");
    }
}
