// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The part of a policy that each admission and fulfilment reads: one storage slot.
/// @param version Grows with every change; 0 means that there is no such policy.
/// @param epoch Grows with every narrowing but the revocation of one keyset; keys admitted in an earlier epoch must attest again.
/// @param narrowedVersion Version of the last narrowing of any kind: changes that were scheduled before are void.
/// @param widenedAt Seconds since the epoch of the last widening: a key admitted since then serves no request made until then.
/// @param validitySeconds How long an admission lasts.
/// @param registerMask Which TDX registers make up a measurement; fixed for the policy's life. See `TdxQuotes`.
/// @param keysBeforeRequest Whether a key must have been admitted before the request that it answers.
/// @param distinctVendors Whether a quorum's platforms must also be of distinct vendors.
/// @param quorumWindowSeconds How long a committed quorum stays open for further leaves before its contents are known.
struct PolicyHead {
    uint32 version;
    uint24 epoch;
    uint32 narrowedVersion;
    uint40 widenedAt;
    uint32 validitySeconds;
    uint16 registerMask;
    bool keysBeforeRequest;
    bool distinctVendors;
    uint16 quorumWindowSeconds;
}

/// @notice One change of a policy.
/// @param kind A `PolicyRules` kind.
/// @param subject What the rule is about.
/// @param value The rule's new value; zero removes it.
struct PolicyChange {
    uint8 kind;
    bytes32 subject;
    bytes32 value;
}

