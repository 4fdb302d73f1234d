// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Call } from "./Grant.sol";

/// @notice Reads a run's output, abi.encode(Call[]), where it lies in calldata: decoded into memory it costs some 900 gas more.
/// @dev A program may have signed any bytes. So everything read is inside the output: what follows it in calldata is the submitter's.
library RunCalls {
    /// @notice Thrown when an output is not abi.encode(Call[]).
    error OutputMalformed();

    uint256 private constant WORD_BYTES = 0x20;
    /// @dev An offset, and the number of calls.
    uint256 private constant HEAD_BYTES = 0x40;
    /// @dev Target, value, and the offset of the calldata, which lies behind its length.
    uint256 private constant CALL_BYTES = 0x60;

    /// @notice How many calls there are.
    function count(bytes calldata output) internal pure returns (uint256 calls) {
        require(output.length >= HEAD_BYTES, OutputMalformed());
        require(uint256(_wordAt(output, 0)) == WORD_BYTES, OutputMalformed());
        calls = _wordAt(output, WORD_BYTES);
        require(calls <= (output.length - HEAD_BYTES) / WORD_BYTES, OutputMalformed());
    }

    /// @notice One of them; `index` is below `count(output)`. All of it lies inside the output.
    function at(bytes calldata output, uint256 index) internal pure returns (Call calldata call_) {
        // Unchecked: each offset was compared with the output's length, which calldata bounds, before anything is added to it.
        unchecked {
            uint256 end = output.length;
            uint256 offset = _wordAt(output, HEAD_BYTES + index * WORD_BYTES);
            require(offset <= end, OutputMalformed());
            uint256 start = HEAD_BYTES + offset;
            require(start + CALL_BYTES <= end, OutputMalformed());
            offset = _wordAt(output, start + HEAD_BYTES);
            require(offset <= end && start + offset + WORD_BYTES <= end, OutputMalformed());
            uint256 length = _wordAt(output, start + offset);
            require(length <= end && start + offset + WORD_BYTES + length <= end, OutputMalformed());
            // Memory-safe: uses no memory.
            assembly ("memory-safe") {
                call_ := add(output.offset, start)
            }
        }
    }

    /// @dev Only of a position that is inside the output with the word behind it.
    function _wordAt(bytes calldata output, uint256 position) private pure returns (uint256 word) {
        // Memory-safe: uses no memory.
        assembly ("memory-safe") {
            word := calldataload(add(output.offset, position))
        }
    }
}
