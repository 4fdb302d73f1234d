// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";

/// @notice Reads what Chainlink Functions (256 bytes) or CRE brings. docs/reference/protocol.md, Functions.
///
/// | offset | length | field |
/// |---|---|---|
/// | 0 | 1 | form: 1 tail is the output's hash, 2 tail is the output, 3 tail is packed words |
/// | 1 | 1 | status |
/// | 2 | 6 | answeredAt |
/// | 8 | 32 | keysetId |
/// | 40 | 32 | transcriptRoot |
/// | 72 | 32 | r |
/// | 104 | 32 | yParityAndS (EIP-2098) |
/// | 136 | 6 | number of the block whose hash the answer signs |
/// | 142 | the rest | tail |
library FunctionsAnswers {
    /// @notice Thrown when a response has not the form above.
    error ResponseMalformed(uint256 length);

    uint8 internal constant FORM_HASH = 1;
    uint8 internal constant FORM_INLINE = 2;
    uint8 internal constant FORM_PACKED = 3;

    bytes32 internal constant NAME_HASH = keccak256("Adyton Functions");

    uint256 private constant TAIL = 142;

    /// @notice The response's form, and what follows its fixed fields.
    /// @dev Establishes: the fixed fields are there, the form is known, a hash has 32 bytes, nothing is longer than `maxLength`.
    function split(bytes calldata response, uint256 maxLength)
        internal
        pure
        returns (uint8 form, bytes calldata tail)
    {
        require(response.length >= TAIL && response.length <= maxLength, ResponseMalformed(response.length));
        form = uint8(response[0]);
        tail = response[TAIL:];
        require(
            form == FORM_INLINE || form == FORM_PACKED || (form == FORM_HASH && tail.length == 32),
            ResponseMalformed(response.length)
        );
    }

    /// @notice Number of the block whose hash the answer signs: the carrier's word, which the hash must bear out.
    /// @param response As `split` accepted it.
    function stateBlockNumber(bytes calldata response) internal pure returns (uint256) {
        return uint48(bytes6(response[136:142]));
    }

    /// @notice The answer that a response claims to be, to the question `requestId`.
    /// @param response As `split` accepted it.
    /// @param stateBlockHash The hash that the chain has at `stateBlockNumber`.
    /// @dev Does not establish: that anybody signed it; see `recover`.
    function answerOf(bytes32 requestId, bytes calldata response, bytes32 outputHash, bytes32 stateBlockHash)
        internal
        pure
        returns (Answer memory answer)
    {
        uint8 status = uint8(response[1]);
        require(
            status >= uint8(AnswerStatus.Ok) && status <= uint8(AnswerStatus.ProgramFailed)
                && status != uint8(AnswerStatus.Disagreed),
            ResponseMalformed(response.length)
        );
        answer.requestId = requestId;
        answer.status = AnswerStatus(status);
        answer.outputHash = outputHash;
        answer.stateBlockHash = stateBlockHash;
        answer.answeredAt = uint48(bytes6(response[2:8]));
        answer.keysetId = bytes32(response[8:40]);
        answer.transcriptRoot = bytes32(response[40:72]);
    }

    /// @notice Who signed `answer` for this chain and consumer; the zero address when nobody did in a valid form.
    /// @param response As `split` accepted it.
    function recover(Answer memory answer, bytes calldata response, uint256 chainId, address consumer)
        internal
        pure
        returns (address)
    {
        return Answers.recoverCompact(
            digest(answer, chainId, consumer), bytes32(response[72:104]), bytes32(response[104:136])
        );
    }

    function digest(Answer memory answer, uint256 chainId, address consumer) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(hex"1901", domainSeparator(chainId, consumer), Answers.structHash(answer))
        );
    }

    /// @notice Computed anew each time, so that a fork with a new chain id never accepts the old chain's answers.
    function domainSeparator(uint256 chainId, address consumer) internal pure returns (bytes32) {
        return
            keccak256(abi.encode(Answers.DOMAIN_TYPEHASH, NAME_HASH, Answers.VERSION_HASH, chainId, consumer));
    }

    /// @notice The words that `packed` stands for: each a tag, and the bytes that it counts; right of the word, or left of it
    /// where the tag's top bit is set.
    function unpack(bytes calldata packed) internal pure returns (bytes memory output) {
        // A word takes at least one byte, so this is room enough.
        output = new bytes(32 * packed.length);
        uint256 words = 0;
        for (uint256 offset = 0; offset < packed.length; ++words) {
            uint256 tag = uint8(packed[offset]);
            uint256 count = tag & 0x7f;
            uint256 end = offset + 1 + count;
            require(count <= 32 && end <= packed.length, ResponseMalformed(packed.length));
            // A slice of fewer than 32 bytes becomes a word with zeros at its right.
            bytes32 word = bytes32(packed[offset + 1:end]);
            if (tag == count) word >>= 8 * (32 - count);
            // Safe: `words` < `packed.length`, so the write ends inside `output`.
            assembly ("memory-safe") {
                mstore(add(add(output, 0x20), shl(5, words)), word)
            }
            offset = end;
        }
        // Safe: only ever shortens what was allocated above.
        assembly ("memory-safe") {
            mstore(output, shl(5, words))
        }
    }
}
