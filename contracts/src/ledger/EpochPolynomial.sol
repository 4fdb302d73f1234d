// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice An epoch's data as a polynomial: what binds calldata to a circuit. docs/reference/ledger.md, Proven epoch.
/// @dev Two different data agree at a point chosen after both are fixed with probability of degree / 2^254. The circuit pads its rows at
/// the front, where the polynomial has zeros.
library EpochPolynomial {
    /// @notice The order of BN254's scalar field.
    uint256 internal constant FIELD =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice The sum so far, of whole rows at `z`: kind, key high and low, seq, value high and low of each.
    function ofRows(bytes calldata rows, uint256 z) internal pure returns (uint256 sum) {
        // Memory-safe: writes none.
        assembly ("memory-safe") {
            let low := 0xffffffffffffffffffffffffffffffff
            let field := FIELD
            let end := add(rows.offset, rows.length)
            for { let at := rows.offset } lt(at, end) { at := add(at, 73) } {
                let key := calldataload(add(at, 1))
                let value := calldataload(add(at, 41))
                sum := addmod(mulmod(sum, z, field), byte(0, calldataload(at)), field)
                sum := addmod(mulmod(sum, z, field), shr(128, key), field)
                sum := addmod(mulmod(sum, z, field), and(key, low), field)
                sum := addmod(mulmod(sum, z, field), shr(192, calldataload(add(at, 33))), field)
                sum := addmod(mulmod(sum, z, field), shr(128, value), field)
                sum := addmod(mulmod(sum, z, field), and(value, low), field)
            }
        }
    }

    /// @notice The sum with one more coefficient.
    function append(uint256 sum, uint256 z, uint256 coefficient) internal pure returns (uint256) {
        return addmod(mulmod(sum, z, FIELD), coefficient, FIELD);
    }
}
