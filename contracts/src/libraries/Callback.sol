// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Candidate } from "../coordinator/Candidate.sol";
import { IOracleConsumer } from "../interfaces/IOracleConsumer.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Request } from "../types/Request.sol";

/// @notice The one place where foreign code runs. What a consumer does it does to itself: its gas is limited, and nothing that it
/// returns is copied.
library Callback {
    /// @notice Thrown when less gas is left than the callback was promised (EIP-150 keeps back 1/64).
    error CallbackGasUnavailable(uint256 required, uint256 available);

    /// @dev Gas between the check and the CALL: two cold accounts (2,600 each; the second is what a consumer of EIP-7702 delegates
    /// to), and the instructions.
    uint256 private constant CALL_RESERVE_GAS = 6_000;

    /// @notice Calls `onAnswer` with exactly the gas that the request names.
    /// @return delivered Whether the call returned without reverting.
    function answer(Candidate candidate, AnswerStatus status, uint64 answeredAt, bytes calldata output)
        internal
        returns (bool delivered)
    {
        (uint256 data, uint256 size) =
            _encode(candidate.requestId(), candidate.context(), status, answeredAt, output);
        uint256 gasLimit = candidate.callbackGasLimit();
        _requireGas(gasLimit);
        return _callWith(gasLimit, candidate.consumer(), data, size);
    }

    /// @notice As `answer`, of an output that was computed and is one word.
    function answerWord(Candidate candidate, AnswerStatus status, uint64 answeredAt, bytes32 word)
        internal
        returns (bool delivered)
    {
        bytes memory data = abi.encodeCall(
            IOracleConsumer.onAnswer,
            (candidate.requestId(), candidate.context(), status, answeredAt, abi.encode(word))
        );
        return _callEncoded(candidate.consumer(), candidate.callbackGasLimit(), data);
    }

    /// @notice As `answer`, with all the gas that is left, but at least as much.
    function answerAgain(
        Request memory request,
        bytes32 requestId,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal returns (bool delivered) {
        (uint256 data, uint256 size) = _encode(requestId, request.context, status, answeredAt, output);
        _requireGas(request.callbackGasLimit);
        return _callWith(gasleft(), request.consumer, data, size);
    }

    /// @notice Calls `onRefund` with exactly the gas that the request names; whether it reverts is the consumer's affair.
    function refund(Request memory request, bytes32 requestId) internal {
        bytes memory data = abi.encodeCall(IOracleConsumer.onRefund, (requestId, request.context));
        _callEncoded(request.consumer, request.callbackGasLimit, data);
    }

    function _callEncoded(address consumer, uint256 gasLimit, bytes memory encoded)
        private
        returns (bool delivered)
    {
        uint256 data;
        // Memory-safe: reads a pointer.
        assembly ("memory-safe") {
            data := add(encoded, 0x20)
        }
        _requireGas(gasLimit);
        return _callWith(gasLimit, consumer, data, encoded.length);
    }

    /// @dev EIP-150: a CALL gets at most 63/64 of what is left, silently. A transmitter must not starve the callback.
    function _requireGas(uint256 gasLimit) private view {
        uint256 required = gasLimit + gasLimit / 63 + CALL_RESERVE_GAS;
        require(gasleft() > required, CallbackGasUnavailable(required, gasleft()));
    }

    function _callWith(uint256 gasLimit, address consumer, uint256 data, uint256 size)
        private
        returns (bool delivered)
    {
        // Memory-safe: reads what was encoded, writes nothing (the area for return data is empty).
        assembly ("memory-safe") {
            delivered := call(gasLimit, consumer, 0, data, size, 0, 0)
        }
    }

    /// @dev abi.encodeCall(onAnswer, …) without copying the output twice. Stays beyond the free memory pointer, so the next thing
    /// that allocates overwrites it.
    function _encode(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) private pure returns (uint256 data, uint256 size) {
        bytes4 selector = IOracleConsumer.onAnswer.selector;
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), requestId)
            mstore(add(data, 0x24), context)
            mstore(add(data, 0x44), status)
            mstore(add(data, 0x64), answeredAt)
            mstore(add(data, 0x84), 0xa0)
            mstore(add(data, 0xa4), output.length)
            let padded := and(add(output.length, 0x1f), not(0x1f))
            // The last word first, so that what the output does not fill of it is zero.
            if padded { mstore(add(add(data, 0xa4), padded), 0) }
            calldatacopy(add(data, 0xc4), output.offset, output.length)
            size := add(0xc4, padded)
        }
    }
}
