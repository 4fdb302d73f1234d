// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { TdxEvidence } from "../../src/interfaces/ITdxVerifier.sol";
import { Test } from "./Vm.sol";

/// What a certificate says; the defaults of `FakeIntel` are good.
struct CertificateSpec {
    string issuer;
    string subject;
    uint64 serial;
    string notBefore;
    string notAfter;
    uint256 key;
    bool isCa;
    uint8 keyUsage;
    bool unknownCritical;
    bytes extra;
}

/// A quote and everything behind it; change a field to make what must be refused.
struct QuoteSpec {
    CertificateSpec intermediate;
    CertificateSpec leaf;
    uint256 rootKey;
    uint256 leafSigner;
    uint256 qeSigner;
    uint256 quoteSigner;
    uint8 version;
    bool is15;
    bytes32 reportDataHead;
    bytes32 reportDataTail;
    bytes8 attributes;
    bytes8 xfam;
    bytes1 qeAttributes;
    bytes32 boundHash;
    bytes32 qeMrSigner;
    uint16 qeSvn;
    bytes16 teeTcbSvn;
    bytes1 serviceTd;
    bytes seam;
    bytes16 ppid;
    bytes6 fmspc;
    uint8 componentSvn;
    uint16 pceSvn;
}

/// Mints Intel-shaped certificate chains and TDX quotes under a root of its own.
abstract contract FakeIntel is Test {
    uint256 internal constant ROOT_KEY = 0xA11;
    uint256 internal constant CA_KEY = 0xA12;
    uint256 internal constant LEAF_KEY = 0xA13;
    uint256 internal constant ATTESTATION_KEY = 0xA14;
    uint256 internal constant OTHER_KEY = 0xBAD;
    bytes internal constant AUTHENTICATION =
        hex"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    bytes internal constant ROOT_COMMON_NAME = "Intel SGX Root CA";
    uint256 internal constant P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;

    function goodQuote() internal pure returns (QuoteSpec memory spec) {
        spec.intermediate = CertificateSpec({
            issuer: "Intel SGX Root CA",
            subject: "Intel SGX PCK Platform CA",
            serial: 0x1001,
            notBefore: "180521104510Z",
            notAfter: "330521104510Z",
            key: CA_KEY,
            isCa: true,
            keyUsage: 0x06,
            unknownCritical: false,
            extra: ""
        });
        spec.leaf = CertificateSpec({
            issuer: "Intel SGX PCK Platform CA",
            subject: "Intel SGX PCK Certificate",
            serial: 0x2002,
            notBefore: "240101000000Z",
            notAfter: "310101000000Z",
            key: LEAF_KEY,
            isCa: false,
            keyUsage: 0xC0,
            unknownCritical: false,
            extra: ""
        });
        (spec.rootKey, spec.leafSigner, spec.qeSigner, spec.quoteSigner) =
        (ROOT_KEY, CA_KEY, LEAF_KEY, ATTESTATION_KEY);
        spec.version = 4;
        spec.qeMrSigner = keccak256("mrsigner of the quoting enclave");
        spec.qeSvn = 6;
        spec.teeTcbSvn = hex"05010200000000000000000000000000";
        spec.seam = new bytes(56);
        spec.attributes = 0x0000001000000000; // SEPT_VE_DISABLE
        spec.xfam = 0xe702060000000000;
        spec.ppid = bytes16(keccak256("ppid"));
        spec.fmspc = hex"00806f050000";
        spec.componentSvn = 3;
        spec.pceSvn = 11;
    }

    function rootNameHash() internal pure returns (bytes32) {
        return keccak256(name(string(ROOT_COMMON_NAME)));
    }

    function mint(QuoteSpec memory spec) internal pure returns (TdxEvidence memory evidence) {
        evidence.intermediate = tbs(spec.intermediate);
        (evidence.intermediateR, evidence.intermediateS) =
            vm.signP256(spec.rootKey, sha256(evidence.intermediate));
        bytes memory extra = spec.leaf.extra;
        spec.leaf.extra = bytes.concat(extra, sgxExtension(spec));
        evidence.leaf = tbs(spec.leaf);
        spec.leaf.extra = extra;
        (evidence.leafR, evidence.leafS) = vm.signP256(spec.leafSigner, sha256(evidence.leaf));
        (uint256 x, uint256 y) = vm.publicKeyP256(spec.intermediate.key);
        (evidence.issuerX, evidence.issuerY) = (bytes32(x), bytes32(y));
        evidence.quote = quoteBytes(spec);
    }

    function quoteBytes(QuoteSpec memory spec) internal pure returns (bytes memory) {
        bytes memory signed = abi.encodePacked(bytes1(spec.version), hex"00020081000000", new bytes(40));
        if (spec.version == 5) {
            signed = bytes.concat(signed, spec.is15 ? bytes(hex"030088020000") : bytes(hex"020048020000"));
        }
        signed = bytes.concat(signed, tdReport(spec));
        return abi.encodePacked(
            signed,
            uint32(0),
            signature(spec.quoteSigner, signed),
            publicKey(ATTESTATION_KEY),
            bytes6(0),
            qePart(spec)
        );
    }

    function qePart(QuoteSpec memory spec) private pure returns (bytes memory) {
        bytes32 bound = spec.boundHash != 0
            ? spec.boundHash
            : sha256(bytes.concat(publicKey(ATTESTATION_KEY), AUTHENTICATION));
        bytes memory report = abi.encodePacked(
            new bytes(48),
            spec.qeAttributes,
            new bytes(15),
            new bytes(64),
            spec.qeMrSigner,
            new bytes(96),
            hex"0200"
        );
        report = abi.encodePacked(
            report,
            bytes1(uint8(spec.qeSvn)),
            bytes1(uint8(spec.qeSvn >> 8)),
            new bytes(60),
            bound,
            bytes32(0)
        );
        return abi.encodePacked(report, signature(spec.qeSigner, report), hex"2000", AUTHENTICATION);
    }

    function tdReport(QuoteSpec memory spec) internal pure returns (bytes memory body) {
        bytes memory registers;
        for (uint256 i = 0; i < 8; ++i) {
            registers = abi.encodePacked(registers, registerOf(i));
        }
        body =
            abi.encodePacked(spec.teeTcbSvn, new bytes(48), spec.seam, spec.attributes, spec.xfam, registers);
        body = abi.encodePacked(body, spec.reportDataHead, spec.reportDataTail);
        if (spec.is15) body = abi.encodePacked(body, new bytes(16 + 47), spec.serviceTd);
    }

    function registerOf(uint256 index) internal pure returns (bytes memory) {
        return abi.encodePacked(keccak256(abi.encode("register", index)), bytes16(0));
    }

    function signature(uint256 key, bytes memory data) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(key, sha256(data));
        return abi.encodePacked(r, s);
    }

    function publicKey(uint256 key) internal pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return abi.encodePacked(x, y);
    }

    function tbs(CertificateSpec memory spec) internal pure returns (bytes memory) {
        bytes memory extensions =
            extension(hex"0603551d0f", true, tlv(0x03, abi.encodePacked(hex"01", spec.keyUsage)));
        bytes memory constraints = spec.isCa ? bytes(hex"0101ff020100") : bytes("");
        extensions = bytes.concat(extensions, extension(hex"0603551d13", true, tlv(0x30, constraints)));
        if (spec.unknownCritical) {
            extensions = bytes.concat(extensions, extension(hex"0603551d24", true, hex"3000"));
        }
        extensions = bytes.concat(extensions, spec.extra);
        bytes memory head = bytes.concat(
            hex"a003020102",
            tlv(0x02, abi.encodePacked(spec.serial)),
            hex"300a06082a8648ce3d040302",
            name(spec.issuer)
        );
        return tlv(
            0x30,
            bytes.concat(
                head,
                tlv(0x30, bytes.concat(time(spec.notBefore), time(spec.notAfter))),
                name(spec.subject),
                hex"3059301306072a8648ce3d020106082a8648ce3d03010703420004",
                publicKey(spec.key),
                tlv(0xa3, tlv(0x30, extensions))
            )
        );
    }

    function sgxExtension(QuoteSpec memory spec) internal pure returns (bytes memory) {
        bytes memory tcb;
        for (uint8 arc = 1; arc <= 16; ++arc) {
            tcb = bytes.concat(tcb, sgxTcb(arc, integer(spec.componentSvn)));
        }
        tcb = bytes.concat(tcb, sgxTcb(17, integer(spec.pceSvn)), sgxTcb(18, tlv(0x04, new bytes(16))));
        bytes memory fields = bytes.concat(
            sgxField(1, tlv(0x04, abi.encodePacked(spec.ppid))),
            sgxField(2, tlv(0x30, tcb)),
            sgxField(3, hex"04020000"),
            sgxField(4, tlv(0x04, abi.encodePacked(spec.fmspc))),
            sgxField(5, hex"0a0101")
        );
        return extension(hex"06092a864886f84d010d01", false, tlv(0x30, fields));
    }

    function sgxField(uint8 arc, bytes memory value) private pure returns (bytes memory) {
        return tlv(0x30, bytes.concat(tlv(0x06, abi.encodePacked(hex"2a864886f84d010d01", arc)), value));
    }

    function sgxTcb(uint8 arc, bytes memory value) private pure returns (bytes memory) {
        return tlv(0x30, bytes.concat(tlv(0x06, abi.encodePacked(hex"2a864886f84d010d0102", arc)), value));
    }

    function extension(bytes memory oid, bool critical, bytes memory value)
        internal
        pure
        returns (bytes memory)
    {
        return tlv(0x30, bytes.concat(oid, critical ? bytes(hex"0101ff") : bytes(""), tlv(0x04, value)));
    }

    function integer(uint256 value) private pure returns (bytes memory) {
        if (value < 0x80) return tlv(0x02, abi.encodePacked(uint8(value)));
        if (value < 0x8000) return tlv(0x02, abi.encodePacked(uint16(value)));
        return tlv(0x02, abi.encodePacked(uint24(value)));
    }

    function name(string memory commonName) internal pure returns (bytes memory) {
        return tlv(0x30, tlv(0x31, tlv(0x30, bytes.concat(hex"0603550403", tlv(0x0c, bytes(commonName))))));
    }

    function time(string memory text) private pure returns (bytes memory) {
        return tlv(bytes(text).length == 13 ? 0x17 : 0x18, bytes(text));
    }

    function tlv(uint8 tag, bytes memory content) internal pure returns (bytes memory) {
        uint256 length = content.length;
        if (length < 0x80) return abi.encodePacked(tag, uint8(length), content);
        if (length < 0x100) return abi.encodePacked(tag, hex"81", uint8(length), content);
        return abi.encodePacked(tag, hex"82", uint16(length), content);
    }
}
