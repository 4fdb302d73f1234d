// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Der } from "./Der.sol";

/// @notice Reads the signed part (TBSCertificate) of the certificates behind a TDX quote: PCK leaf and its issuer.
/// RFC 5280 §4.1; Intel SGX PCK Certificate and CRL Profile Specification.
/// @dev A strict walk from the first byte to the last. No offset is taken from the caller, so there is none to lie about:
/// every field is where the signed structure has it.
library PckCertificates {
    /// @notice Thrown when a certificate is not of the profile; `what` names the part.
    error CertificateMalformed(string what);

    /// @notice What both kinds of certificates say.
    /// @param issuer keccak256 of the issuer's name, DER.
    /// @param subject keccak256 of the subject's name, DER.
    /// @param revocationId keccak256(issuer name ‖ serial number): what a revocation names.
    struct Tbs {
        bytes32 issuer;
        bytes32 subject;
        bytes32 revocationId;
        uint64 notBefore;
        uint64 notAfter;
        bytes32 x;
        bytes32 y;
        uint256 extensionsAt;
        uint256 extensionsEnd;
    }

    /// @notice The SGX extension of a PCK leaf (profile §1.3.5).
    /// @param svn SGX TCB components 1 to 16, one a byte, then PCESVN, big-endian: the head of a `PolicyRules` floor.
    struct PckExtension {
        bytes16 ppid;
        bytes6 fmspc;
        bytes18 svn;
    }

    /// @dev [0] EXPLICIT INTEGER 2: version 3.
    bytes5 private constant VERSION_3 = 0xa003020102;
    /// @dev SEQUENCE { OID ecdsa-with-SHA256 }.
    bytes12 private constant ECDSA_WITH_SHA256 = 0x300a06082a8648ce3d040302;
    /// @dev SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point's x.
    bytes27 private constant P256_KEY = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;
    uint256 private constant P256_KEY_BYTES = 27;

    /// @dev OIDs with their tag and length. id-ce-basicConstraints 2.5.29.19, id-ce-keyUsage 2.5.29.15.
    bytes5 private constant BASIC_CONSTRAINTS = 0x0603551d13;
    bytes5 private constant KEY_USAGE = 0x0603551d0f;
    /// @dev 1.2.840.113741.1.13.1, Intel's SGX extension; the OIDs inside append one or two arcs.
    bytes11 private constant SGX_EXTENSION = 0x06092a864886f84d010d01;
    bytes9 private constant SGX_ARCS = 0x2a864886f84d010d01;
    uint256 private constant SGX_ARCS_BYTES = 9;
    uint8 private constant FIELD_PPID = 1;
    uint8 private constant FIELD_TCB = 2;
    uint8 private constant FIELD_FMSPC = 4;
    uint8 private constant TCB_PCESVN = 17;
    uint8 private constant TCB_CPUSVN = 18;

    /// @dev SEQUENCE { OID SGX arcs.2.n, INTEGER of one byte } up to the integer's value, n being zero here.
    uint256 private constant SMALL_COMPONENT = 0x3010060b2a864886f84d010d0102000201;
    uint256 private constant SMALL_COMPONENT_BYTES = 18;

    /// @dev keyCertSign, bit 5 of the first byte of KeyUsage (RFC 5280 §4.2.1.3).
    uint8 private constant KEY_CERT_SIGN = 0x04;

    /// @notice Walks a TBSCertificate up to its extensions.
    function parse(bytes calldata tbs) internal pure returns (Tbs memory parsed) {
        (uint256 position, uint256 end) = Der.read(tbs, 0, tbs.length, Der.SEQUENCE);
        require(end == tbs.length, CertificateMalformed("length"));
        require(bytes5(bytes32(Der.load(tbs, position))) == VERSION_3, CertificateMalformed("version"));
        (uint256 serialAt, uint256 serialEnd) = Der.read(tbs, position + 5, end, Der.INTEGER);
        require(
            bytes12(bytes32(Der.load(tbs, serialEnd))) == ECDSA_WITH_SHA256, CertificateMalformed("algorithm")
        );
        position = serialEnd + 12;
        (, uint256 issuerEnd) = Der.read(tbs, position, end, Der.SEQUENCE);
        parsed.issuer = keccak256(tbs[position:issuerEnd]);
        parsed.revocationId = keccak256(bytes.concat(tbs[position:issuerEnd], tbs[serialAt:serialEnd]));
        position = _readValidity(tbs, issuerEnd, end, parsed);
        (, uint256 subjectEnd) = Der.read(tbs, position, end, Der.SEQUENCE);
        parsed.subject = keccak256(tbs[position:subjectEnd]);
        position = _readKey(tbs, subjectEnd, end, parsed);
        (uint256 wrapped, uint256 wrappedEnd) = Der.read(tbs, position, end, Der.CONTEXT_3);
        (parsed.extensionsAt, parsed.extensionsEnd) = Der.read(tbs, wrapped, wrappedEnd, Der.SEQUENCE);
        require(wrappedEnd == end && parsed.extensionsEnd == end, CertificateMalformed("extensions"));
    }

    /// @notice Requires that the certificate may issue others: CA, with keyCertSign.
    function requireIssuer(bytes calldata tbs, Tbs memory parsed) internal pure {
        bool isCa;
        bool signsCertificates;
        for (uint256 position = parsed.extensionsAt; position < parsed.extensionsEnd;) {
            (uint256 oidAt, uint256 valueAt, uint256 end) =
                _readExtension(tbs, position, parsed.extensionsEnd);
            bytes5 oid = bytes5(bytes32(Der.load(tbs, oidAt)));
            // basicConstraints begins SEQUENCE { BOOLEAN TRUE …; keyUsage is a BIT STRING: tag, length, unused bits, bits.
            if (oid == BASIC_CONSTRAINTS) {
                isCa = bytes3(bytes32(Der.load(tbs, valueAt + 2))) == 0x0101ff && end >= valueAt + 5;
            }
            if (oid == KEY_USAGE) {
                signsCertificates = end >= valueAt + 4 && uint8(tbs[valueAt + 3]) & KEY_CERT_SIGN != 0;
            }
            position = end;
        }
        require(isCa && signsCertificates, CertificateMalformed("issuer"));
    }

    /// @notice The SGX extension of a PCK leaf, which must not be a CA.
    function parsePck(bytes calldata tbs, Tbs memory parsed) internal pure returns (PckExtension memory pck) {
        for (uint256 position = parsed.extensionsAt; position < parsed.extensionsEnd;) {
            (uint256 oidAt, uint256 valueAt, uint256 end) =
                _readExtension(tbs, position, parsed.extensionsEnd);
            bytes32 oid = bytes32(Der.load(tbs, oidAt));
            if (bytes5(oid) == BASIC_CONSTRAINTS) {
                require(Der.tagAt(tbs, valueAt + 2, end) != Der.BOOLEAN, CertificateMalformed("CA"));
            }
            if (bytes11(oid) == SGX_EXTENSION) {
                require(pck.fmspc == 0, CertificateMalformed("extension twice"));
                _readSgxFields(tbs, valueAt, end, pck);
            }
            position = end;
        }
        require(pck.fmspc != 0 && pck.ppid != 0 && pck.svn != 0, CertificateMalformed("SGX extension"));
    }

    function _readValidity(bytes calldata tbs, uint256 position, uint256 limit, Tbs memory parsed)
        private
        pure
        returns (uint256)
    {
        (uint256 start, uint256 end) = Der.read(tbs, position, limit, Der.SEQUENCE);
        (parsed.notBefore, start) = Der.readTime(tbs, start, end);
        (parsed.notAfter, start) = Der.readTime(tbs, start, end);
        require(start == end, CertificateMalformed("validity"));
        return end;
    }

    function _readKey(bytes calldata tbs, uint256 position, uint256 limit, Tbs memory parsed)
        private
        pure
        returns (uint256 end)
    {
        require(bytes27(bytes32(Der.load(tbs, position))) == P256_KEY, CertificateMalformed("key"));
        uint256 point = position + P256_KEY_BYTES;
        end = point + 64;
        require(end <= limit, CertificateMalformed("key"));
        parsed.x = bytes32(Der.load(tbs, point));
        parsed.y = bytes32(Der.load(tbs, point + 32));
    }

    /// @dev Extension ::= SEQUENCE { OID, BOOLEAN critical DEFAULT FALSE, OCTET STRING value }.
    function _readExtension(bytes calldata tbs, uint256 position, uint256 limit)
        private
        pure
        returns (uint256 oidAt, uint256 valueAt, uint256 end)
    {
        (oidAt, end) = Der.read(tbs, position, limit, Der.SEQUENCE);
        (, uint256 next) = Der.read(tbs, oidAt, end, Der.OID);
        if (Der.tagAt(tbs, next, end) == Der.BOOLEAN) {
            // RFC 5280 §4.2: what is critical and not understood refuses the certificate.
            bytes5 oid = bytes5(bytes32(Der.load(tbs, oidAt)));
            require(oid == BASIC_CONSTRAINTS || oid == KEY_USAGE, CertificateMalformed("critical extension"));
            (, next) = Der.read(tbs, next, end, Der.BOOLEAN);
        }
        uint256 valueEnd;
        (valueAt, valueEnd) = Der.read(tbs, next, end, Der.OCTET_STRING);
        require(valueEnd == end, CertificateMalformed("extension"));
    }

    /// @dev SEQUENCE OF SEQUENCE { OID, value }, told apart by the last arc of the OID.
    function _readSgxFields(bytes calldata tbs, uint256 valueAt, uint256 limit, PckExtension memory pck)
        private
        pure
    {
        (uint256 position, uint256 end) = Der.read(tbs, valueAt, limit, Der.SEQUENCE);
        require(end == limit, CertificateMalformed("SGX extension"));
        while (position < end) {
            (uint256 itemAt, uint256 itemEnd) = Der.read(tbs, position, end, Der.SEQUENCE);
            (uint256 oidAt, uint256 oidEnd) = Der.read(tbs, itemAt, itemEnd, Der.OID);
            uint8 field = _lastArc(tbs, oidAt, oidEnd, SGX_ARCS_BYTES + 1);
            if (field == FIELD_TCB) {
                pck.svn = _readTcb(tbs, oidEnd, itemEnd);
            } else if (field == FIELD_PPID || field == FIELD_FMSPC) {
                (uint256 start, uint256 stop) = Der.read(tbs, oidEnd, itemEnd, Der.OCTET_STRING);
                require(stop - start == (field == FIELD_PPID ? 16 : 6), CertificateMalformed("SGX field"));
                bytes32 value = bytes32(Der.load(tbs, start));
                if (field == FIELD_PPID) pck.ppid = bytes16(value);
                else pck.fmspc = bytes6(value);
            }
            position = itemEnd;
        }
    }

    /// @dev Components 1 to 16 and PCESVN in their order, then CPUSVN, which repeats them in another form.
    function _readTcb(bytes calldata tbs, uint256 position, uint256 limit) private pure returns (bytes18) {
        uint256 packed = 0;
        uint256 end;
        (position, end) = Der.read(tbs, position, limit, Der.SEQUENCE);
        for (uint8 arc = 1; arc < TCB_CPUSVN; ++arc) {
            uint256 value;
            uint256 word = Der.load(tbs, position);
            // Almost every component is one byte below 0x80: then the 17 bytes before it are known, and one comparison reads them.
            if (word >> 120 == SMALL_COMPONENT | (uint256(arc) << 16) && uint8(word >> 112) < 0x80) {
                value = uint8(word >> 112);
                position += SMALL_COMPONENT_BYTES;
                require(position <= end, CertificateMalformed("TCB component"));
            } else {
                (value, position) = _readComponent(tbs, position, end, arc);
            }
            packed = (packed << (arc == TCB_PCESVN ? 16 : 8)) | value;
        }
        return bytes18(uint144(packed));
    }

    function _readComponent(bytes calldata tbs, uint256 position, uint256 limit, uint8 arc)
        private
        pure
        returns (uint256 value, uint256 itemEnd)
    {
        (position, itemEnd) = Der.read(tbs, position, limit, Der.SEQUENCE);
        (uint256 oidAt, uint256 oidEnd) = Der.read(tbs, position, itemEnd, Der.OID);
        require(
            _lastArc(tbs, oidAt, oidEnd, SGX_ARCS_BYTES + 2) == arc, CertificateMalformed("TCB component")
        );
        (uint256 start, uint256 stop) = Der.read(tbs, oidEnd, itemEnd, Der.INTEGER);
        uint256 size = stop - start;
        require(stop == itemEnd && size >= 1 && size <= 3, CertificateMalformed("TCB component"));
        value = Der.load(tbs, start) >> (256 - 8 * size);
        require(value <= (arc == TCB_PCESVN ? 0xFFFF : 0xFF), CertificateMalformed("TCB component"));
    }

    function _lastArc(bytes calldata tbs, uint256 start, uint256 end, uint256 length)
        private
        pure
        returns (uint8)
    {
        uint256 word = Der.load(tbs, start);
        require(end - start == length && bytes9(bytes32(word)) == SGX_ARCS, CertificateMalformed("SGX field"));
        return uint8(word >> (256 - 8 * length));
    }
}
