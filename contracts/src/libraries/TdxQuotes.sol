// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice Where the fields of a TD report body lie. Intel TDX DCAP Quoting Library API, A.3.2 (v4) and A.4 (v5).
///
/// | at | bytes | field | register bit |
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
/// | 584 | 16 | TEE_TCB_SVN_2 (TDX 1.5 bodies only) | |
/// | 600 | 48 | MRSERVICETD (TDX 1.5 bodies only) | |
library TdxQuotes {
    uint256 internal constant HEADER_BYTES = 48;
    uint256 internal constant BODY_10_BYTES = 584;
    uint256 internal constant BODY_15_BYTES = 648;

    uint256 private constant REGISTERS_AT = 136;
    uint256 private constant REGISTER_BYTES = 48;
    uint256 private constant REGISTER_COUNT = 8;

    /// @notice The reference value of the registers in `mask`: keccak256(mask ‖ those registers, lowest bit first).
    function measurement(bytes calldata body, uint16 mask) internal pure returns (bytes32) {
        bytes memory selected = abi.encodePacked(mask);
        for (uint256 i = 0; i < REGISTER_COUNT; ++i) {
            if (mask & (1 << i) != 0) {
                uint256 start = REGISTERS_AT + i * REGISTER_BYTES;
                selected = bytes.concat(selected, body[start:start + REGISTER_BYTES]);
            }
        }
        return keccak256(selected);
    }

    function teeTcbSvn(bytes calldata body) internal pure returns (bytes16) {
        return bytes16(body[0:16]);
    }

    /// @notice keccak256(MRSIGNERSEAM ‖ SEAMATTRIBUTES): who signed the TDX module, and how it runs.
    function seamIdentity(bytes calldata body) internal pure returns (bytes32) {
        return keccak256(body[64:120]);
    }

    /// @notice TUD, the first byte of TDATTRIBUTES: bit 0 is DEBUG, and all must be zero for a TD in production.
    function isDebug(bytes calldata body) internal pure returns (bool) {
        return body[120] != 0;
    }

    function reportData(bytes calldata body) internal pure returns (bytes32 first, bytes32 second) {
        return (bytes32(body[520:552]), bytes32(body[552:584]));
    }
}
