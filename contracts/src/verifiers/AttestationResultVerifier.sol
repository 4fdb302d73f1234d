// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Appraisal, IAttestationVerifier } from "../interfaces/IAttestationVerifier.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Answers } from "../types/Answer.sol";
import { AttestationResult, AttestationResults } from "../types/AttestationResult.sol";
import { PolicyRules } from "../types/Policy.sol";

/// @title AttestationResultVerifier
/// @notice Admits by one signature: an enclave that was itself admitted, as a verifier, signs the result of an appraisal.
/// @dev Establishes: the signer is admitted now under a verifier policy that the subject's policy lists, by evidence and not by
/// a voucher of its own; it appraised these claims under this version of the policy; the endorsements it used are current.
/// @dev Does not establish: what the evidence said. The verifier enclave's measured code judged that; the subject's policy
/// chooses whom it believes. Revoking a verifier, or narrowing its policy, ends what it vouched for at once: the registry looks
/// at the voucher at each fulfilment.
/// @dev `evidence` is `abi.encode(AttestationResult, bytes32 verifierPolicyId, bytes signature)`.
contract AttestationResultVerifier is IAttestationVerifier {
    /// @notice Thrown when the result is for another registry, policy or version of it.
    error ResultForAnotherPolicy(bytes32 policyId, uint32 policyVersion, address registry);
    /// @notice Thrown when the endorsements behind the result are not current.
    error EndorsementsNotCurrent(uint64 thisUpdate, uint64 nextUpdate);
    /// @notice Thrown when the signer was itself vouched for: trust is one step from hardware, never two.
    error VerifierIsVouchedFor(bytes32 verifierKeysetId);

    IEnclaveRegistry private immutable ENCLAVES;

    /// @param enclaves The registry that admitted the verifiers.
    constructor(IEnclaveRegistry enclaves) {
        ENCLAVES = enclaves;
    }

    /// @inheritdoc IAttestationVerifier
    function appraise(bytes32 policyId, bytes32 reportDataHead, bytes calldata evidence)
        external
        view
        returns (Appraisal memory)
    {
        (AttestationResult memory result, bytes32 verifierPolicyId, bytes memory signature) =
            abi.decode(evidence, (AttestationResult, bytes32, bytes));
        _checkResult(policyId, reportDataHead, result);
        _requireRule(policyId, PolicyRules.VERIFIER_POLICY, verifierPolicyId);
        _requireRule(policyId, PolicyRules.VENDOR, bytes32(uint256(result.vendor)));
        address signer = this.signerOf(result, signature);
        // Reverts with the reason unless the signer could answer now.
        ENCLAVES.payeeOf(verifierPolicyId, type(uint40).max, result.verifierKeysetId, signer);
        require(
            ENCLAVES.admission(verifierPolicyId, result.verifierKeysetId, signer).voucher == 0,
            VerifierIsVouchedFor(result.verifierKeysetId)
        );
        return Appraisal({
            platformId: result.platformId,
            vendor: result.vendor,
            validUntil: result.nextUpdate,
            voucher: result.verifierKeysetId,
            voucherPolicyId: verifierPolicyId,
            voucherSigner: signer
        });
    }

    /// @notice Who signed a result; the zero address when the signature is not in its one valid form.
    function signerOf(AttestationResult calldata result, bytes calldata signature)
        external
        view
        returns (address)
    {
        return Answers.recover(AttestationResults.digest(result, block.chainid, address(this)), signature);
    }

    function _checkResult(bytes32 policyId, bytes32 reportDataHead, AttestationResult memory result)
        private
        view
    {
        require(
            result.claimsDigest == reportDataHead, ReportDataMismatch(reportDataHead, result.claimsDigest)
        );
        require(
            result.policyId == policyId && result.policyVersion == ENCLAVES.versionOf(policyId)
                && result.registry == address(ENCLAVES),
            ResultForAnotherPolicy(result.policyId, result.policyVersion, result.registry)
        );
        require(
            result.thisUpdate <= block.timestamp && block.timestamp < result.nextUpdate,
            EndorsementsNotCurrent(result.thisUpdate, result.nextUpdate)
        );
    }

    function _requireRule(bytes32 policyId, uint8 kind, bytes32 subject) private view {
        require(ENCLAVES.rule(policyId, kind, subject) != 0, AppraisalRefused(kind, subject));
    }
}
