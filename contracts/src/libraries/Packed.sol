// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Candidate } from "../coordinator/Candidate.sol";
import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { Chain } from "./Chain.sol";
import { SettlementGas } from "./SettlementGas.sol";

/// @notice An answer and its request without what follows from them: chain, coordinator, keyset, requestId, the hash of the answer's
/// block, and the output's hash where the output travels.
///
/// | word | content, from the highest bit |
/// |--:|---|
/// | 3 | length of the item in bytes 24 ‖ subscriptionId 64 ‖ deadline 40 ‖ threshold 8 ‖ aggregation 8 ‖ delivery 8 ‖ flags 8 ‖ status 8 ‖ answeredAt 40 ‖ stateBlockNumber 48 |
/// | 0 | consumer 160 ‖ requestedAt 40 ‖ nonce 32 ‖ maxOutputBytes 24 |
/// | 1 | payer 160 ‖ fee 96 |
/// | 2 | refundTo 160 ‖ gasPriceCap 64 ‖ callbackGasLimit 32 |
/// | 4 | policyId |
/// | 5 | payloadHash |
/// | 6 | transcriptRoot |
///
/// An item is words 3, 0, 1, 2, 4, 5, 6 in this order, then payloadUriHash if flag 1, context if flag 2 (else zero), stateBlockHash if
/// flag 64 (else the hash that the chain knows for the number), and to the end of the item the output, or outputHash if flag 4.
/// Flags 8, 16 and 32 leave out words 1, 2 and 4: they are as in the item before. Flag 128 leaves refundTo out of word 2: it is the payer.
/// docs/reference/protocol.md, Packed calldata.
library Packed {
    /// @notice Thrown when an item does not end where its fields do, or where its calldata does.
    error PackedMalformed();

    uint256 private constant FLAG_URI = 1;
    uint256 private constant FLAG_CONTEXT = 2;
    uint256 private constant FLAG_OUTPUT_HASH = 4;
    uint256 private constant FLAG_SAME_1 = 8;
    uint256 private constant FLAG_SAME_2 = 16;
    uint256 private constant FLAG_SAME_4 = 32;
    uint256 private constant FLAG_STATE_HASH = 64;
    uint256 private constant FLAG_PAYER_REFUNDED = 128;

    /// @notice Length of the item at `start`, a position in calldata.
    function lengthAt(uint256 start) internal pure returns (uint256 length) {
        // Memory-safe: uses no memory.
        assembly ("memory-safe") {
            length := shr(232, calldataload(start))
        }
    }

    /// @notice Tokens of EIP-7623 of the item between two positions in calldata. Its hashes are taken to be without zero bytes, which they
    /// have by chance alone, and rarely.
    function tokensOf(uint256 start, uint256 end) internal pure returns (uint256) {
        uint256 position = start;
        uint256 nonzero;
        // Memory-safe: uses no memory. Words 1, 2 and 4 may be left out; `nonzero` counts bytes of the others, as in `SettlementGas`.
        assembly ("memory-safe") {
            function count(word) -> bytes_ {
                let low := 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
                let one := 0x0101010101010101010101010101010101010101010101010101010101010101
                bytes_ := shr(248, mul(and(shr(7, or(add(and(word, low), low), word)), one), one))
            }
            let word3 := calldataload(position)
            let flags := byte(19, word3)
            nonzero := add(count(word3), count(calldataload(add(position, 0x20))))
            position := add(position, 0x40)
            if iszero(and(flags, FLAG_SAME_1)) {
                nonzero := add(nonzero, count(calldataload(position)))
                position := add(position, 0x20)
            }
            if iszero(and(flags, FLAG_SAME_2)) {
                let word := calldataload(position)
                let isShort := shr(7, flags)
                nonzero := add(nonzero, count(shr(mul(isShort, 160), word)))
                position := add(position, sub(0x20, mul(isShort, 20)))
            }
            let hashBytes := add(0x40, shl(5, iszero(and(flags, FLAG_SAME_4))))
            nonzero := add(nonzero, hashBytes)
            position := add(position, hashBytes)
        }
        // Unchecked: sums of lengths of calldata. An item that ends before its words is refused when it is read.
        unchecked {
            return position - start + 3 * nonzero + SettlementGas.tokensOf(position, end);
        }
    }

    /// @notice Reads the item at `start`, a position in calldata; `end` is where the next begins.
    /// @dev Nothing here is believed: what it makes must be a pending request's id and a signed answer.
    /// @param candidate Where to; fresh of `Candidates.allocate`.
    /// @param before The item before; of the first, `candidate` itself.
    function read(Candidate candidate, Candidate before, uint256 start, bytes32 keysetId, IChainAdapter chain)
        internal
        view
        returns (uint256 end)
    {
        (uint256 word3, uint256 flags, uint256 position) = _readRequest(candidate, before, start);
        end = start + (word3 >> 232);
        uint256 stateBlockNumber = uint48(word3);
        bytes32 canonicalHash = Chain.blockHash(chain, stateBlockNumber);
        candidate.setStateBlock(stateBlockNumber, canonicalHash);
        require(
            _readAnswer(candidate, word3, flags, position, end, keysetId, canonicalHash), PackedMalformed()
        );
    }

    /// @dev Words 3 to 5, and of the tail what belongs to the request. `position` is that of word 6.
    function _readRequest(Candidate candidate, Candidate before, uint256 start)
        private
        view
        returns (uint256 word3, uint256 flags, uint256 position)
    {
        // Memory-safe: writes into what `Candidates.allocate` made; the offsets are those of `Request`'s fields.
        assembly ("memory-safe") {
            let request := add(candidate, 0x20)
            let previous := add(before, 0x20)
            let mask96 := 0xffffffffffffffffffffffff
            mstore(request, chainid())
            mstore(add(request, 0x20), address())
            word3 := calldataload(start)
            mstore(add(request, 0x100), and(shr(168, word3), 0xffffffffffffffff))
            mstore(add(request, 0x260), and(shr(128, word3), 0xffffffffff))
            mstore(add(request, 0x180), byte(16, word3))
            mstore(add(request, 0x1a0), byte(17, word3))
            mstore(add(request, 0x1c0), byte(18, word3))
            flags := byte(19, word3)
            let word := calldataload(add(start, 0x20))
            mstore(add(request, 0x40), shr(96, word))
            mstore(add(request, 0x60), and(shr(56, word), 0xffffffffff))
            mstore(add(request, 0x80), and(shr(24, word), 0xffffffff))
            mstore(add(request, 0x200), and(word, 0xffffff))
            position := add(start, 0x40)
            switch and(flags, FLAG_SAME_1)
            case 0 {
                word := calldataload(position)
                mstore(add(request, 0xc0), shr(96, word))
                mstore(add(request, 0x220), and(word, mask96))
                position := add(position, 0x20)
            }
            default {
                mstore(add(request, 0xc0), mload(add(previous, 0xc0)))
                mstore(add(request, 0x220), mload(add(previous, 0x220)))
            }
            switch and(flags, FLAG_SAME_2)
            case 0 {
                word := calldataload(position)
                switch and(flags, FLAG_PAYER_REFUNDED)
                case 0 {
                    mstore(add(request, 0xe0), shr(96, word))
                    position := add(position, 0x20)
                }
                default {
                    mstore(add(request, 0xe0), mload(add(request, 0xc0)))
                    word := shr(160, word)
                    position := add(position, 0x0c)
                }
                mstore(add(request, 0x240), and(shr(32, word), 0xffffffffffffffff))
                mstore(add(request, 0x1e0), and(word, 0xffffffff))
            }
            default {
                mstore(add(request, 0xe0), mload(add(previous, 0xe0)))
                mstore(add(request, 0x240), mload(add(previous, 0x240)))
                mstore(add(request, 0x1e0), mload(add(previous, 0x1e0)))
            }
            switch and(flags, FLAG_SAME_4)
            case 0 {
                mstore(add(request, 0x160), calldataload(position))
                position := add(position, 0x20)
            }
            default { mstore(add(request, 0x160), mload(add(previous, 0x160))) }
            mstore(add(request, 0x120), calldataload(position))
            position := add(position, 0x20)
        }
    }

    /// @dev Word 6 and the tail, and the hashes of both structs.
    function _readAnswer(
        Candidate candidate,
        uint256 word3,
        uint256 flags,
        uint256 position,
        uint256 end,
        bytes32 keysetId,
        bytes32 canonicalHash
    ) private pure returns (bool isWhole) {
        // Memory-safe: as above, and uses memory beyond the free pointer.
        assembly ("memory-safe") {
            let request := add(candidate, 0x20)
            let answer := add(candidate, 0x2c0)
            mstore(add(answer, 0x20), byte(20, word3))
            mstore(add(answer, 0xc0), and(shr(48, word3), 0xffffffffff))
            mstore(add(answer, 0xa0), keysetId)
            mstore(add(answer, 0x60), calldataload(position))
            position := add(position, 0x20)
            let word := 0
            if and(flags, FLAG_URI) {
                word := calldataload(position)
                position := add(position, 0x20)
            }
            mstore(add(request, 0x140), word)
            word := 0
            if and(flags, FLAG_CONTEXT) {
                word := calldataload(position)
                position := add(position, 0x20)
            }
            mstore(add(request, 0xa0), word)
            word := canonicalHash
            if and(flags, FLAG_STATE_HASH) {
                word := calldataload(position)
                position := add(position, 0x20)
            }
            mstore(add(answer, 0x80), word)
            let length := 0
            switch and(flags, FLAG_OUTPUT_HASH)
            case 0 {
                isWhole := iszero(lt(end, position))
                length := mul(isWhole, sub(end, position))
                let free := mload(0x40)
                calldatacopy(free, position, length)
                mstore(add(answer, 0x40), keccak256(free, length))
                mstore(add(candidate, 0x420), 1)
            }
            default {
                isWhole := eq(end, add(position, 0x20))
                mstore(add(answer, 0x40), calldataload(position))
                mstore(add(candidate, 0x420), 0)
            }
            mstore(add(candidate, 0x3e0), position)
            mstore(add(candidate, 0x400), length)
            let requestId := keccak256(candidate, 0x2a0)
            mstore(add(candidate, 0x3a0), requestId)
            mstore(answer, requestId)
            mstore(add(candidate, 0x3c0), keccak256(add(candidate, 0x2a0), 0x100))
        }
    }
}
