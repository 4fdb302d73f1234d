// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import { Appraisal, IAttestationVerifier } from "../interfaces/IAttestationVerifier.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { ITdxVerifier, TdxClaims, TdxEvidence } from "../interfaces/ITdxVerifier.sol";
import { PckCertificates } from "../libraries/PckCertificates.sol";
import { TdxQuotes } from "../libraries/TdxQuotes.sol";
import { PolicyRules } from "../types/Policy.sol";

/// @title TdxVerifier
/// @notice See `ITdxVerifier` for what each function establishes and does not.
contract TdxVerifier is ITdxVerifier {
    struct Intermediate {
        uint64 notBefore;
        uint64 notAfter;
        bytes32 revocationId;
    }

    uint8 private constant VENDOR_INTEL = 1;

    IEnclaveRegistry private immutable ENCLAVES;
    /// @notice The root's key, x.
    bytes32 public immutable ROOT_X;
    /// @notice The root's key, y.
    bytes32 public immutable ROOT_Y;
    /// @notice keccak256 of the root's name, DER.
    bytes32 public immutable ROOT_NAME;

    mapping(bytes32 intermediateId => Intermediate) private _intermediates;

    /// @param enclaves The registry whose policies it appraises under.
    /// @param rootX Key of the root, x; Intel's SGX Root CA in production.
    /// @param rootY Key of the root, y.
    /// @param rootName keccak256 of the root's name, DER.
    constructor(IEnclaveRegistry enclaves, bytes32 rootX, bytes32 rootY, bytes32 rootName) {
        ENCLAVES = enclaves;
        ROOT_X = rootX;
        ROOT_Y = rootY;
        ROOT_NAME = rootName;
    }

    /// @inheritdoc IAttestationVerifier
    function appraise(bytes32 policyId, bytes32 reportDataHead, bytes calldata evidence)
        external
        returns (Appraisal memory)
    {
        TdxEvidence calldata given = _evidence(evidence);
        if (given.intermediate.length != 0) {
            _remember(given.intermediate, given.intermediateR, given.intermediateS);
        }
        TdxClaims memory claims = _verify(given);
        _appraise(policyId, reportDataHead, claims);
        return Appraisal({
            platformId: claims.ppid,
            vendor: VENDOR_INTEL,
            validUntil: claims.validUntil,
            voucher: 0,
            voucherPolicyId: 0,
            voucherSigner: address(0)
        });
    }

    /// @inheritdoc ITdxVerifier
    function rememberIntermediate(bytes calldata tbs, bytes32 r, bytes32 s)
        external
        returns (bytes32 intermediateId)
    {
        return _remember(tbs, r, s);
    }

    /// @inheritdoc ITdxVerifier
    function verifyQuote(bytes calldata evidence) external view returns (TdxClaims memory) {
        return _verify(_evidence(evidence));
    }

    /// @dev A view on the ABI-encoded struct. Solidity checks each member against the end of calldata when it is read; a member
    /// that reaches outside `evidence` is no more and no less the caller's word than one inside.
    function _evidence(bytes calldata evidence) private pure returns (TdxEvidence calldata given) {
        require(evidence.length >= 0x140 && uint256(bytes32(evidence[0:32])) == 0x20, EvidenceMalformed());
        // Memory-safe: sets a calldata pointer.
        assembly ("memory-safe") {
            given := add(evidence.offset, 0x20)
        }
    }

    function _verify(TdxEvidence calldata given) private view returns (TdxClaims memory claims) {
        PckCertificates.Tbs memory leaf = PckCertificates.parse(given.leaf);
        _requireValidNow(leaf.notBefore, leaf.notAfter);
        Intermediate memory issuer = _issuer(given, leaf.issuer);
        _requireValidNow(issuer.notBefore, issuer.notAfter);
        _requireSigned(sha256(given.leaf), given.leafR, given.leafS, given.issuerX, given.issuerY);
        PckCertificates.PckExtension memory pck = PckCertificates.parsePck(given.leaf, leaf);

        TdxQuotes.Parts memory parts = TdxQuotes.locate(given.quote);
        _verifyQuotingEnclave(given.quote, parts, leaf);
        _requireSignedSlice(given.quote[0:parts.bodyEnd], given.quote, parts.signatureAt, parts.keyAt);

        claims.body = given.quote[parts.bodyAt:parts.bodyEnd];
        claims.ppid = pck.ppid;
        claims.fmspc = pck.fmspc;
        claims.svn = TdxQuotes.svn(given.quote, parts, pck.svn);
        claims.quotingEnclave = TdxQuotes.quotingEnclaveIdentity(given.quote, parts);
        claims.validUntil = leaf.notAfter < issuer.notAfter ? leaf.notAfter : issuer.notAfter;
        claims.leafRevocationId = leaf.revocationId;
        claims.issuerRevocationId = issuer.revocationId;
    }

    /// @dev The PCK key signed the QE report; the QE report's data is the hash of the attestation key and the QE's
    /// authentication data, then zeros (TDX DCAP Quoting Library API, A.3.9); the QE is not debuggable.
    function _verifyQuotingEnclave(
        bytes calldata quote,
        TdxQuotes.Parts memory parts,
        PckCertificates.Tbs memory leaf
    ) private view {
        bytes calldata report = quote[parts.qeReportAt:parts.qeReportAt + TdxQuotes.QE_REPORT_BYTES];
        _requireSigned(
            sha256(report),
            bytes32(quote[parts.qeSignatureAt:]),
            bytes32(quote[parts.qeSignatureAt + 32:]),
            leaf.x,
            leaf.y
        );
        bytes32 bound = sha256(
            bytes.concat(quote[parts.keyAt:parts.keyAt + 64], quote[parts.authenticationAt:quote.length])
        );
        require(
            TdxQuotes.qeReportData(report, 0) == bound && TdxQuotes.qeReportData(report, 32) == 0,
            AttestationKeyNotBound()
        );
        require(!TdxQuotes.isDebugQuotingEnclave(report), DebugEnabled());
    }

    function _requireSignedSlice(
        bytes calldata signed,
        bytes calldata quote,
        uint256 signatureAt,
        uint256 keyAt
    ) private view {
        _requireSigned(
            sha256(signed),
            bytes32(quote[signatureAt:]),
            bytes32(quote[signatureAt + 32:]),
            bytes32(quote[keyAt:]),
            bytes32(quote[keyAt + 32:])
        );
    }

    /// @dev Genuine; now acceptable? One rule each, no rule without a word in the policy.
    function _appraise(bytes32 policyId, bytes32 reportDataHead, TdxClaims memory claims) private view {
        bytes memory body = claims.body;
        _requireConfinedTd(policyId, body);
        (bytes32 first, bytes32 second) = TdxQuotes.reportData(body);
        require(first == reportDataHead, ReportDataMismatch(reportDataHead, first));
        require(second == 0, ReportDataMismatch(0, second));

        uint8[6] memory kinds = [
            PolicyRules.MEASUREMENT,
            PolicyRules.SEAM,
            PolicyRules.QUOTING_ENCLAVE,
            PolicyRules.TCB,
            PolicyRules.REVOKED_CERTIFICATE,
            PolicyRules.REVOKED_CERTIFICATE
        ];
        bytes32[6] memory subjects = [
            TdxQuotes.measurement(body, ENCLAVES.registerMaskOf(policyId)),
            TdxQuotes.seamIdentity(body),
            claims.quotingEnclave,
            TdxQuotes.tcbSubject(claims.fmspc, body),
            claims.leafRevocationId,
            claims.issuerRevocationId
        ];
        bytes32[] memory ruleKeys = new bytes32[](6);
        for (uint256 i = 0; i < 6; ++i) {
            ruleKeys[i] = PolicyRules.key(kinds[i], subjects[i]);
        }
        bytes32[] memory values = ENCLAVES.rules(policyId, ruleKeys);
        for (uint256 i = 0; i < 6; ++i) {
            bool isAccepted = kinds[i] == PolicyRules.REVOKED_CERTIFICATE
                ? values[i] == 0
                : values[i] == PolicyRules.PRESENT
                    || (values[i] != 0 && PolicyRules.covers(values[i], claims.svn));
            require(isAccepted, AppraisalRefused(kinds[i], subjects[i]));
        }
    }

    /// @dev Whatever is measured runs in a TD that keeps it to itself.
    function _requireConfinedTd(bytes32 policyId, bytes memory body) private view {
        bytes8 attributes = TdxQuotes.attributes(body);
        bytes8 xfam = TdxQuotes.xfam(body);
        require(!TdxQuotes.isDebug(body), DebugEnabled());
        require(!TdxQuotes.hasReservedBits(body), ReservedBitsSet(attributes, xfam));
        require(!TdxQuotes.hasServiceTd(body), ServiceTdBound());
        require(!TdxQuotes.hidesMigration(body), ServiceTdNotShown());
        if (!TdxQuotes.isOrdinary(attributes)) _requireRule(policyId, PolicyRules.TD_ATTRIBUTES, attributes);
        if (!TdxQuotes.isOrdinaryXfam(xfam)) _requireRule(policyId, PolicyRules.XFAM, xfam);
    }

    function _requireRule(bytes32 policyId, uint8 kind, bytes32 subject) private view {
        require(ENCLAVES.rule(policyId, kind, subject) != 0, AppraisalRefused(kind, subject));
    }

    /// @dev The intermediate of the given key under the leaf's issuer name: remembered, or verified from the evidence.
    function _issuer(TdxEvidence calldata given, bytes32 issuerName)
        private
        view
        returns (Intermediate memory issuer)
    {
        bytes32 wanted = _intermediateId(issuerName, given.issuerX, given.issuerY);
        issuer = _intermediates[wanted];
        if (issuer.notAfter == 0 && given.intermediate.length != 0) {
            bytes32 id;
            (id, issuer) = _verifyIntermediate(given.intermediate, given.intermediateR, given.intermediateS);
            require(id == wanted, IntermediateUnknown(wanted));
        }
        require(issuer.notAfter != 0, IntermediateUnknown(wanted));
    }

    function _remember(bytes calldata tbs, bytes32 r, bytes32 s) private returns (bytes32 id) {
        Intermediate memory intermediate;
        (id, intermediate) = _verifyIntermediate(tbs, r, s);
        _intermediates[id] = intermediate;
        emit IntermediateRemembered(id, intermediate.revocationId, intermediate.notAfter);
    }

    function _verifyIntermediate(bytes calldata tbs, bytes32 r, bytes32 s)
        private
        view
        returns (bytes32 id, Intermediate memory intermediate)
    {
        PckCertificates.Tbs memory parsed = PckCertificates.parse(tbs);
        require(parsed.issuer == ROOT_NAME, NotIssuedByRoot());
        PckCertificates.requireIssuer(tbs, parsed);
        _requireValidNow(parsed.notBefore, parsed.notAfter);
        _requireSigned(sha256(tbs), r, s, ROOT_X, ROOT_Y);
        id = _intermediateId(parsed.subject, parsed.x, parsed.y);
        intermediate = Intermediate(parsed.notBefore, parsed.notAfter, parsed.revocationId);
    }

    function _intermediateId(bytes32 name, bytes32 x, bytes32 y) private pure returns (bytes32) {
        return keccak256(abi.encode(name, x, y));
    }

    function _requireValidNow(uint64 notBefore, uint64 notAfter) private view {
        require(
            block.timestamp >= notBefore && block.timestamp <= notAfter,
            CertificateNotValidNow(notBefore, notAfter)
        );
    }

    /// @dev By the precompile of EIP-7951 only: a chain without it cannot verify, and says so.
    function _requireSigned(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y) private view {
        // Vendors sign with either s or n - s; OpenZeppelin's check takes the lower only.
        if (uint256(s) > P256.N / 2 && uint256(s) < P256.N) s = bytes32(P256.N - uint256(s));
        require(P256.verifyNative(digest, r, s, x, y), EvidenceSignatureInvalid());
    }
}
