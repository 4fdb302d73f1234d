// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice Reads DER (X.690 §10): one-byte tags, definite lengths in their shortest form, nothing else.
/// @dev The caller walks by position; every element must lie within the one around it, so that no position is taken on trust.
library Der {
    /// @notice Thrown at the position of an element that is not the expected one, or not DER.
    error DerMalformed(uint256 position);

    uint8 internal constant BOOLEAN = 0x01;
    uint8 internal constant INTEGER = 0x02;
    uint8 internal constant BIT_STRING = 0x03;
    uint8 internal constant OCTET_STRING = 0x04;
    uint8 internal constant OID = 0x06;
    uint8 internal constant UTC_TIME = 0x17;
    uint8 internal constant GENERALIZED_TIME = 0x18;
    uint8 internal constant SEQUENCE = 0x30;
    uint8 internal constant CONTEXT_3 = 0xA3;

    /// @notice Start and end of the content of the element with `tag` at `position`, which must end at `limit` or before.
    function read(bytes calldata der, uint256 position, uint256 limit, uint8 tag)
        internal
        pure
        returns (uint256 start, uint256 end)
    {
        uint256 word = load(der, position);
        // No sum overflows: `limit` is at most the length of calldata, and `length` has two bytes.
        unchecked {
            require(position < limit && position + 2 <= limit && word >> 248 == tag, DerMalformed(position));
            uint256 length = uint8(word >> 240);
            start = position + 2;
            if (length == 0x81) {
                length = uint8(word >> 232);
                require(length >= 0x80, DerMalformed(position));
                start = position + 3;
            } else if (length == 0x82) {
                length = uint16(word >> 224);
                require(length >= 0x100, DerMalformed(position));
                start = position + 4;
            } else {
                // Longer structures than 65,535 bytes do not occur in a certificate.
                require(length < 0x80, DerMalformed(position));
            }
            end = start + length;
        }
        require(end <= limit && limit <= der.length, DerMalformed(position));
    }

    /// @notice The tag at `position`; 0 at `limit`.
    function tagAt(bytes calldata der, uint256 position, uint256 limit) internal pure returns (uint8) {
        return position < limit ? uint8(load(der, position) >> 248) : 0;
    }

    /// @notice The 32 bytes from `position`; what lies beyond the end is whatever follows in calldata, or zero.
    function load(bytes calldata der, uint256 position) internal pure returns (uint256 word) {
        // Memory-safe: reads calldata only.
        assembly ("memory-safe") {
            word := calldataload(add(der.offset, position))
        }
    }

    /// @notice Seconds since the epoch of the UTCTime or GeneralizedTime at `position` (RFC 5280 §4.1.2.5), and where it ends.
    function readTime(bytes calldata der, uint256 position, uint256 limit)
        internal
        pure
        returns (uint64 time, uint256 end)
    {
        uint256 start;
        uint256 year;
        if (tagAt(der, position, limit) == UTC_TIME) {
            (start, end) = read(der, position, limit, UTC_TIME);
            require(end - start == 13, DerMalformed(position));
            year = _digits(der, start);
            year += year >= 50 ? 1900 : 2000;
            start += 2;
        } else {
            (start, end) = read(der, position, limit, GENERALIZED_TIME);
            require(end - start == 15, DerMalformed(position));
            year = _digits(der, start) * 100 + _digits(der, start + 2);
            start += 4;
        }
        require(der[end - 1] == "Z", DerMalformed(position));
        time = uint64(
            _daysSinceEpoch(year, _digits(der, start), _digits(der, start + 2)) * 1 days
                + _digits(der, start + 4) * 1 hours + _digits(der, start + 6) * 1 minutes
                + _digits(der, start + 8)
        );
    }

    function _digits(bytes calldata der, uint256 position) private pure returns (uint256) {
        uint256 word = load(der, position);
        uint256 tens = (word >> 248) - 0x30;
        uint256 ones = uint8(word >> 240) - 0x30;
        require(tens <= 9 && ones <= 9, DerMalformed(position));
        return tens * 10 + ones;
    }

    /// @dev Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that the leap day is last.
    function _daysSinceEpoch(uint256 year, uint256 month, uint256 day) private pure returns (uint256) {
        require(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31, DerMalformed(0));
        if (month <= 2) {
            year -= 1;
            month += 12;
        }
        uint256 dayOfYear = (153 * (month - 3) + 2) / 5 + day - 1;
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468;
    }
}
