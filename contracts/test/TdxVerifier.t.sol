// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { AdmissionRecord } from "../src/interfaces/IEnclaveRegistry.sol";
import { ITdxVerifier, TdxClaims, TdxEvidence } from "../src/interfaces/ITdxVerifier.sol";
import { Der } from "../src/libraries/Der.sol";
import { PckCertificates } from "../src/libraries/PckCertificates.sol";
import { TdxQuotes } from "../src/libraries/TdxQuotes.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { FakeIntel, QuoteSpec } from "./support/FakeIntel.sol";
import { RegistryWorld, SimulatedEnclave } from "./support/RegistryWorld.sol";

/// Quotes minted under a test root: each thing accepted, and one refusal for each rule.
contract TdxVerifierTest is RegistryWorld, FakeIntel {
    bytes32 private constant HEAD = keccak256("report data");
    ITdxVerifier private tdx;
    bytes32 private tdxPolicy;

    function setUp() public override {
        super.setUp();
        (uint256 x, uint256 y) = vm.publicKeyP256(ROOT_KEY);
        tdx = deployTdxVerifier(bytes32(x), bytes32(y), rootNameHash());
        tdxPolicy = createPolicy("tdx", tdxRules());
    }

    function tdxRules() internal view returns (PolicyChange[] memory rules) {
        QuoteSpec memory good = goodQuote();
        rules = new PolicyChange[](4);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(tdx)))));
        rules[1] = present(PolicyRules.SEAM, keccak256(good.seam));
        rules[2] =
            PolicyChange(PolicyRules.QUOTING_ENCLAVE, quotingEnclave(good), floorOf(0, 0, 0, good.qeSvn));
        rules[3] = PolicyChange(
            PolicyRules.TCB,
            tcbSubject(good),
            floorOf(good.componentSvn, good.pceSvn, uint8(good.teeTcbSvn[0]), 0)
        );
    }

    function quotingEnclave(QuoteSpec memory spec) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(spec.qeMrSigner, hex"0200"));
    }

    function tcbSubject(QuoteSpec memory spec) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked(spec.fmspc, spec.teeTcbSvn[1]));
    }

    function floorOf(uint8 component, uint16 pceSvn, uint8 teeSvn, uint16 qeSvn)
        internal
        pure
        returns (bytes32)
    {
        bytes memory components;
        for (uint256 i = 0; i < 16; ++i) {
            components = abi.encodePacked(components, component);
        }
        return bytes32(abi.encodePacked(components, pceSvn, teeSvn, new bytes(7), qeSvn, bytes4(uint32(1))));
    }

    function spec() internal pure returns (QuoteSpec memory good) {
        good = goodQuote();
        good.reportDataHead = HEAD;
    }

    function appraise(QuoteSpec memory quoted) internal {
        tdx.appraise(tdxPolicy, HEAD, abi.encode(mint(quoted)));
    }

    function expectRefused(QuoteSpec memory quoted, bytes4 selector) internal {
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectPartialRevert(selector);
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }

    function expectRule(QuoteSpec memory quoted, uint8 kind, bytes32 subject) internal {
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectRevert(abi.encodeWithSelector(IAttestationVerifier.AppraisalRefused.selector, kind, subject));
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }

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

    /// A platform's second keyset, its intermediate known: what a host pays at each restart.
    /// forge-config: default.isolate = true
    function test_AdmissionOfAPlatformsSecondKeysetCostsAtMost258000() public {
        for (uint256 i = 0; i < 2; ++i) {
            SimulatedEnclave memory enclave = makeEnclave(i == 0 ? "bob" : "carol");
            QuoteSpec memory quoted = goodQuote();
            quoted.reportDataHead = reportDataFor(enclave, block.number - 1);
            TdxEvidence memory minted = mint(quoted);
            if (i == 1) minted.intermediate = "";
            enclaves.admit(tdxPolicy, enclave.keyset, block.number - 1, tdx, abi.encode(minted));
        }
        // As a transaction of its own: with its 21,000 and its calldata.
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(gas <= 258_000, vm.toString(gas));
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

    function listed(uint8 kind, bytes32 subject) internal {
        PolicyChange[] memory change = one(present(kind, subject));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(tdxPolicy, change);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(tdxPolicy, change);
    }

    /// K1. DEBUG, and the other bits by which a host looks into a TD, whatever a rule says.
    function test_RevertWhen_TheTdCanBeDebugged() public {
        bytes8[4] memory tud =
            [bytes8(0x0100001000000000), 0x1000001000000000, 0x2000001000000000, 0x4000001000000000];
        for (uint256 i = 0; i < tud.length; ++i) {
            listed(PolicyRules.TD_ATTRIBUTES, tud[i]);
            QuoteSpec memory quoted = spec();
            quoted.attributes = tud[i];
            expectRefused(quoted, IAttestationVerifier.DebugEnabled.selector);
        }
    }

    /// K1. Every reserved bit of TDATTRIBUTES and of XFAM, and x87 or SSE missing, whatever a rule says.
    function testFuzz_RevertWhen_AReservedBitIsSet(uint8 bit, bool isXfam, bool isListed) public {
        bit = uint8(bound(bit, 0, 63));
        bytes8 flag = bytes8(bytes1(uint8(1) << (bit % 8))) >> (8 * (bit / 8));
        // Independent of the contract's masks: the bits that Intel names.
        bool isKnown = isXfam
            ? bit < 3 || (bit >= 5 && bit <= 9) || bit == 11 || bit == 12 || bit == 14 || bit == 15
                || bit == 17 || bit == 18
            : bit < 8 || bit == 16 || (bit >= 27 && bit <= 31) || bit >= 62;
        vm.assume(!isKnown || (isXfam && bit < 2));
        QuoteSpec memory quoted = spec();
        if (isXfam) quoted.xfam ^= flag;
        else quoted.attributes ^= flag;
        if (isListed) {
            listed(
                isXfam ? PolicyRules.XFAM : PolicyRules.TD_ATTRIBUTES,
                isXfam ? quoted.xfam : quoted.attributes
            );
        }
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.ReservedBitsSet.selector, quoted.attributes, quoted.xfam)
        );
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }

    /// K1. PERFMON, no SEPT_VE_DISABLE, ICSSD, LASS, TPA, processor trace, last branch records: by a rule that names the exact value.
    function test_RevertWhen_AttributesNeedARuleAndHaveNone() public {
        bytes8[5] memory attributes = [
            bytes8(0x0000001000000080),
            0x0000000000000000,
            0x0000011000000000,
            0x0000001800000000,
            0x0000001000000040
        ];
        for (uint256 i = 0; i < attributes.length; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = attributes[i];
            expectRule(quoted, PolicyRules.TD_ATTRIBUTES, attributes[i]);
            listed(PolicyRules.TD_ATTRIBUTES, attributes[i]);
            appraise(quoted);
            // Exactly this value: one more bit is another.
            quoted.attributes |= 0x0000004000000000; // PKS
            expectRule(quoted, PolicyRules.TD_ATTRIBUTES, quoted.attributes);
        }
        bytes8[2] memory xfam = [bytes8(0xe703060000000000), 0xe782060000000000];
        for (uint256 i = 0; i < xfam.length; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.xfam = xfam[i];
            expectRule(quoted, PolicyRules.XFAM, xfam[i]);
            listed(PolicyRules.XFAM, xfam[i]);
            appraise(quoted);
        }
    }

    function test_AcceptsOrdinaryAttributesWithoutARule() public {
        QuoteSpec memory quoted = spec();
        quoted.attributes = 0x000000d000000000; // with PKS and KL
        quoted.xfam = 0xe75a060000000000; // all but tracing
        appraise(quoted);
    }

    /// K1. A TD that can be migrated: by a rule that names the exact value, and only where the report shows that no migration TD is
    /// bound. A body of TDX 1.0 cannot show it.
    function test_RevertWhen_TheTdCanBeMigrated() public {
        bytes8 migratable = 0x0000003000000000;
        for (uint256 i = 0; i < 3; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = migratable;
            (quoted.version, quoted.is15) = (i == 0 ? 4 : 5, i == 2);
            if (i == 2) expectRule(quoted, PolicyRules.TD_ATTRIBUTES, migratable);
            else expectRefused(quoted, ITdxVerifier.ServiceTdNotShown.selector);
        }
        listed(PolicyRules.TD_ATTRIBUTES, migratable);
        for (uint256 i = 0; i < 3; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = migratable;
            (quoted.version, quoted.is15) = (i == 0 ? 4 : 5, i == 2);
            if (i == 2) {
                appraise(quoted);
                quoted.serviceTd = 0x01;
                expectRefused(quoted, ITdxVerifier.ServiceTdBound.selector);
            } else {
                expectRefused(quoted, ITdxVerifier.ServiceTdNotShown.selector);
            }
        }
    }

    function test_RevertWhen_TheQuotingEnclaveCanBeDebugged() public {
        QuoteSpec memory quoted = spec();
        quoted.qeAttributes = 0x02;
        expectRefused(quoted, IAttestationVerifier.DebugEnabled.selector);
    }

    function test_RevertWhen_AServiceTdIsBound() public {
        QuoteSpec memory quoted = spec();
        (quoted.version, quoted.is15, quoted.serviceTd) = (5, true, 0x01);
        expectRefused(quoted, ITdxVerifier.ServiceTdBound.selector);
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
        uint256 at = 0x20 + [uint256(0), 1, 6][bound(member, 0, 2)] * 32;
        assembly {
            mstore(add(add(evidence, 0x20), at), offset)
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
