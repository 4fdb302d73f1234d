// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Aggregation, Delivery } from "../types/Request.sol";

/// @notice What a transaction has used so far, as the EVM will charge it.
/// @param tokens Calldata in tokens of EIP-7623: a zero byte is one, another byte four.
/// @param executed Gas of instructions.
/// @param cleared Gas that EIP-3529 gives back for cleared storage.
/// @param charged Gas that follows from these, beyond the transaction's base cost.
struct GasMeter {
    uint256 tokens;
    uint256 executed;
    uint256 cleared;
    uint256 charged;
}

/// @notice What settling costs: at worst, for the escrow; and as charged, for the payee.
library SettlementGas {
    /// @dev Worst case of one answer without callback and output: the ABI's calldata, everything cold, every slot new.
    uint256 internal constant PER_ANSWER = 150_000;
    /// @dev The same of one member of a quorum, committed and opened in transactions of its own.
    uint256 internal constant PER_MEMBER = 330_000;
    /// @dev The floor of EIP-7623, which is above calldata (16), hashing and copying (4).
    uint256 internal constant PER_OUTPUT_BYTE = 40;
    /// @dev Calldata of one answer without its output, rounded up; what a rollup charges data for.
    uint256 internal constant CALLDATA_BYTES = 1_300;
    /// @dev The same of one member of a quorum, in two transactions.
    uint256 internal constant MEMBER_CALLDATA_BYTES = 2_800;

    /// @dev Any transaction.
    uint256 internal constant TRANSACTION = 21_000;
    /// @dev EIP-2028 and EIP-7623.
    uint256 private constant PER_TOKEN = 4;
    uint256 private constant FLOOR_PER_TOKEN = 10;
    /// @dev EIP-3529: at most a fifth is given back.
    uint256 private constant MAX_CLEARED_QUOTIENT = 5;
    /// @dev The priority fee that is repaid when the base fee is lower still: without a bound, whoever builds the block sets
    /// the price of its own transaction.
    uint256 private constant LEAST_PRIORITY_BOUND = 2 gwei;

    /// @notice Worst-case gas of settling, the callback included.
    function estimate(
        uint256 threshold,
        Aggregation aggregation,
        Delivery delivery,
        uint256 callbackGasLimit,
        uint256 maxOutputBytes
    ) internal pure returns (uint256) {
        // Unchecked: products of terms that are far below 2^64 each.
        unchecked {
            return (threshold == 1 ? PER_ANSWER : threshold * PER_MEMBER)
                + _outputBytes(threshold, aggregation, delivery, maxOutputBytes) * PER_OUTPUT_BYTE
                + callbackGasLimit;
        }
    }

    /// @notice Worst-case bytes of calldata of settling.
    function calldataBytes(
        uint256 threshold,
        Aggregation aggregation,
        Delivery delivery,
        uint256 maxOutputBytes
    ) internal pure returns (uint256) {
        return (threshold == 1 ? CALLDATA_BYTES : threshold * MEMBER_CALLDATA_BYTES)
            + _outputBytes(threshold, aggregation, delivery, maxOutputBytes);
    }

    /// @notice Wei per gas that is repaid: what the transaction pays, up to the request's cap, its priority fee at most as high as the
    /// base fee.
    function repaidPrice(uint256 gasPriceCap) internal view returns (uint256 price) {
        // Unchecked: twice a base fee.
        unchecked {
            uint256 priority = block.basefee > LEAST_PRIORITY_BOUND ? block.basefee : LEAST_PRIORITY_BOUND;
            price = block.basefee + priority;
        }
        if (tx.gasprice < price) price = tx.gasprice;
        if (gasPriceCap < price) price = gasPriceCap;
    }

    /// @notice Gas that a transaction is charged beyond its base cost, by EIP-2028, EIP-3529 and EIP-7623.
    function charged(uint256 tokens, uint256 executed, uint256 cleared) internal pure returns (uint256 gas) {
        // Unchecked: sums of gas, which a block bounds.
        unchecked {
            gas = PER_TOKEN * tokens + executed;
            uint256 most = (TRANSACTION + gas) / MAX_CLEARED_QUOTIENT;
            gas -= cleared < most ? cleared : most;
            uint256 floor = FLOOR_PER_TOKEN * tokens;
            if (floor > gas) gas = floor;
        }
    }

    /// @notice Adds to what a transaction used.
    /// @return gas What it is charged more for that. What one settlement leaves of the floor's slack another one uses, so that the
    /// parts add up to the whole.
    function add(GasMeter memory meter, uint256 tokens, uint256 executed, uint256 cleared)
        internal
        pure
        returns (uint256 gas)
    {
        // Unchecked: sums of gas, which a block bounds.
        unchecked {
            meter.tokens += tokens;
            meter.executed += executed;
            meter.cleared += cleared;
            uint256 before = meter.charged;
            uint256 total = charged(meter.tokens, meter.executed, meter.cleared);
            if (total <= before) return 0;
            meter.charged = total;
            return total - before;
        }
    }

    /// @notice Tokens of the calldata between two positions.
    function tokensOf(uint256 start, uint256 end) internal pure returns (uint256 tokens) {
        // Memory-safe: uses no memory. Each byte of `low` is 0x7f: adding it to the low seven bits of a byte carries into the eighth
        // unless they are zero, so that this bit, or the byte's own, tells a byte that is not zero. `lanes` counts them byte by
        // byte, for at most 255 words.
        assembly ("memory-safe") {
            let low := 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
            let one := 0x0101010101010101010101010101010101010101010101010101010101010101
            let even := 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff
            let nonzero := 0
            let position := start
            for { } lt(position, end) { } {
                let until := add(position, 8160)
                if gt(until, end) { until := end }
                let lanes := 0
                let whole := sub(until, 31)
                for { } lt(position, whole) { position := add(position, 32) } {
                    let word := calldataload(position)
                    lanes := add(lanes, and(shr(7, or(add(and(word, low), low), word)), one))
                }
                if lt(position, until) {
                    let beyond := shl(3, sub(add(position, 32), until))
                    let word := shl(beyond, shr(beyond, calldataload(position)))
                    lanes := add(lanes, and(shr(7, or(add(and(word, low), low), word)), one))
                    position := until
                }
                // Sixteen sums of two lanes, then the sum of these in the highest sixteen bits.
                lanes := add(and(lanes, even), and(shr(8, lanes), even))
                nonzero := add(
                    nonzero,
                    shr(240, mul(lanes, 0x0001000100010001000100010001000100010001000100010001000100010001))
                )
            }
            if gt(end, start) { tokens := add(sub(end, start), mul(3, nonzero)) }
        }
    }

    /// @dev A median needs every output, `Identical` the one that is delivered.
    function _outputBytes(
        uint256 threshold,
        Aggregation aggregation,
        Delivery delivery,
        uint256 maxOutputBytes
    ) private pure returns (uint256) {
        if (aggregation >= Aggregation.Median) return threshold * maxOutputBytes;
        return delivery == Delivery.Callback ? maxOutputBytes : 0;
    }
}
