// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answers } from "./Answer.sol";

/// @notice What a verifier enclave signs about evidence that is too dear to verify on chain (SEV-SNP, Nitro, GPU).
/// @param subjectKeysetId The keyset that the evidence is of.
/// @param claimsDigest sha256 of the evidence's claims: binds keyset, chain, registry and block.
/// @param policyId The policy that the verifier appraised under.
/// @param policyVersion Its version then; the result is worthless once the policy has changed.
/// @param registry The registry that the subject asks admission of.
/// @param evidenceBlockHash The block hash in the evidence's nonce.
/// @param verifierKeysetId Who signs.
/// @param vendor See `Appraisal`.
/// @param platformId See `Appraisal`.
/// @param thisUpdate Latest start of validity of the endorsements used, seconds.
/// @param nextUpdate Earliest end of validity of the endorsements used, seconds.
struct AttestationResult {
    bytes32 subjectKeysetId;
    bytes32 claimsDigest;
    bytes32 policyId;
    uint32 policyVersion;
    address registry;
    bytes32 evidenceBlockHash;
    bytes32 verifierKeysetId;
    uint8 vendor;
    bytes32 platformId;
    uint64 thisUpdate;
    uint64 nextUpdate;
}

/// @notice The EIP-712 digest of an attestation result, under the domain (`Adyton`, `2`, chain id, the verifier contract).
library AttestationResults {
    bytes32 internal constant TYPEHASH = keccak256(
        "AttestationResult(bytes32 subjectKeysetId,bytes32 claimsDigest,bytes32 policyId,uint32 policyVersion,address registry,bytes32 evidenceBlockHash,bytes32 verifierKeysetId,uint8 vendor,bytes32 platformId,uint64 thisUpdate,uint64 nextUpdate)"
    );

    function digest(AttestationResult memory result, uint256 chainId, address verifier)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encodePacked(
                hex"1901", Answers.domainSeparator(chainId, verifier), keccak256(abi.encode(TYPEHASH, result))
            )
        );
    }
}
