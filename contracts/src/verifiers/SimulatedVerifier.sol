// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import { Appraisal, IAttestationVerifier } from "../interfaces/IAttestationVerifier.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { TdxQuotes } from "../libraries/TdxQuotes.sol";
import { PolicyRules } from "../types/Policy.sol";

/// @title SimulatedVerifier
/// @notice Accepts the simulator's evidence: a quote in TDX's format, signed by a key that everybody knows.
/// @dev Establishes: nothing about hardware. It exercises the path of real evidence on a developer's machine.
/// @dev Warning: refuses to be deployed, and to answer, on a chain id that is not local.
contract SimulatedVerifier is IAttestationVerifier {
    /// @notice Thrown on a chain that is not local.
    error ChainNotLocal(uint256 chainId);

    uint256 private constant HARDHAT_CHAIN_ID = 1337;
    uint256 private constant ANVIL_CHAIN_ID = 31337;
    uint8 private constant VENDOR_SIMULATED = 255;

    /// @dev version 4, ECDSA-P256 key, TEE type TDX: the first eight bytes of the header, little-endian.
    bytes8 private constant HEADER_START = 0x0400020081000000;
    uint256 private constant USER_DATA_AT = 28;
    uint256 private constant SIGNED_BYTES = TdxQuotes.HEADER_BYTES + TdxQuotes.BODY_10_BYTES;
    uint256 private constant SIGNATURE_AT = SIGNED_BYTES + 4;
    uint256 private constant KEY_AT = SIGNATURE_AT + 64;
    uint256 private constant KEY_END = KEY_AT + 64;
    /// @dev Type (2) and size (4) of certification data.
    uint256 private constant CERTIFICATION_HEAD_BYTES = 6;
    /// @dev After QE report, its signature (64) and the length of the authentication data (2).
    uint256 private constant AUTHENTICATION_AT =
        KEY_END + CERTIFICATION_HEAD_BYTES + TdxQuotes.QE_REPORT_BYTES + 64 + 2;

    IEnclaveRegistry private immutable ENCLAVES;
    /// @notice The simulator's attestation key, x.
    bytes32 public immutable KEY_X;
    /// @notice The simulator's attestation key, y.
    bytes32 public immutable KEY_Y;

    /// @param enclaves The registry whose policies it appraises under.
    /// @param keyX The simulator's attestation key, x.
    /// @param keyY The simulator's attestation key, y.
    constructor(IEnclaveRegistry enclaves, bytes32 keyX, bytes32 keyY) {
        _requireLocalChain();
        ENCLAVES = enclaves;
        KEY_X = keyX;
        KEY_Y = keyY;
    }

    /// @inheritdoc IAttestationVerifier
    function appraise(bytes32 policyId, bytes32 reportDataHead, bytes calldata evidence)
        external
        view
        returns (Appraisal memory)
    {
        _requireLocalChain();
        _verify(evidence);
        bytes memory body = evidence[TdxQuotes.HEADER_BYTES:SIGNED_BYTES];
        (bytes32 first, bytes32 second) = TdxQuotes.reportData(body);
        require(first == reportDataHead, ReportDataMismatch(reportDataHead, first));
        require(second == 0, ReportDataMismatch(0, second));
        require(!TdxQuotes.isDebug(body), DebugEnabled());
        bytes32 measurement = TdxQuotes.measurement(body, ENCLAVES.registerMaskOf(policyId));
        require(
            ENCLAVES.rule(policyId, PolicyRules.MEASUREMENT, measurement) != 0,
            AppraisalRefused(PolicyRules.MEASUREMENT, measurement)
        );
        return Appraisal({
            platformId: _platformId(evidence),
            vendor: VENDOR_SIMULATED,
            validUntil: type(uint64).max,
            voucher: 0,
            voucherPolicyId: 0,
            voucherSigner: address(0)
        });
    }

    /// @dev Simulated machines differ by USER_DATA of the header and by their certificates, which nothing here checks: a quorum of
    /// simulators is a rehearsal.
    function _platformId(bytes calldata evidence) private pure returns (bytes32) {
        bytes calldata userData = evidence[USER_DATA_AT:TdxQuotes.HEADER_BYTES];
        if (evidence.length < AUTHENTICATION_AT) return keccak256(userData);
        uint256 chainAt = AUTHENTICATION_AT + TdxQuotes.littleEndian16(evidence, AUTHENTICATION_AT - 2)
            + CERTIFICATION_HEAD_BYTES;
        if (evidence.length < chainAt) return keccak256(userData);
        return keccak256(bytes.concat(userData, evidence[chainAt:]));
    }

    function _verify(bytes calldata evidence) private view {
        require(evidence.length >= KEY_END && bytes8(evidence[0:8]) == HEADER_START, EvidenceMalformed());
        bool isSimulators =
            bytes32(evidence[KEY_AT:KEY_AT + 32]) == KEY_X && bytes32(evidence[KEY_AT + 32:KEY_END]) == KEY_Y;
        bytes32 r = bytes32(evidence[SIGNATURE_AT:SIGNATURE_AT + 32]);
        uint256 s = uint256(bytes32(evidence[SIGNATURE_AT + 32:KEY_AT]));
        // Both s and n - s are valid in Intel's format; OpenZeppelin's check takes the lower only.
        if (s > P256.N / 2 && s < P256.N) s = P256.N - s;
        require(
            isSimulators && P256.verify(sha256(evidence[0:SIGNED_BYTES]), r, bytes32(s), KEY_X, KEY_Y),
            EvidenceSignatureInvalid()
        );
    }

    function _requireLocalChain() private view {
        require(
            block.chainid == ANVIL_CHAIN_ID || block.chainid == HARDHAT_CHAIN_ID, ChainNotLocal(block.chainid)
        );
    }
}
