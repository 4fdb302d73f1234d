// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "./IAttestationVerifier.sol";

/// @notice What `TdxVerifier` takes as evidence, ABI-encoded; `attestation/onchain` makes it from a quote.
///
/// Each part is a hint of the caller's, and none is believed. Why a lie cannot pass:
/// `quote`: the header and body are hashed as they lie here and must be signed by the attestation key; that key must be in the
/// QE report's data; the QE report must be signed by the leaf's key. Lengths in the quote outside what is signed are not read.
/// `leaf`: hashed whole and must be signed by `issuerX, issuerY`; then walked from the first byte to the last, no offset given.
/// `issuerX, issuerY`: must be the key of an intermediate, under the leaf's issuer name, that the root signed.
/// `intermediate`: hashed whole and must be signed by the pinned root; may be empty when the contract knows the intermediate.
/// Signatures: any (r, s) that verifies; s and n - s are the same statement, and nothing is keyed by a signature.
/// @param quote Version 4 or 5, from the header to the end of the QE authentication data (without the certificates).
/// @param leaf TBSCertificate of the PCK certificate.
/// @param intermediate TBSCertificate of the PCK CA, or empty.
struct TdxEvidence {
    bytes quote;
    bytes leaf;
    bytes32 leafR;
    bytes32 leafS;
    bytes32 issuerX;
    bytes32 issuerY;
    bytes intermediate;
    bytes32 intermediateR;
    bytes32 intermediateS;
}

/// @notice What a genuine quote says. Nothing here is acceptable before a policy accepts it.
/// @param body The TD report, 584 bytes (TDX 1.0) or 648 (TDX 1.5).
/// @param ppid The machine's provisioning id, left-aligned.
/// @param svn SGX TCB components, PCESVN, TEE_TCB_SVN 0–7 and the QE's ISVSVN, as a `PolicyRules` floor has them.
/// @param quotingEnclave keccak256(MRSIGNER ‖ ISVPRODID) of the quoting enclave.
/// @param validUntil Earliest end of the certificates.
/// @param leafRevocationId keccak256(issuer name ‖ serial) of the PCK certificate.
/// @param issuerRevocationId The same of the intermediate.
struct TdxClaims {
    bytes body;
    bytes32 ppid;
    bytes6 fmspc;
    bytes32 svn;
    bytes32 quotingEnclave;
    uint64 validUntil;
    bytes32 leafRevocationId;
    bytes32 issuerRevocationId;
}

/// @title ITdxVerifier
/// @notice Verifies Intel TDX quotes (version 4 and 5) on chain, to Intel's root.
/// @dev Establishes: the whole chain of signatures, the certificates' dates, no TD or quoting enclave that can be debugged, no
/// reserved bit of TDATTRIBUTES or XFAM, no TD that is bound to a service TD or could be without showing it; no TD that can be
/// migrated, profiled or traced, or whose pages can be taken away, unless the policy names exactly these attributes; and under
/// a policy: measurement, module signer, quoting enclave, TCB floors, no revoked certificate.
/// @dev Does not establish: what Intel's TCB info says today. Floors stand in the policy, by FMSPC; its owner raises them when
/// Intel publishes a recovery, and lists revoked certificates. RTMR3 is compared only if the policy's mask has it.
interface ITdxVerifier is IAttestationVerifier {
    /// @notice Emitted when an intermediate of the root is verified for the first time.
    event IntermediateRemembered(bytes32 indexed intermediateId, bytes32 revocationId, uint64 notAfter);

    /// @notice Thrown outside a certificate's dates.
    error CertificateNotValidNow(uint64 notBefore, uint64 notAfter);
    /// @notice Thrown when the leaf's issuer is neither known nor in the evidence.
    error IntermediateUnknown(bytes32 intermediateId);
    /// @notice Thrown when an intermediate's issuer is not the root.
    error NotIssuedByRoot();
    /// @notice Thrown when the QE report does not bind the attestation key.
    error AttestationKeyNotBound();
    /// @notice Thrown when a service TD is bound: it could move the TD elsewhere.
    error ServiceTdBound();
    /// @notice Thrown when the TD can be migrated and its report, of TDX 1.0, does not show to whom it is bound.
    error ServiceTdNotShown();
    /// @notice Thrown when TDATTRIBUTES or XFAM, as they lie in the report, have a reserved bit or lack a required one.
    error ReservedBitsSet(bytes8 attributes, bytes8 xfam);

    /// @notice Verifies a PCK CA certificate and remembers its key; anyone.
    function rememberIntermediate(bytes calldata tbs, bytes32 r, bytes32 s)
        external
        returns (bytes32 intermediateId);

    /// @notice Verifies a quote to the root, now, and returns what it says. Judges by no policy.
    /// @param evidence ABI-encoded `TdxEvidence`.
    function verifyQuote(bytes calldata evidence) external view returns (TdxClaims memory);
}
