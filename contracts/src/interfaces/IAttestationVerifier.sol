// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice What an appraisal of evidence established beside acceptance.
/// @param platformId The machine: a quorum counts distinct platforms, never keysets.
/// @param vendor Who made the machine: 1 Intel, 2 AMD, 3 AWS, 4 NVIDIA, 255 nobody (simulated).
/// @param validUntil Seconds since the epoch; what the evidence rests on (certificates, endorsements) ends here.
/// @param voucher Keyset of the verifier enclave that vouched; zero when the contract itself verified.
/// @param voucherPolicyId Policy that the voucher is admitted under; zero without a voucher.
/// @param voucherSigner The voucher's answer key; zero without a voucher.
struct Appraisal {
    bytes32 platformId;
    uint8 vendor;
    uint64 validUntil;
    bytes32 voucher;
    bytes32 voucherPolicyId;
    address voucherSigner;
}

/// @title IAttestationVerifier
/// @notice Judges one kind of evidence for `EnclaveRegistry`. Small on purpose: a policy lists the verifiers it trusts, and
/// anyone may write one.
interface IAttestationVerifier {
    /// @notice Thrown when evidence is well-formed but for another keyset, nonce, chain or registry.
    error ReportDataMismatch(bytes32 expected, bytes32 actual);
    /// @notice Thrown when the bytes are not evidence of this verifier's kind.
    error EvidenceMalformed();
    /// @notice Thrown when a signature of the evidence does not verify.
    error EvidenceSignatureInvalid();
    /// @notice Thrown when the evidence is genuine and the policy has no rule that accepts the value.
    error AppraisalRefused(uint8 ruleKind, bytes32 subject);
    /// @notice Thrown when the attested environment can be debugged: its owner reads and writes its memory.
    error DebugEnabled();

    /// @notice Verifies `evidence` and appraises it under `policyId`; reverts unless both succeed.
    /// @dev Establishes: the evidence is genuine, its report data is `reportDataHead ‖ 32 zero bytes`, and the policy accepts
    /// what it claims.
    /// @dev Does not establish: freshness, or what the report data stands for. `EnclaveRegistry` builds it from the keyset
    /// and a recent block hash.
    /// @dev Not a view: a verifier may remember what it verified (an intermediate certificate).
    function appraise(bytes32 policyId, bytes32 reportDataHead, bytes calldata evidence)
        external
        returns (Appraisal memory);
}
