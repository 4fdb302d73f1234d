// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { AdmissionRecord, IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IPolicyRegistry } from "../src/interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { SimulatedVerifier } from "../src/verifiers/SimulatedVerifier.sol";
import { RegistryWorld, SimulatedEnclave } from "./support/RegistryWorld.sol";

contract EnclaveRegistryTest is RegistryWorld {
    SimulatedEnclave private bob;

    function setUp() public override {
        super.setUp();
        bob = makeEnclave("bob");
    }

    function tryAdmit(bytes memory evidence) internal {
        enclaves.admit(policyId, bob.keyset, block.number - 1, simulated, evidence);
    }

    function test_AdmitsByEvidenceAlone() public {
        vm.prank(address(0x57A));
        admit(bob);
        AdmissionRecord memory record = enclaves.admission(policyId, bob.keysetId, bob.keyset.answerKey);
        assertEq(record.payee, bob.keyset.payee, "payee");
        assertEq(record.expiresAt, block.timestamp + VALIDITY, "expires");
        assertEq(record.vendor, 255, "vendor");
        assertEq(record.platformId, bytes23(keccak256(abi.encodePacked(bob.machine))), "platform");
        assertTrue(!enclaves.isLive(policyId, bob.keysetId, alice.keyset.answerKey), "no other signer");
        assertTrue(enclaves.isLive(policyId, bob.keysetId, bob.keyset.answerKey), "live");
    }

    function test_RenewalExtendsAndKeepsTheFirstTime() public {
        admit(bob);
        uint256 first = block.timestamp;
        vm.warp(block.timestamp + 1000);
        admit(bob);
        AdmissionRecord memory record = enclaves.admission(policyId, bob.keysetId, bob.keyset.answerKey);
        assertEq(record.admittedAt, first, "first admission");
        assertEq(record.expiresAt, first + 1000 + VALIDITY, "extended");
    }

    function test_RevertWhen_EvidenceIsForAnotherKeysetBlockOrRegistry() public {
        bytes memory alices = evidenceOf(alice);
        vm.expectPartialRevert(IAttestationVerifier.ReportDataMismatch.selector);
        tryAdmit(alices);
        bytes memory older = quote(bob, quoteBody(reportDataFor(bob, block.number - 2), 0), QUOTING_KEY);
        vm.expectPartialRevert(IAttestationVerifier.ReportDataMismatch.selector);
        tryAdmit(older);
        enclaves.admit(policyId, bob.keyset, block.number - 2, simulated, older);
    }

    function test_RevertWhen_TheBlockIsNotRecent() public {
        uint256 asked = block.number - 1;
        bytes memory evidence = evidenceOf(bob);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.BlockNotRecent.selector, block.number));
        enclaves.admit(policyId, bob.keyset, block.number, simulated, evidence);
        vm.roll(asked + EVIDENCE_AGE_BLOCKS + 1);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.BlockNotRecent.selector, asked));
        enclaves.admit(policyId, bob.keyset, asked, simulated, evidence);
    }

    function test_RevertWhen_TheTdCanBeDebugged() public {
        bytes memory evidence = quote(bob, quoteBody(reportDataFor(bob, block.number - 1), 0x01), QUOTING_KEY);
        vm.expectRevert(IAttestationVerifier.DebugEnabled.selector);
        tryAdmit(evidence);
    }

    function test_RevertWhen_AnotherKeyQuoted() public {
        bytes memory evidence =
            quote(bob, quoteBody(reportDataFor(bob, block.number - 1), 0), QUOTING_KEY + 1);
        vm.expectRevert(IAttestationVerifier.EvidenceSignatureInvalid.selector);
        tryAdmit(evidence);
    }

    function testFuzz_RevertWhen_EvidenceIsTruncated(uint256 length) public {
        bytes memory evidence = evidenceOf(bob);
        length = bound(length, 0, evidence.length - 1);
        assembly {
            mstore(evidence, length)
        }
        vm.expectRevert(IAttestationVerifier.EvidenceMalformed.selector);
        tryAdmit(evidence);
    }

    /// One policy for each rule that is missing; the rest is as in the policy that accepts.
    function test_RevertWhen_ThePolicyHasNoSuchRule() public {
        bytes memory evidence = evidenceOf(bob);
        narrow(PolicyChange(PolicyRules.BEHAVIOUR, BEHAVIOUR, 0));
        vm.expectPartialRevert(IEnclaveRegistry.BehaviourNotAccepted.selector);
        tryAdmit(evidence);

        policyId = createPolicy("2", new PolicyChange[](0));
        narrow(PolicyChange(PolicyRules.PLATFORM, PolicyRules.ANY_PLATFORM, 0));
        vm.expectPartialRevert(IEnclaveRegistry.PlatformNotAccepted.selector);
        tryAdmit(evidence);

        policyId = createPolicy("3", new PolicyChange[](0));
        narrow(PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0));
        vm.expectPartialRevert(IAttestationVerifier.AppraisalRefused.selector);
        tryAdmit(evidence);

        policyId = createPolicy("4", new PolicyChange[](0));
        narrow(PolicyChange(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(simulated)))), 0));
        vm.expectPartialRevert(IEnclaveRegistry.VerifierNotAccepted.selector);
        tryAdmit(evidence);

        policyId = keccak256("none");
        vm.expectPartialRevert(IPolicyRegistry.PolicyUnknown.selector);
        tryAdmit(evidence);
    }

    function narrow(PolicyChange memory change) internal {
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(change));
    }

    function test_AListedPlatformIsEnough() public {
        PolicyChange memory listed = present(PolicyRules.PLATFORM, keccak256(abi.encodePacked(bob.machine)));
        policyId = createPolicy("listed", one(listed));
        narrow(PolicyChange(PolicyRules.PLATFORM, PolicyRules.ANY_PLATFORM, 0));
        admit(bob);
        bytes memory evidence = evidenceOf(alice);
        vm.expectPartialRevert(IEnclaveRegistry.PlatformNotAccepted.selector);
        enclaves.admit(policyId, alice.keyset, block.number - 1, simulated, evidence);
    }

    function test_RevertWhen_KeysetHasNoKeyOrNoPayee() public {
        bob.keyset.payee = address(0);
        vm.expectRevert(IEnclaveRegistry.KeysetInvalid.selector);
        tryAdmit("");
        bob.keyset.payee = address(1);
        bob.keyset.answerKey = address(0);
        vm.expectRevert(IEnclaveRegistry.KeysetInvalid.selector);
        tryAdmit("");
    }

    function test_SimulatedVerifierRefusesEveryChainThatIsNotLocal() public {
        uint256[4] memory ids = [uint256(1), 10, 31338, 11155111];
        bytes memory evidence = evidenceOf(bob);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.chainId(ids[i]);
            vm.expectRevert(abi.encodeWithSelector(SimulatedVerifier.ChainNotLocal.selector, ids[i]));
            new SimulatedVerifier(enclaves, bytes32(uint256(1)), bytes32(uint256(2)));
            vm.expectRevert(abi.encodeWithSelector(SimulatedVerifier.ChainNotLocal.selector, ids[i]));
            simulated.appraise(policyId, 0, evidence);
        }
    }
}
