// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { AdmissionRecord } from "../src/interfaces/IEnclaveRegistry.sol";
import { ITdxVerifier, TdxClaims, TdxEvidence } from "../src/interfaces/ITdxVerifier.sol";
import { Der } from "../src/libraries/Der.sol";
import { PckCertificates } from "../src/libraries/PckCertificates.sol";
import { TdxQuotes } from "../src/libraries/TdxQuotes.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { QuoteSpec } from "./support/FakeIntel.sol";
import { SimulatedEnclave } from "./support/RegistryWorld.sol";
import { TdxWorld } from "./support/TdxWorld.sol";

/// Quotes minted under a test root: each thing accepted, and one refusal for each rule.
contract TdxVerifierTest is TdxWorld {
    function narrow(PolicyChange memory change) internal {
        vm.prank(POLICY_OWNER);
        enclaves.narrow(tdxPolicy, one(change));
    }

    function test_AcceptsVersion4AndBothBodiesOfVersion5() public {
        QuoteSpec memory quoted = spec();
        appraise(quoted);
        quoted = spec();
        quoted.version = 5;
        appraise(quoted);
        quoted = spec();
        (quoted.version, quoted.is15) = (5, true);
        appraise(quoted);
    }

    function test_AcceptsTheProcessorCaToo() public {
        QuoteSpec memory quoted = spec();
        quoted.intermediate.subject = "Intel SGX PCK Processor CA";
        quoted.leaf.issuer = "Intel SGX PCK Processor CA";
        appraise(quoted);
    }

    function test_ReturnsWhatTheQuoteSays() public view {
        QuoteSpec memory quoted = spec();
        TdxClaims memory claims = tdx.verifyQuote(abi.encode(mint(quoted)));
        assertEq(claims.body, tdReport(quoted), "body");
        assertEq(claims.ppid, quoted.ppid, "ppid");
        assertEq(claims.fmspc, quoted.fmspc, "fmspc");
        assertEq(
            claims.svn,
            floorOf(3, 11, 5, 6) | bytes32(bytes1(0x01)) >> (8 * 19) | bytes32(bytes1(0x02)) >> (8 * 20),
            "svn"
        );
        assertEq(claims.quotingEnclave, quotingEnclave(quoted), "quoting enclave");
        assertEq(claims.validUntil, 1_924_992_000, "2031-01-01, when the leaf ends");
        assertEq(
            claims.leafRevocationId,
            keccak256(abi.encodePacked(name("Intel SGX PCK Platform CA"), uint64(0x2002))),
            "leaf revocation id"
        );
    }

    function test_AnIntermediateIsVerifiedOnceAndRemembered() public {
        TdxEvidence memory evidence = mint(spec());
        TdxEvidence memory short = mint(spec());
        short.intermediate = "";
        vm.expectPartialRevert(ITdxVerifier.IntermediateUnknown.selector);
        tdx.appraise(tdxPolicy, HEAD, abi.encode(short));
        tdx.rememberIntermediate(evidence.intermediate, evidence.intermediateR, evidence.intermediateS);
        tdx.appraise(tdxPolicy, HEAD, abi.encode(short));
    }

    function test_AdmitsAnEnclaveByItsQuoteAlone() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        QuoteSpec memory quoted = goodQuote();
        quoted.reportDataHead = reportDataFor(bob, block.number - 1);
        vm.prank(address(0x57A));
        enclaves.admit(tdxPolicy, bob.keyset, block.number - 1, tdx, abi.encode(mint(quoted)));
        AdmissionRecord memory record = enclaves.admission(tdxPolicy, bob.keysetId, bob.keyset.answerKey);
        assertEq(record.payee, bob.keyset.payee, "payee");
        assertEq(record.platformId, quoted.ppid, "platform");
        assertEq(record.vendor, 1, "vendor");
    }

    /// A platform's second keyset and its third, which takes a seat; the intermediate known: what a host pays at each restart.
    /// forge-config: default.isolate = true
    function test_AdmissionBesideAnotherKeysetCostsAtMost258000() public {
        for (uint256 i = 0; i < 3; ++i) {
            SimulatedEnclave memory enclave = makeEnclave(vm.toString(i));
            QuoteSpec memory quoted = goodQuote();
            quoted.reportDataHead = reportDataFor(enclave, block.number - 1);
            TdxEvidence memory minted = mint(quoted);
            if (i != 0) minted.intermediate = "";
            enclaves.admit(tdxPolicy, enclave.keyset, block.number - 1, tdx, abi.encode(minted));
            // As a transaction of its own: with its 21,000 and its calldata.
            uint256 gas = vm.lastCallGas().gasTotalUsed;
            assertTrue(i == 0 || gas <= 258_000, vm.toString(gas));
        }
    }

    function test_AdmissionEndsWithTheCertificates() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        QuoteSpec memory quoted = goodQuote();
        quoted.leaf.notAfter = "270115080500Z"; // 1,800,000,300: five minutes after START
        quoted.reportDataHead = reportDataFor(bob, block.number - 1);
        enclaves.admit(tdxPolicy, bob.keyset, block.number - 1, tdx, abi.encode(mint(quoted)));
        AdmissionRecord memory record = enclaves.admission(tdxPolicy, bob.keysetId, bob.keyset.answerKey);
        assertEq(record.expiresAt, 1_800_000_300, "not longer than the leaf");
    }

    function test_HighAndLowSAreTheSameStatement() public {
        TdxEvidence memory evidence = mint(spec());
        evidence.leafS = bytes32(P256_N - uint256(evidence.leafS));
        evidence.intermediateS = bytes32(P256_N - uint256(evidence.intermediateS));
        tdx.appraise(tdxPolicy, HEAD, abi.encode(evidence));
    }

    function test_RevertWhen_ReportDataIsAnother() public {
        QuoteSpec memory quoted = spec();
        quoted.reportDataHead = keccak256("another");
        expectRefused(quoted, IAttestationVerifier.ReportDataMismatch.selector);
        quoted = spec();
        quoted.reportDataTail = bytes32(uint256(1));
        expectRefused(quoted, IAttestationVerifier.ReportDataMismatch.selector);
    }

    function test_RevertWhen_TheQuotingEnclaveCanBeDebugged() public {
        QuoteSpec memory quoted = spec();
        quoted.qeAttributes = 0x02;
        expectRefused(quoted, IAttestationVerifier.DebugEnabled.selector);
    }

    function test_RevertWhen_MeasurementIsNotListed() public {
        narrow(PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0));
        expectRule(spec(), PolicyRules.MEASUREMENT, measurement());
    }

    function test_RevertWhen_TheModuleIsOfAnotherSigner() public {
        QuoteSpec memory quoted = spec();
        quoted.seam[0] = 0x01;
        expectRule(quoted, PolicyRules.SEAM, keccak256(quoted.seam));
        quoted = spec();
        quoted.seam[48] = 0x01; // SEAMATTRIBUTES
        expectRule(quoted, PolicyRules.SEAM, keccak256(quoted.seam));
    }

    function test_RevertWhen_TheQuotingEnclaveIsAnotherOrOld() public {
        QuoteSpec memory quoted = spec();
        quoted.qeMrSigner = keccak256("another");
        expectRule(quoted, PolicyRules.QUOTING_ENCLAVE, quotingEnclave(quoted));
        quoted = spec();
        quoted.qeSvn -= 1;
        expectRule(quoted, PolicyRules.QUOTING_ENCLAVE, quotingEnclave(quoted));
        quoted.qeSvn = 256 + 5; // two bytes are compared as one number
        appraise(quoted);
    }

    function test_RevertWhen_TheTcbIsBelowTheFloor() public {
        QuoteSpec memory quoted = spec();
        quoted.componentSvn -= 1;
        expectRule(quoted, PolicyRules.TCB, tcbSubject(quoted));
        quoted = spec();
        quoted.pceSvn -= 1;
        expectRule(quoted, PolicyRules.TCB, tcbSubject(quoted));
        quoted = spec();
        quoted.teeTcbSvn = hex"04010200000000000000000000000000";
        expectRule(quoted, PolicyRules.TCB, tcbSubject(quoted));
        quoted = spec();
        (quoted.componentSvn, quoted.pceSvn) = (255, 0xFFFF);
        appraise(quoted);
    }

    function test_RevertWhen_FmspcOrModuleVersionHasNoFloor() public {
        QuoteSpec memory quoted = spec();
        quoted.fmspc = hex"00906f050000";
        expectRule(quoted, PolicyRules.TCB, tcbSubject(quoted));
        quoted = spec();
        quoted.teeTcbSvn = hex"05020200000000000000000000000000";
        expectRule(quoted, PolicyRules.TCB, tcbSubject(quoted));
    }

    function test_RevertWhen_ACertificateIsRevoked() public {
        bytes32 leafId = keccak256(abi.encodePacked(name("Intel SGX PCK Platform CA"), uint64(0x2002)));
        narrow(present(PolicyRules.REVOKED_CERTIFICATE, leafId));
        expectRule(spec(), PolicyRules.REVOKED_CERTIFICATE, leafId);
        QuoteSpec memory reissued = spec();
        reissued.leaf.serial += 1;
        appraise(reissued);
        bytes32 issuerId = keccak256(abi.encodePacked(name("Intel SGX Root CA"), uint64(0x1001)));
        narrow(present(PolicyRules.REVOKED_CERTIFICATE, issuerId));
        expectRule(reissued, PolicyRules.REVOKED_CERTIFICATE, issuerId);
    }

    function test_RevertWhen_ACertificateIsOutsideItsDates() public {
        QuoteSpec memory quoted = spec();
        quoted.leaf.notAfter = "270115080009Z"; // one second before now
        expectRefused(quoted, ITdxVerifier.CertificateNotValidNow.selector);
        quoted.leaf.notAfter = "270115080010Z";
        appraise(quoted);
        quoted = spec();
        quoted.leaf.notBefore = "270115080011Z";
        expectRefused(quoted, ITdxVerifier.CertificateNotValidNow.selector);
        quoted = spec();
        quoted.intermediate.notAfter = "20270115080009Z";
        expectRefused(quoted, ITdxVerifier.CertificateNotValidNow.selector);
        quoted = spec();
        quoted.intermediate.notBefore = "20270115080011Z";
        expectRefused(quoted, ITdxVerifier.CertificateNotValidNow.selector);
    }

    function test_ARememberedIntermediateEndsToo() public {
        TdxEvidence memory evidence = mint(spec());
        tdx.rememberIntermediate(evidence.intermediate, evidence.intermediateR, evidence.intermediateS);
        QuoteSpec memory quoted = spec();
        quoted.leaf.notAfter = "400101000000Z";
        evidence = mint(quoted);
        evidence.intermediate = "";
        vm.warp(2_000_285_111); // 2033-05-21 10:45:11
        vm.expectPartialRevert(ITdxVerifier.CertificateNotValidNow.selector);
        tdx.appraise(tdxPolicy, HEAD, abi.encode(evidence));
    }

    function test_RevertWhen_AnySignerIsAnother() public {
        QuoteSpec memory quoted = spec();
        quoted.rootKey = OTHER_KEY;
        expectRefused(quoted, IAttestationVerifier.EvidenceSignatureInvalid.selector);
        quoted = spec();
        quoted.leafSigner = OTHER_KEY;
        expectRefused(quoted, IAttestationVerifier.EvidenceSignatureInvalid.selector);
        quoted = spec();
        quoted.qeSigner = OTHER_KEY;
        expectRefused(quoted, IAttestationVerifier.EvidenceSignatureInvalid.selector);
        quoted = spec();
        quoted.quoteSigner = OTHER_KEY;
        expectRefused(quoted, IAttestationVerifier.EvidenceSignatureInvalid.selector);
    }

    function test_RevertWhen_TheQeReportBindsAnotherKey() public {
        QuoteSpec memory quoted = spec();
        quoted.boundHash = keccak256("another");
        expectRefused(quoted, ITdxVerifier.AttestationKeyNotBound.selector);
    }

    function test_RevertWhen_TheIssuerIsNotUnderTheRootOrNotACa() public {
        QuoteSpec memory quoted = spec();
        quoted.intermediate.issuer = "Another Root CA";
        expectRefused(quoted, ITdxVerifier.NotIssuedByRoot.selector);
        quoted = spec();
        quoted.intermediate.isCa = false;
        expectRefused(quoted, PckCertificates.CertificateMalformed.selector);
        quoted = spec();
        quoted.intermediate.keyUsage = 0x02; // cRLSign without keyCertSign
        expectRefused(quoted, PckCertificates.CertificateMalformed.selector);
        quoted = spec();
        quoted.leaf.issuer = "Intel SGX PCK Processor CA"; // another name than its issuer's
        expectRefused(quoted, ITdxVerifier.IntermediateUnknown.selector);
    }

    function test_RevertWhen_TheLeafIsACaOrHasAnUnknownCriticalExtension() public {
        QuoteSpec memory quoted = spec();
        quoted.leaf.isCa = true;
        expectRefused(quoted, PckCertificates.CertificateMalformed.selector);
        quoted = spec();
        quoted.leaf.unknownCritical = true;
        expectRefused(quoted, PckCertificates.CertificateMalformed.selector);
    }

    function test_RevertWhen_TheSgxExtensionIsThereTwice() public {
        QuoteSpec memory quoted = spec();
        QuoteSpec memory other = spec();
        other.fmspc = hex"00906f050000";
        quoted.leaf.extra = sgxExtension(other);
        expectRefused(quoted, PckCertificates.CertificateMalformed.selector);
    }

    function test_RevertWhen_AnIntermediatePosesAsALeaf() public {
        QuoteSpec memory quoted = spec();
        quoted.leaf = quoted.intermediate;
        expectRefused(quoted, ITdxVerifier.IntermediateUnknown.selector);
    }

    function test_RevertWhen_TheQuoteIsOfAnotherVersionOrLength() public {
        QuoteSpec memory quoted = spec();
        quoted.version = 3;
        expectRefused(quoted, TdxQuotes.QuoteMalformed.selector);
        TdxEvidence memory evidence = mint(spec());
        evidence.quote = bytes.concat(evidence.quote, hex"00");
        vm.expectRevert(TdxQuotes.QuoteMalformed.selector);
        tdx.appraise(tdxPolicy, HEAD, abi.encode(evidence));
        evidence.quote = new bytes(40);
        vm.expectRevert(TdxQuotes.QuoteMalformed.selector);
        tdx.appraise(tdxPolicy, HEAD, abi.encode(evidence));
        vm.expectRevert(IAttestationVerifier.EvidenceMalformed.selector);
        tdx.appraise(tdxPolicy, HEAD, "");
    }

    /// Sound whatever is given: a change anywhere is refused, or changes nothing that is claimed.
    function testFuzz_AnyChangeIsRefusedOrChangesNothing(uint256 position, uint8 flip) public view {
        bytes memory evidence = abi.encode(mint(spec()));
        bytes32 claimed = keccak256(abi.encode(tdx.verifyQuote(evidence)));
        position = bound(position, 0, evidence.length - 1);
        flip = uint8(bound(flip, 1, 255));
        evidence[position] ^= bytes1(flip);
        try tdx.verifyQuote(evidence) returns (TdxClaims memory claims) {
            assertEq(keccak256(abi.encode(claims)), claimed, "the same claims");
        } catch { }
    }

    /// What is signed has no byte that may change: header, report, QE report and both certificates.
    function testFuzz_RevertWhen_AnySignedBitFlips(uint256 bit, uint8 part) public {
        TdxEvidence memory evidence = mint(spec());
        bytes memory signed =
            [evidence.quote, evidence.quote, evidence.leaf, evidence.intermediate][bound(part, 0, 3)];
        part = uint8(bound(part, 0, 3));
        uint256 from = part == 1 ? 48 + 584 + 4 + 128 + 6 : 0;
        uint256 length = part == 0 ? 48 + 584 : part == 1 ? 384 : signed.length;
        bit = bound(bit, from * 8, (from + length) * 8 - 1);
        signed[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert();
        tdx.verifyQuote(abi.encode(evidence));
    }

    /// A member may point anywhere in calldata: it is still only the caller's word.
    function testFuzz_OffsetsAreHintsThatCannotLie(uint8 member, uint16 offset) public view {
        bytes memory evidence = abi.encode(mint(spec()));
        bytes32 claimed = keccak256(abi.encode(tdx.verifyQuote(evidence)));
        uint256 position = 0x20 + [uint256(0), 1, 6][bound(member, 0, 2)] * 32;
        assembly {
            mstore(add(add(evidence, 0x20), position), offset)
        }
        try tdx.verifyQuote(evidence) returns (TdxClaims memory claims) {
            assertEq(keccak256(abi.encode(claims)), claimed, "the same claims");
        } catch { }
    }

    function parseTime(bytes calldata der) external pure returns (uint64 parsed) {
        (parsed,) = Der.readTime(der, 0, der.length);
    }

    function test_TimesAreThoseOfTheCalendar() public view {
        assertEq(this.parseTime(abi.encodePacked(hex"170d", "000229235959Z")), 951_868_799, "a leap day");
        assertEq(this.parseTime(abi.encodePacked(hex"170d", "700101000000Z")), 0, "the epoch");
        assertEq(this.parseTime(abi.encodePacked(hex"180f", "20491231235959Z")), 2_524_607_999, "generalized");
        assertEq(this.parseTime(abi.encodePacked(hex"170d", "270115080000Z")), START, "now");
    }

    function test_RevertWhen_ATimeIsNotOne() public {
        string[3] memory wrong = ["271315080000Z", "2701150800:0Z", "270115080000+"];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectPartialRevert(Der.DerMalformed.selector);
            this.parseTime(abi.encodePacked(hex"170d", wrong[i]));
        }
    }
}
