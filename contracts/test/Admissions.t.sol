// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { RegistryWorld, SimulatedEnclave } from "./support/RegistryWorld.sol";

/// Which requests an admitted key serves, and how many keys one machine has.
contract AdmissionsTest is RegistryWorld {
    function payeeOf(SimulatedEnclave memory enclave, uint256 requestedAt) internal view returns (address) {
        return enclaves.payeeOf(policyId, uint40(requestedAt), enclave.keysetId, enclave.keyset.answerKey);
    }

    function expectRefused(SimulatedEnclave memory enclave, uint256 requestedAt, bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        payeeOf(enclave, requestedAt);
    }

    function isLive(SimulatedEnclave memory enclave) internal view returns (bool) {
        return enclaves.isLive(policyId, enclave.keysetId, enclave.keyset.answerKey);
    }

    function schedule(PolicyChange[] memory changes) internal {
        vm.prank(POLICY_OWNER);
        enclaves.schedule(policyId, changes);
    }

    /// Widens in `delay` seconds, which the timelock is a part of.
    function widen(string memory what, uint256 delay) internal {
        PolicyChange[] memory wider = one(present(PolicyRules.MEASUREMENT, keccak256(bytes(what))));
        schedule(wider);
        vm.warp(block.timestamp + delay);
        enclaves.execute(policyId, wider);
    }

    function narrow(PolicyChange memory change) internal {
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(change));
    }

    /// A policy whose admissions outlast several timelocks.
    function useLongValidity() internal {
        PolicyChange[] memory more =
            one(PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(30 days))));
        policyId = createPolicy("long", more);
        admit(alice);
        vm.warp(block.timestamp + 1);
    }

    function test_NarrowingTakesEffectAtOnceForKeysAlreadyAdmitted() public {
        uint256 asked = block.timestamp;
        narrow(PolicyChange(PolicyRules.BEHAVIOUR, BEHAVIOUR, 0));
        vm.expectRevert(
            abi.encodeWithSelector(IEnclaveRegistry.AdmissionOutdated.selector, alice.keysetId, 2, 1)
        );
        payeeOf(alice, asked);
        assertTrue(!isLive(alice), "not live");
    }

    function test_AKeyServesAgainOnceItAttestedAfterANarrowing() public {
        narrow(present(PolicyRules.REVOKED_CERTIFICATE, keccak256("a certificate")));
        expectRefused(alice, block.timestamp, IEnclaveRegistry.AdmissionOutdated.selector);
        admit(alice);
        assertEq(payeeOf(alice, block.timestamp), alice.keyset.payee, "payee");
    }

    /// Decision 4: strictly before, so that a key of the widening's own second serves nothing asked in it.
    function test_WideningNeverTouchesRequestsAlreadyMade() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        widen("another", TIMELOCK);
        admit(bob);
        uint256 widenedAt = block.timestamp;
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IEnclaveRegistry.AdmissionTooWide.selector, bob.keysetId, widenedAt - i, widenedAt
                )
            );
            payeeOf(bob, widenedAt - i);
        }
        assertEq(payeeOf(bob, widenedAt + 1), bob.keyset.payee, "of the next second");
    }

    /// O1. A renewal after a widening, whoever sends it, ends nothing: the request in flight is still served.
    function test_ARenewalKeepsWhatTheOlderAdmissionServes() public {
        useLongValidity();
        uint256 asked = block.timestamp;
        widen("another", TIMELOCK);
        vm.prank(address(0xBAD));
        admit(alice);
        assertEq(payeeOf(alice, asked), alice.keyset.payee, "in flight");
        assertEq(payeeOf(alice, block.timestamp + 1), alice.keyset.payee, "and later ones");
        (address payee, uint40 servesAfter) =
            enclaves.liveTerms(policyId, alice.keysetId, alice.keyset.answerKey);
        assertEq(payee, alice.keyset.payee, "live terms");
        assertEq(servesAfter, block.timestamp, "are the newer admission's");
    }

    function test_TheOlderAdmissionServesUntilItWouldHaveEndedAndNoLonger() public {
        useLongValidity();
        uint256 ends = block.timestamp - 1 + 30 days;
        widen("another", TIMELOCK);
        uint256 asked = block.timestamp;
        admit(alice);
        vm.warp(ends);
        payeeOf(alice, asked);
        vm.warp(ends + 1);
        expectRefused(alice, asked, IEnclaveRegistry.AdmissionTooWide.selector);
        payeeOf(alice, asked + 1);
    }

    /// Two widenings, two renewals: the request that is older than both is still served.
    function test_ASecondRenewalKeepsTheOldestThatLasts() public {
        useLongValidity();
        uint256 asked = block.timestamp;
        for (uint256 i = 0; i < 2; ++i) {
            widen(i == 0 ? "one" : "two", TIMELOCK);
            admit(alice);
        }
        payeeOf(alice, asked);
        payeeOf(alice, block.timestamp - 1);
    }

    function test_ANarrowingEndsTheOlderAdmissionToo() public {
        useLongValidity();
        uint256 asked = block.timestamp;
        widen("another", TIMELOCK);
        admit(alice);
        narrow(present(PolicyRules.REVOKED_CERTIFICATE, keccak256("a certificate")));
        admit(alice);
        expectRefused(alice, asked, IEnclaveRegistry.AdmissionTooWide.selector);
    }

    function test_RevertWhen_ThePolicyWantsKeysOlderThanTheRequest() public {
        policyId =
            createPolicy("early", one(PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, PolicyRules.PRESENT)));
        vm.warp(block.timestamp + 1);
        uint256 asked = block.timestamp;
        admit(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IEnclaveRegistry.AdmittedAfterRequest.selector, alice.keysetId, asked, asked
            )
        );
        payeeOf(alice, asked);
        vm.warp(asked + 100);
        admit(alice); // a renewal keeps the first time
        payeeOf(alice, asked + 1);
    }

    /// Keyset number `index` of alice's machine.
    function onAlicesMachine(uint256 index) internal view returns (SimulatedEnclave memory enclave) {
        enclave = makeEnclave(vm.toString(index));
        enclave.machine = alice.machine;
    }

    /// Decision 11: two live keysets of one platform, whatever a host restarts.
    function testFuzz_APlatformHasAtMostTwoLiveKeysets(uint8[] calldata order, uint256 seed) public {
        uint256 length = order.length > 12 ? 12 : order.length;
        for (uint256 i = 0; i < length; ++i) {
            vm.warp(block.timestamp + bound(uint256(keccak256(abi.encode(seed, i))), 0, VALIDITY / 2));
            admit(onAlicesMachine(order[i] % 5));
            uint256 live = isLive(alice) ? 1 : 0;
            for (uint256 k = 0; k < 5; ++k) {
                if (isLive(onAlicesMachine(k))) ++live;
            }
            assertTrue(live <= 2, "at most two");
            assertTrue(isLive(onAlicesMachine(order[i] % 5)), "and the last admitted is one of them");
        }
    }

    function test_AThirdKeysetDeletesTheOldest() public {
        SimulatedEnclave memory second = onAlicesMachine(2);
        SimulatedEnclave memory third = onAlicesMachine(3);
        admit(second);
        vm.warp(block.timestamp + 10);
        admit(third);
        assertTrue(!isLive(alice) && isLive(second) && isLive(third), "alice's is gone");
        expectRefused(alice, block.timestamp, IEnclaveRegistry.SignerNotAdmitted.selector);
        // On another machine nothing happened, and under another policy alice serves.
        SimulatedEnclave memory bob = makeEnclave("bob");
        admit(bob);
        assertTrue(isLive(second) && isLive(third), "another machine's keys are no matter");
    }

    /// Who attested last stays: a machine whose second enclave keeps restarting does not lose the one that runs.
    function test_TheOneThatWouldEndFirstIsTheOneThatGoes() public {
        SimulatedEnclave memory second = onAlicesMachine(2);
        admit(second);
        vm.warp(block.timestamp + 10);
        admit(alice);
        admit(onAlicesMachine(3));
        assertTrue(isLive(alice) && !isLive(second), "alice renewed");
    }

    /// KEYS_BEFORE_REQUEST bounds a host's draws: a key that lost its seat comes back as a new one.
    function test_AKeyThatLostItsSeatIsNewWhenItComesBack() public {
        policyId =
            createPolicy("early", one(PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, PolicyRules.PRESENT)));
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 1);
            admit(onAlicesMachine(i));
        }
        vm.warp(block.timestamp + 1);
        uint256 asked = block.timestamp;
        admit(onAlicesMachine(0));
        expectRefused(onAlicesMachine(0), asked, IEnclaveRegistry.AdmittedAfterRequest.selector);
        expectRefused(onAlicesMachine(1), asked, IEnclaveRegistry.SignerNotAdmitted.selector);
        payeeOf(onAlicesMachine(2), asked);
    }

    function revocationOf(SimulatedEnclave memory enclave) internal pure returns (PolicyChange memory) {
        bytes32 answerKey = bytes32(uint256(uint160(enclave.keyset.answerKey)));
        return PolicyChange(PolicyRules.REVOKED_KEYSET, enclave.keysetId, answerKey);
    }

    /// Decision 11: one keyset goes, no other attests again.
    function test_RevokingAKeysetDeletesItsAdmissionAndBumpsNoEpoch() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        admit(bob);
        narrow(revocationOf(alice));
        assertEq(enclaves.head(policyId).epoch, 1, "epoch");
        expectRefused(alice, block.timestamp, IEnclaveRegistry.SignerNotAdmitted.selector);
        assertTrue(isLive(bob), "bob serves on");
        bytes memory evidence = evidenceOf(alice);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.KeysetRevoked.selector, alice.keysetId));
        enclaves.admit(policyId, alice.keyset, block.number - 1, simulated, evidence);
    }

    function test_RevokingAlsoEndsWhatARenewalKept() public {
        useLongValidity();
        uint256 asked = block.timestamp;
        widen("another", TIMELOCK);
        admit(alice);
        narrow(revocationOf(alice));
        expectRefused(alice, asked, IEnclaveRegistry.SignerNotAdmitted.selector);
    }

    /// A wrong answer key deletes nothing; the right one, afterwards, does.
    function test_ARevocationThatNamedAnotherKeyCanBePutRight() public {
        PolicyChange memory wrong = revocationOf(alice);
        wrong.value = PolicyRules.PRESENT;
        narrow(wrong);
        assertTrue(isLive(alice), "nothing was deleted");
        narrow(revocationOf(alice));
        assertTrue(!isLive(alice), "now it is");
    }

    function test_AMachineThatAttestsDifferentlyLeavesNoSeatBehind() public {
        SimulatedEnclave memory moved = onAlicesMachine(2);
        admit(moved);
        SimulatedEnclave memory elsewhere = moved;
        elsewhere.machine = bytes20(keccak256("another machine"));
        admit(elsewhere);
        admit(onAlicesMachine(3));
        assertTrue(isLive(alice) && isLive(elsewhere) && isLive(onAlicesMachine(3)), "three on two machines");
    }
}
