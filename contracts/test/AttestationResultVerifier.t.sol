// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { AdmissionRecord, IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { AttestationResult, AttestationResults } from "../src/types/AttestationResult.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { AttestationResultVerifier } from "../src/verifiers/AttestationResultVerifier.sol";
import { RegistryWorld, SimulatedEnclave } from "./support/RegistryWorld.sol";

contract AttestationResultVerifierTest is RegistryWorld {
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
        vm.warp(block.timestamp + 1);
    }

    /// Whether `sev` serves a request of that time; reverts with the reason.
    function payeeOfSev(uint256 requestedAt) internal view returns (address) {
        return enclaves.payeeOf(policyId, uint40(requestedAt), sev.keysetId, sev.keyset.answerKey);
    }

    function expectSevRefused(uint256 requestedAt, bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        payeeOfSev(requestedAt);
    }

    function result() internal view returns (AttestationResult memory) {
        return AttestationResult({
            subjectKeysetId: sev.keysetId,
            claimsDigest: reportDataFor(sev, block.number - 1),
            policyId: policyId,
            policyVersion: enclaves.head(policyId).version,
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
        assertEq(record.platformId, bytes23(keccak256("chip")), "platform");
        assertEq(record.vendor, AMD, "vendor");
        assertEq(payeeOfSev(block.timestamp), sev.keyset.payee, "serves");
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
        uint256 position = bound(field, 0, 10) * 32 + 31;
        encoded[position] ^= bytes1(uint8(1 << bound(change, 0, 7)));
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
        bytes32 answerKey = bytes32(uint256(uint160(victor.keyset.answerKey)));
        vm.prank(GUARDIAN);
        enclaves.narrow(
            verifierPolicy, one(PolicyChange(PolicyRules.REVOKED_KEYSET, victor.keysetId, answerKey))
        );
        expectSevRefused(block.timestamp, IEnclaveRegistry.SignerNotAdmitted.selector);
        bytes memory evidence = signed(result(), victor);
        vm.expectPartialRevert(IEnclaveRegistry.SignerNotAdmitted.selector);
        admitSev(evidence);
    }

    function test_NarrowingAVerifiersPolicyRevokesWhatItVouchedFor() public {
        admitSev(signed(result(), victor));
        vm.prank(GUARDIAN);
        enclaves.narrow(verifierPolicy, one(present(PolicyRules.REVOKED_CERTIFICATE, keccak256("x"))));
        expectSevRefused(block.timestamp, IEnclaveRegistry.AdmissionOutdated.selector);
    }

    function test_AVouchedKeyLivesNoLongerThanItsVerifier() public {
        vm.warp(START + VALIDITY - 100);
        admitSev(signed(result(), victor));
        vm.warp(START + VALIDITY + 11); // the verifier was admitted at START + 10
        expectSevRefused(block.timestamp, IEnclaveRegistry.AdmissionExpired.selector);
    }

    /// P1. A verifier that its policy lists only today vouches for nothing that was asked yesterday, though the subjects' own policy
    /// was not widened.
    function test_AWidenedVerifierPolicyReachesNoRequestAlreadyMade() public {
        uint256 asked = block.timestamp;
        PolicyChange[] memory wider = one(present(PolicyRules.BEHAVIOUR, keccak256("another")));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(verifierPolicy, wider);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(verifierPolicy, wider);
        admitUnder(verifierPolicy, victor);
        admitSev(signed(result(), victor));
        vm.expectRevert(
            abi.encodeWithSelector(
                IEnclaveRegistry.AdmissionTooWide.selector, victor.keysetId, asked, block.timestamp
            )
        );
        payeeOfSev(asked);
        expectSevRefused(block.timestamp, IEnclaveRegistry.AdmissionTooWide.selector);
        payeeOfSev(block.timestamp + 1);
        (, uint40 servesAfter) = enclaves.liveTerms(policyId, sev.keysetId, sev.keyset.answerKey);
        assertEq(servesAfter, block.timestamp, "and live terms say so");
    }

    /// O1 through a voucher: neither its renewal nor the subject's, by another verifier even, ends a request in flight.
    function test_ARenewalByAnotherVerifierKeepsWhatTheOlderServes() public {
        PolicyChange[] memory longer =
            one(PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(30 days))));
        verifierPolicy = createPolicy("long-lived verifiers", longer);
        admitUnder(verifierPolicy, victor);
        PolicyChange[] memory rules = new PolicyChange[](4);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(results)))));
        rules[1] = present(PolicyRules.VERIFIER_POLICY, verifierPolicy);
        rules[2] = present(PolicyRules.VENDOR, bytes32(uint256(AMD)));
        rules[3] = longer[0];
        policyId = createPolicy("long-lived subjects", rules);
        admitSev(signed(result(), victor));
        vm.warp(block.timestamp + 1);
        uint256 asked = block.timestamp;

        PolicyChange[] memory wider = one(present(PolicyRules.BEHAVIOUR, keccak256("another")));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(verifierPolicy, wider);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(verifierPolicy, wider);
        admitUnder(verifierPolicy, victor);
        payeeOfSev(asked);
        SimulatedEnclave memory wanda = makeEnclave("wanda");
        admitUnder(verifierPolicy, wanda);
        AttestationResult memory told = result();
        told.verifierKeysetId = wanda.keysetId;
        admitSev(signed(told, wanda));
        payeeOfSev(asked);
    }

    /// Evidence whose endorsements end sooner, brought by anyone, takes nothing away.
    function test_ARenewalThatEndsSoonerTakesNothingAway() public {
        admitSev(signed(result(), victor));
        AttestationResult memory told = result();
        told.nextUpdate = uint64(block.timestamp) + 100;
        vm.prank(address(0xBAD));
        admitSev(signed(told, victor));
        vm.warp(block.timestamp + 101);
        payeeOfSev(block.timestamp);
    }

    /// M1. A key that was vouched for and then attested itself shows no voucher and depends on none.
    function test_AKeyThatAttestedItselfShowsNoVoucher() public {
        admitSev(signed(result(), victor));
        admitUnder(policyId, sev);
        AdmissionRecord memory record = enclaves.admission(policyId, sev.keysetId, sev.keyset.answerKey);
        assertEq(record.voucher, 0, "no voucher");
        vm.prank(GUARDIAN);
        enclaves.narrow(verifierPolicy, one(present(PolicyRules.REVOKED_CERTIFICATE, keccak256("x"))));
        payeeOfSev(block.timestamp);
        // And it may vouch, being one step from hardware.
        assertTrue(enclaves.isLive(policyId, sev.keysetId, sev.keyset.answerKey), "live");
    }

    /// Trust is one step from hardware, also when a voucher is vouched for only afterwards.
    function test_RevertWhen_AVoucherIsLaterVouchedFor() public {
        PolicyChange[] memory rules = new PolicyChange[](3);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(results)))));
        rules[1] = present(PolicyRules.VERIFIER_POLICY, verifierPolicy);
        rules[2] = present(PolicyRules.VENDOR, bytes32(uint256(AMD)));
        bytes32 middlePolicy = createPolicy("middle", rules);
        SimulatedEnclave memory middle = makeEnclave("middle");
        admitUnder(middlePolicy, middle);
        uint256 bornAt = block.timestamp;
        rules[1] = present(PolicyRules.VERIFIER_POLICY, middlePolicy);
        policyId = createPolicy("last", rules);
        vm.warp(bornAt + VALIDITY / 2);
        admitUnder(verifierPolicy, victor);
        AttestationResult memory told = result();
        told.verifierKeysetId = middle.keysetId;
        bytes32 digest = AttestationResults.digest(told, block.chainid, address(results));
        admitSev(abi.encode(told, middlePolicy, signBy(middle, digest)));
        payeeOfSev(block.timestamp);

        told = result();
        told.claimsDigest = reportDataFor(middle, block.number - 1);
        told.policyId = middlePolicy;
        enclaves.admit(middlePolicy, middle.keyset, block.number - 1, results, signed(told, victor));
        // Until its own evidence ends, that still vouches; then it has only another's word.
        payeeOfSev(block.timestamp);
        vm.warp(bornAt + VALIDITY + 1);
        expectSevRefused(block.timestamp, IEnclaveRegistry.VoucherIsVouchedFor.selector);
        told = result();
        told.verifierKeysetId = middle.keysetId;
        digest = AttestationResults.digest(told, block.chainid, address(results));
        bytes memory evidence = abi.encode(told, middlePolicy, signBy(middle, digest));
        vm.expectPartialRevert(AttestationResultVerifier.VerifierIsVouchedFor.selector);
        admitSev(evidence);
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
