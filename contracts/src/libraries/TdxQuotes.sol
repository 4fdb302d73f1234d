// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice Where the parts of a TDX quote and of its TD report lie. Intel TDX DCAP Quoting Library API, A.3 (v4) and A.4 (v5).
///
/// | at | bytes | field of the TD report | register bit |
/// |--:|--:|---|--:|
/// | 0 | 16 | TEE_TCB_SVN | |
/// | 16 | 48 | MRSEAM | |
/// | 64 | 48 | MRSIGNERSEAM | |
/// | 112 | 8 | SEAMATTRIBUTES | |
/// | 120 | 8 | TDATTRIBUTES | |
/// | 128 | 8 | XFAM | |
/// | 136 | 48 | MRTD | 0 |
/// | 184 | 48 | MRCONFIGID | 1 |
/// | 232 | 48 | MROWNER | 2 |
/// | 280 | 48 | MROWNERCONFIG | 3 |
/// | 328 | 48 | RTMR0 | 4 |
/// | 376 | 48 | RTMR1 | 5 |
/// | 424 | 48 | RTMR2 | 6 |
/// | 472 | 48 | RTMR3 | 7 |
/// | 520 | 64 | REPORTDATA | |
/// | 584 | 16 | TEE_TCB_SVN_2 (TDX 1.5 only) | |
/// | 600 | 48 | MRSERVICETD (TDX 1.5 only) | |
library TdxQuotes {
    /// @notice Thrown when a quote is of another version, kind or length.
    error QuoteMalformed();

    /// @notice Positions in a quote.
    struct Parts {
        uint256 bodyAt;
        uint256 bodyEnd;
        uint256 signatureAt;
        uint256 keyAt;
        uint256 qeReportAt;
        uint256 qeSignatureAt;
        uint256 authenticationAt;
    }

    uint256 internal constant HEADER_BYTES = 48;
    uint256 internal constant BODY_10_BYTES = 584;
    uint256 internal constant BODY_15_BYTES = 648;
    uint256 internal constant QE_REPORT_BYTES = 384;

    /// @dev Little-endian: version, key type 2 (ECDSA over P-256), TEE type 0x81 (TDX).
    bytes8 private constant VERSION_4 = 0x0400020081000000;
    bytes8 private constant VERSION_5 = 0x0500020081000000;
    /// @dev Version 5 has a descriptor after the header: type (2 bytes) and size (4 bytes), little-endian.
    bytes6 private constant BODY_10_DESCRIPTOR = 0x020048020000;
    bytes6 private constant BODY_15_DESCRIPTOR = 0x030088020000;
    uint256 private constant DESCRIPTOR_BYTES = 6;

    uint256 private constant SVN_COMPONENTS = 8;
    uint256 private constant SEAM_AT = 64;
    uint256 private constant SEAM_BYTES = 56;
    uint256 private constant ATTRIBUTES_AT = 120;
    uint256 private constant XFAM_AT = 128;
    uint256 private constant REGISTERS_AT = 136;
    uint256 private constant REGISTER_BYTES = 48;
    uint256 private constant REGISTER_COUNT = 8;
    uint256 private constant REPORT_DATA_AT = 520;
    uint256 private constant SERVICE_TD_AT = 600;

    // TDATTRIBUTES and XFAM are little-endian: bit n is bit n % 8 of byte n / 8 (Intel TDX Module 1.5 ABI, TD_PARAMS).
    bytes8 private constant MIGRATABLE = 0x0000002000000000; // 29
    bytes8 private constant SEPT_VE_DISABLE = 0x0000001000000000; // 28
    /// @dev Beside the two above ICSSD (16), LASS (27), PKS (30), KL (31), TPA (62), PERFMON (63). The others are reserved, and byte 0
    /// (TUD) makes a TD one that its host debugs or profiles.
    bytes8 private constant KNOWN_ATTRIBUTES = 0x000001f8000000c0;
    /// @dev SEPT_VE_DISABLE, PKS, KL: what harms no secret of the TD.
    bytes8 private constant HARMLESS_ATTRIBUTES = 0x000000d000000000;
    /// @dev What the module lets a TD have, as Intel's attestation library and go-tdx-guest fix it.
    bytes8 private constant KNOWN_XFAM = 0xe7db060000000000;
    /// @dev x87 and SSE, which every TD has.
    bytes8 private constant REQUIRED_XFAM = 0x0300000000000000;
    /// @dev Processor trace (8) and last branch records (15): they record where the TD's secrets lead it.
    bytes8 private constant TRACING_XFAM = 0x0081000000000000;

    /// @dev SGX report body (Intel SDM vol. 3D, REPORT): ATTRIBUTES at 48, MRSIGNER at 128, ISVPRODID at 256, ISVSVN at 258,
    /// REPORTDATA at 320.
    uint256 private constant QE_ATTRIBUTES_AT = 48;
    uint256 private constant QE_MRSIGNER_AT = 128;
    uint256 private constant QE_PRODUCT_AT = 256;
    uint256 private constant QE_SVN_AT = 258;
    uint256 private constant QE_REPORT_DATA_AT = 320;
    uint8 private constant QE_DEBUG = 0x02;

    /// @notice Finds the parts of a quote that ends with its QE authentication data.
    function locate(bytes calldata quote) internal pure returns (Parts memory parts) {
        require(quote.length > HEADER_BYTES + DESCRIPTOR_BYTES, QuoteMalformed());
        bytes8 start = bytes8(quote[0:8]);
        uint256 bodyBytes = BODY_10_BYTES;
        parts.bodyAt = HEADER_BYTES;
        if (start == VERSION_5) {
            bytes6 descriptor = bytes6(quote[HEADER_BYTES:HEADER_BYTES + DESCRIPTOR_BYTES]);
            if (descriptor == BODY_15_DESCRIPTOR) bodyBytes = BODY_15_BYTES;
            else require(descriptor == BODY_10_DESCRIPTOR, QuoteMalformed());
            parts.bodyAt += DESCRIPTOR_BYTES;
        } else {
            require(start == VERSION_4, QuoteMalformed());
        }
        parts.bodyEnd = parts.bodyAt + bodyBytes;
        // Length of the signature data (4 bytes), signature, key, then type (2) and size (4) of the certification data.
        parts.signatureAt = parts.bodyEnd + 4;
        parts.keyAt = parts.signatureAt + 64;
        parts.qeReportAt = parts.keyAt + 64 + 6;
        parts.qeSignatureAt = parts.qeReportAt + QE_REPORT_BYTES;
        parts.authenticationAt = parts.qeSignatureAt + 64 + 2;
        require(quote.length >= parts.authenticationAt, QuoteMalformed());
        uint256 authenticationBytes = littleEndian16(quote, parts.authenticationAt - 2);
        require(quote.length == parts.authenticationAt + authenticationBytes, QuoteMalformed());
    }

    /// @notice The reference value of the registers in `mask`: keccak256(mask ‖ those registers, lowest bit first).
    function measurement(bytes memory body, uint16 mask) internal pure returns (bytes32 hash) {
        // Room for the mask and all registers; only what is selected is written and hashed.
        bytes memory selected = new bytes(2 + REGISTER_COUNT * REGISTER_BYTES);
        uint256 end = 2;
        require(body.length >= REGISTERS_AT + REGISTER_COUNT * REGISTER_BYTES, QuoteMalformed());
        // Memory-safe: each register lies in `body`, checked above, and has its room in `selected`.
        assembly ("memory-safe") {
            mstore(add(selected, 0x20), shl(240, mask))
        }
        for (uint256 i = 0; i < REGISTER_COUNT; ++i) {
            if (mask & (1 << i) == 0) continue;
            uint256 position = REGISTERS_AT + i * REGISTER_BYTES;
            assembly ("memory-safe") {
                mcopy(add(add(selected, 0x20), end), add(add(body, 0x20), position), REGISTER_BYTES)
            }
            end += REGISTER_BYTES;
        }
        assembly ("memory-safe") {
            hash := keccak256(add(selected, 0x20), end)
        }
    }

    /// @notice SGX components and PCESVN (from the certificate), TEE_TCB_SVN 0–7 and the QE's ISVSVN: a `PolicyRules` floor.
    function svn(bytes calldata quote, Parts memory parts, bytes18 fromCertificate)
        internal
        pure
        returns (bytes32)
    {
        bytes8 teeTcbSvn = bytes8(quote[parts.bodyAt:parts.bodyAt + SVN_COMPONENTS]);
        uint16 isvSvn = uint16(littleEndian16(quote, parts.qeReportAt + QE_SVN_AT));
        return bytes32(abi.encodePacked(fromCertificate, teeTcbSvn, isvSvn, bytes4(uint32(1))));
    }

    /// @notice FMSPC ‖ major version of the TDX module, left-aligned. TEE_TCB_SVN[0] counts anew for each module version
    /// (TEE_TCB_SVN[1]), so that each has its own floor.
    function tcbSubject(bytes6 fmspc, bytes memory body) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked(fmspc, body[1]));
    }

    /// @notice keccak256(MRSIGNERSEAM ‖ SEAMATTRIBUTES): who signed the TDX module, and how it runs.
    function seamIdentity(bytes memory body) internal pure returns (bytes32) {
        return keccak256(slice(body, SEAM_AT, SEAM_BYTES));
    }

    /// @notice TDATTRIBUTES as they lie in the report.
    function attributes(bytes memory body) internal pure returns (bytes8) {
        return bytes8(wordAt(body, ATTRIBUTES_AT));
    }

    /// @notice XFAM as it lies in the report.
    function xfam(bytes memory body) internal pure returns (bytes8) {
        return bytes8(wordAt(body, XFAM_AT));
    }

    /// @notice Whether attributes and XFAM have a bit that no TD in production has, whatever a policy says.
    function hasReservedBits(bytes memory body) internal pure returns (bool) {
        return attributes(body) & ~KNOWN_ATTRIBUTES != 0 || xfam(body) & ~KNOWN_XFAM != 0
            || xfam(body) & REQUIRED_XFAM != REQUIRED_XFAM;
    }

    /// @notice Whether attributes are fine without a rule: no page of the TD's memory can be taken from it unnoticed
    /// (SEPT_VE_DISABLE), and none of MIGRATABLE, PERFMON, ICSSD, LASS, TPA is set.
    function isOrdinary(bytes8 attributes_) internal pure returns (bool) {
        return attributes_ & SEPT_VE_DISABLE != 0 && attributes_ & ~HARMLESS_ATTRIBUTES == 0;
    }

    /// @notice Whether an XFAM is fine without a rule: it records no trace.
    function isOrdinaryXfam(bytes8 xfam_) internal pure returns (bool) {
        return xfam_ & TRACING_XFAM == 0;
    }

    /// @notice Whether the TD can be moved elsewhere and its report does not show by whom: bodies of TDX 1.0 have no MRSERVICETD.
    function hidesMigration(bytes memory body) internal pure returns (bool) {
        return body.length != BODY_15_BYTES && attributes(body) & MIGRATABLE != 0;
    }

    /// @notice TUD, the first byte of TDATTRIBUTES: bit 0 is DEBUG, and all must be zero for a TD in production.
    function isDebug(bytes memory body) internal pure returns (bool) {
        return body[ATTRIBUTES_AT] != 0;
    }

    /// @notice Whether MRSERVICETD is not zero; bodies of TDX 1.0 have none.
    function hasServiceTd(bytes memory body) internal pure returns (bool) {
        if (body.length != BODY_15_BYTES) return false;
        return wordAt(body, SERVICE_TD_AT) != 0 || wordAt(body, SERVICE_TD_AT + 16) != 0;
    }

    function reportData(bytes memory body) internal pure returns (bytes32 first, bytes32 second) {
        return (wordAt(body, REPORT_DATA_AT), wordAt(body, REPORT_DATA_AT + 32));
    }

    /// @notice keccak256(MRSIGNER ‖ ISVPRODID), the product id as it lies in the report.
    function quotingEnclaveIdentity(bytes calldata quote, Parts memory parts)
        internal
        pure
        returns (bytes32)
    {
        uint256 start = parts.qeReportAt;
        return keccak256(
            bytes.concat(
                quote[start + QE_MRSIGNER_AT:start + QE_MRSIGNER_AT + 32],
                quote[start + QE_PRODUCT_AT:start + QE_PRODUCT_AT + 2]
            )
        );
    }

    function qeReportData(bytes calldata report, uint256 offset) internal pure returns (bytes32) {
        return bytes32(report[QE_REPORT_DATA_AT + offset:]);
    }

    function isDebugQuotingEnclave(bytes calldata report) internal pure returns (bool) {
        return uint8(report[QE_ATTRIBUTES_AT]) & QE_DEBUG != 0;
    }

    function littleEndian16(bytes calldata data, uint256 position) internal pure returns (uint256) {
        return uint8(data[position]) | (uint256(uint8(data[position + 1])) << 8);
    }

    function wordAt(bytes memory data, uint256 position) internal pure returns (bytes32 word) {
        require(position + 32 <= data.length, QuoteMalformed());
        // Memory-safe: the word lies within `data`, checked above.
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), position))
        }
    }

    function slice(bytes memory data, uint256 position, uint256 length)
        internal
        pure
        returns (bytes memory part)
    {
        require(position + length <= data.length, QuoteMalformed());
        part = new bytes(length);
        // Memory-safe: both ranges lie within their arrays.
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(data, 0x20), position), length)
        }
    }
}
