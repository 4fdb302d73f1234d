// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { AdmissionRecord, IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { SignedAnswer } from "../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../src/types/Answer.sol";
import { AttestationResult, AttestationResults } from "../src/types/AttestationResult.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { Request } from "../src/types/Request.sol";
import { AttestationResultVerifier } from "../src/verifiers/AttestationResultVerifier.sol";
import { SimulatedEnclave, World } from "./support/World.sol";

contract AttestationResultVerifierTest is World {
    uint8 private constant AMD = 2;
    AttestationResultVerifier private results;
    SimulatedEnclave private victor; // the verifier enclave
    SimulatedEnclave private sev; // the subject, on a machine that is dear to verify
    bytes32 private verifierPolicy;

    function setUp() public override {
        super.setUp();
        results = new AttestationResultVerifier(enclaves);
        victor = makeEnclave("victor");
        sev = makeEnclave("sev");
        verifierPolicy = createPolicy("verifiers", new PolicyChange[](0));
        admitUnder(verifierPolicy, victor);
        PolicyChange[] memory rules = new PolicyChange[](3);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(results)))));
        rules[1] = present(PolicyRules.VERIFIER_POLICY, verifierPolicy);
        rules[2] = present(PolicyRules.VENDOR, bytes32(uint256(AMD)));
        policyId = createPolicy("subjects", rules);
    }

    function result() internal view returns (AttestationResult memory) {
        return AttestationResult({
            subjectKeysetId: sev.keysetId,
            claimsDigest: reportDataFor(sev, block.number - 1),
            policyId: policyId,
            policyVersion: policies.head(policyId).version,
            registry: address(enclaves),
            evidenceBlockHash: blockhash(block.number - 1),
            verifierKeysetId: victor.keysetId,
            vendor: AMD,
            platformId: keccak256("chip"),
            thisUpdate: uint64(block.timestamp) - 1 days,
            nextUpdate: uint64(block.timestamp) + 7 days
        });
    }

    function signed(AttestationResult memory told, SimulatedEnclave memory by)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = AttestationResults.digest(told, block.chainid, address(results));
        return abi.encode(told, verifierPolicy, signBy(by, digest));
    }

    function admitSev(bytes memory evidence) internal {
        enclaves.admit(policyId, sev.keyset, block.number - 1, results, evidence);
    }

    function expectRefused(AttestationResult memory told, bytes4 selector) internal {
        bytes memory evidence = signed(told, victor);
        vm.expectPartialRevert(selector);
        admitSev(evidence);
    }

    function test_AdmitsByOneSignatureOfAnAdmittedVerifier() public {
        admitSev(signed(result(), victor));
        AdmissionRecord memory record = enclaves.admission(policyId, sev.keysetId, sev.keyset.answerKey);
        assertEq(record.voucher, victor.keysetId, "voucher");
        assertEq(record.platformId, keccak256("chip"), "platform");
        assertEq(record.vendor, AMD, "vendor");
        Request memory request = ask();
        coordinator.fulfill(request, sign(answerTo(request, AnswerStatus.Ok, "yes", sev), "yes", sev));
    }

    /// Peer fault: result accepted from a whitelist without a signature.
    function test_AVerifiersWordCountsOnlyWithItsSignature() public {
        AttestationResult memory told = result();
        bytes memory evidence = abi.encode(told, verifierPolicy, "");
        vm.prank(victor.keyset.answerKey);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        admitSev(evidence);
        evidence = signed(told, sev);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        admitSev(evidence);
    }

    /// Every field is signed: changed after the signature, another signer results.
    function testFuzz_RevertWhen_AnyFieldChangesAfterTheSignature(uint8 field, uint256 change) public {
        AttestationResult memory told = result();
        bytes32 digest = AttestationResults.digest(told, block.chainid, address(results));
        bytes memory encoded = abi.encode(told);
        uint256 at = bound(field, 0, 10) * 32 + 31;
        encoded[at] ^= bytes1(uint8(1 << bound(change, 0, 7)));
        vm.expectRevert();
        admitSev(abi.encode(abi.decode(encoded, (AttestationResult)), verifierPolicy, signBy(victor, digest)));
    }

    function test_RevertWhen_ResultIsForAnotherSubjectPolicyVersionOrRegistry() public {
        AttestationResult memory told = result();
        told.claimsDigest = reportDataFor(alice, block.number - 1);
        expectRefused(told, IAttestationVerifier.ReportDataMismatch.selector);
        told = result();
        told.policyId = verifierPolicy;
        expectRefused(told, AttestationResultVerifier.ResultForAnotherPolicy.selector);
        told = result();
        told.policyVersion += 1;
        expectRefused(told, AttestationResultVerifier.ResultForAnotherPolicy.selector);
        told = result();
        told.registry = address(this);
        expectRefused(told, AttestationResultVerifier.ResultForAnotherPolicy.selector);
    }

    function test_RevertWhen_EndorsementsAreNotCurrent() public {
        AttestationResult memory told = result();
        told.nextUpdate = uint64(block.timestamp);
        expectRefused(told, AttestationResultVerifier.EndorsementsNotCurrent.selector);
        told = result();
        told.thisUpdate = uint64(block.timestamp) + 1;
        expectRefused(told, AttestationResultVerifier.EndorsementsNotCurrent.selector);
    }

    function test_RevertWhen_VendorOrVerifierPolicyIsNotListed() public {
        AttestationResult memory told = result();
        told.vendor = 3;
        expectRefused(told, IAttestationVerifier.AppraisalRefused.selector);
        told = result();
        bytes32 digest = AttestationResults.digest(told, block.chainid, address(results));
        bytes memory evidence = abi.encode(told, keccak256("another"), signBy(victor, digest));
        vm.expectPartialRevert(IAttestationVerifier.AppraisalRefused.selector);
        admitSev(evidence);
    }

    function test_AResultEndsWithItsEndorsements() public {
        AttestationResult memory told = result();
        told.nextUpdate = uint64(block.timestamp) + 100;
        admitSev(signed(told, victor));
        AdmissionRecord memory record = enclaves.admission(policyId, sev.keysetId, sev.keyset.answerKey);
        assertEq(record.expiresAt, told.nextUpdate, "not longer");
    }

    function test_RevokingAVerifierRevokesWhatItVouchedFor() public {
        admitSev(signed(result(), victor));
        Request memory request = ask();
        SignedAnswer memory answer = sign(answerTo(request, AnswerStatus.Ok, "yes", sev), "yes", sev);
        vm.prank(GUARDIAN);
        policies.narrow(verifierPolicy, one(present(PolicyRules.REVOKED_KEYSET, victor.keysetId)));
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionOutdated.selector);
        coordinator.fulfill(request, answer);
        bytes memory evidence = signed(result(), victor);
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionOutdated.selector);
        admitSev(evidence);
    }

    function test_AVouchedKeyLivesNoLongerThanItsVerifier() public {
        vm.warp(START + VALIDITY - 100);
        admitSev(signed(result(), victor));
        vm.warp(START + VALIDITY + 11); // the verifier was admitted at START + 10
        Request memory request = ask();
        SignedAnswer memory answer = sign(answerTo(request, AnswerStatus.Ok, "yes", sev), "yes", sev);
        vm.expectPartialRevert(IEnclaveRegistry.AdmissionExpired.selector);
        coordinator.fulfill(request, answer);
    }

    function test_RevertWhen_AVouchedEnclaveVouches() public {
        admitSev(signed(result(), victor));
        PolicyChange[] memory rules = new PolicyChange[](3);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(results)))));
        rules[1] = present(PolicyRules.VERIFIER_POLICY, policyId);
        rules[2] = present(PolicyRules.VENDOR, bytes32(uint256(AMD)));
        bytes32 second = createPolicy("second", rules);
        AttestationResult memory told = result();
        told.claimsDigest = reportDataFor(alice, block.number - 1);
        (told.policyId, told.verifierKeysetId) = (second, sev.keysetId);
        bytes32 digest = AttestationResults.digest(told, block.chainid, address(results));
        bytes memory evidence = abi.encode(told, policyId, signBy(sev, digest));
        vm.expectPartialRevert(AttestationResultVerifier.VerifierIsVouchedFor.selector);
        enclaves.admit(second, alice.keyset, block.number - 1, results, evidence);
    }
}