/// @notice The vocabulary of rules, and which change of one is a narrowing.
/// @dev A rule's value is zero when absent, and `PRESENT` when present, but for `QUOTING_ENCLAVE` and `TCB`, whose value is a floor,
/// component by component:
///
/// | bytes | component |
/// |---|---|
/// | 0–15 | CPUSVN of the PCK certificate, one component a byte |
/// | 16–17 | PCESVN, big-endian |
/// | 18–25 | TEE_TCB_SVN 0–7, one component a byte (8–15 are reserved, Intel TDX DCAP Quoting Library API, A.3.2) |
/// | 26–27 | ISVSVN of the quoting enclave, big-endian |
/// | 28–30 | zero |
/// | 31 | 1 |
library PolicyRules {
    /// @dev subject: an `IAttestationVerifier`'s address.
    uint8 internal constant VERIFIER = 1;
    /// @dev subject: a reference value, the hash of the masked registers.
    uint8 internal constant MEASUREMENT = 2;
    /// @dev subject: a behaviour digest.
    uint8 internal constant BEHAVIOUR = 3;
    /// @dev subject: a platform id, or `ANY_PLATFORM`.
    uint8 internal constant PLATFORM = 4;
    /// @dev subject: keccak256(MRSIGNERSEAM ‖ SEAMATTRIBUTES).
    uint8 internal constant SEAM = 5;
    /// @dev subject: keccak256(MRSIGNER ‖ ISVPRODID) of the quoting enclave; value: floor of its ISVSVN.
    uint8 internal constant QUOTING_ENCLAVE = 6;
    /// @dev subject: FMSPC, left-aligned; value: floor of CPUSVN, PCESVN and TEE_TCB_SVN.
    uint8 internal constant TCB = 7;
    /// @dev subject: the id of a verifier policy; results signed by enclaves admitted under it are accepted.
    uint8 internal constant VERIFIER_POLICY = 8;
    /// @dev subject: a vendor number; asked of evidence that a verifier enclave appraised.
    uint8 internal constant VENDOR = 9;
    /// @dev subject: the eight bytes of TDATTRIBUTES as they lie in the TD report, left-aligned. Accepts exactly these attributes
    /// beside those that need no rule; bits that Intel reserves, and a debuggable or profiled TD, are refused whatever a rule says.
    uint8 internal constant TD_ATTRIBUTES = 10;
    /// @dev subject: the eight bytes of XFAM as they lie in the TD report, left-aligned. As `TD_ATTRIBUTES`.
    uint8 internal constant XFAM = 11;

    /// @dev Kinds from here on refuse: present is narrower than absent. subject: a keysetId; value: its answer key, as a number.
    /// Deletes the keyset's admission and bumps no epoch: other keys need not attest again.
    uint8 internal constant REVOKED_KEYSET = 128;
    /// @dev subject: keccak256(issuer name DER ‖ serial number), never a certificate's hash: a signature can be re-encoded.
    uint8 internal constant REVOKED_CERTIFICATE = 129;

    /// @dev Kinds from here on are settings of the head. value: seconds.
    uint8 internal constant VALIDITY_SECONDS = 192;
    /// @dev value: 0 or 1.
    uint8 internal constant KEYS_BEFORE_REQUEST = 193;
    /// @dev value: 0 or 1.
    uint8 internal constant DISTINCT_VENDORS = 194;
    /// @dev value: seconds + 1, up to 301; 0: `DEFAULT_QUORUM_WINDOW_SECONDS`. A longer window is narrower: with none, whoever sends
    /// a quorum's leaves chooses among those that it holds.
    uint8 internal constant QUORUM_WINDOW = 195;

    uint16 internal constant DEFAULT_QUORUM_WINDOW_SECONDS = 30;

    /// @dev Subject of a `PLATFORM` rule that says explicitly: any.
    bytes32 internal constant ANY_PLATFORM = keccak256("any platform");

    /// @dev Value of a rule without a floor, and the floor of nothing.
    bytes32 internal constant PRESENT = bytes32(uint256(1));

    /// @notice keccak256(abi.encode(kind, subject)).
    function key(uint8 kind, bytes32 subject) internal pure returns (bytes32 hash) {
        // Memory-safe: scratch space.
        assembly ("memory-safe") {
            mstore(0, kind)
            mstore(0x20, subject)
            hash := keccak256(0, 0x40)
        }
    }

    /// @dev The components of one byte, every second of them: what lies between leaves room for a borrow.
    uint256 private constant SINGLE_BYTES =
        0x00ff00ff00ff00ff00ff00ff00ff00ff000000ff00ff00ff00ff000000000000;
    /// @dev The components of two bytes.
    uint256 private constant WORDS = 0x00000000000000000000000000000000ffff0000000000000000ffff00000000;

    /// @notice Whether every component of `actual` is at or above that of `floor`.
    function covers(bytes32 floor, bytes32 actual) internal pure returns (bool) {
        return _coversLanes(uint256(floor), uint256(actual), SINGLE_BYTES, 8)
            && _coversLanes(uint256(floor) >> 8, uint256(actual) >> 8, SINGLE_BYTES, 8)
            && _coversLanes(uint256(floor), uint256(actual), WORDS, 16);
    }

    /// @notice Whether replacing `oldValue` by `newValue`, another one, accepts nothing that was not accepted before.
    function isNarrowing(uint8 kind, bytes32 oldValue, bytes32 newValue) internal pure returns (bool) {
        if (kind == VALIDITY_SECONDS) return uint256(newValue) < uint256(oldValue);
        if (kind >= VALIDITY_SECONDS) return uint256(newValue) > uint256(oldValue);
        if (kind >= REVOKED_KEYSET) return newValue != 0;
        if (oldValue == 0) return false;
        return newValue == 0 || covers(oldValue, newValue);
    }

    /// @dev Compares all lanes, of `bits` each, at once: sets the bit above each lane of `actual` and subtracts the floor. A lane that is
    /// below its floor borrows the bit.
    function _coversLanes(uint256 floor, uint256 actual, uint256 lanes, uint256 bits)
        private
        pure
        returns (bool)
    {
        unchecked {
            uint256 above = (lanes & ~(lanes << 1)) << bits;
            return (((actual & lanes) | above) - (floor & lanes)) & above == above;
        }
    }
}
