// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../types/Request.sol";

/// @notice An answer and the request that it would settle, wherever they were read from: a place in memory. Nothing in it is
/// believed before its id is found pending and its hash signed.
///
/// | offset | content |
/// |---|---|
/// | 0x000 | typehash of `Request` and its 20 fields |
/// | 0x2a0 | typehash of `Answer` and its 7 fields |
/// | 0x3a0 | requestId that follows from the request |
/// | 0x3c0 | struct hash of the answer |
/// | 0x3e0 | output: position in calldata |
/// | 0x400 | output: length |
/// | 0x420 | 1 when the answer's outputHash was computed from that output |
/// | 0x440 | number of the answer's block |
/// | 0x460 | that block's hash on this chain; zero when it is not known |
///
/// A struct of 31 words would do, but Solidity fills each with zeros before the fields are written.
type Candidate is uint256;

using Candidates for Candidate global;

library Candidates {
    uint256 internal constant REQUEST_AT = 0x20;
    uint256 internal constant ANSWER_AT = 0x2c0;
    uint256 private constant BYTES = 0x480;
    uint256 private constant REQUEST_BYTES = 640;
    uint256 private constant ANSWER_BYTES = 224;

    /// @notice Room for one, with the typehashes in place. What is in the fields is not defined.
    function allocate() internal pure returns (Candidate candidate) {
        bytes32 requestTypehash = Requests.TYPEHASH;
        bytes32 answerTypehash = Answers.TYPEHASH;
        // Memory-safe: allocates.
        assembly ("memory-safe") {
            candidate := mload(0x40)
            mstore(0x40, add(candidate, BYTES))
            mstore(candidate, requestTypehash)
            mstore(add(candidate, 0x2a0), answerTypehash)
        }
    }

    /// @notice The caller's request of these terms, made now; without an answer, and without an id until `setNonce`.
    /// @dev Reverts on dirty upper bits, as Solidity does.
    function ofTerms(RequestTerms calldata terms, bytes32 payloadHash, bytes32 payloadUriHash)
        internal
        view
        returns (Candidate candidate)
    {
        candidate = allocate();
        // Memory-safe: writes into what `allocate` made. The terms are in the order of the request's fields but for the payload's
        // hashes between subscriptionId and policyId.
        assembly ("memory-safe") {
            let request := add(candidate, REQUEST_AT)
            calldatacopy(add(request, 0xa0), terms, 0x80)
            calldatacopy(add(request, 0x160), add(terms, 0x80), 0x120)
            let dirty := or(shr(160, mload(add(request, 0xc0))), shr(160, mload(add(request, 0xe0))))
            dirty := or(dirty, or(shr(64, mload(add(request, 0x100))), shr(8, mload(add(request, 0x180)))))
            dirty := or(dirty, or(gt(mload(add(request, 0x1a0)), 3), gt(mload(add(request, 0x1c0)), 2)))
            dirty := or(dirty, or(shr(32, mload(add(request, 0x1e0))), shr(24, mload(add(request, 0x200)))))
            dirty := or(dirty, or(shr(96, mload(add(request, 0x220))), shr(64, mload(add(request, 0x240)))))
            if or(dirty, shr(40, mload(add(request, 0x260)))) { revert(0, 0) }
            mstore(request, chainid())
            mstore(add(request, 0x20), address())
            mstore(add(request, 0x40), caller())
            mstore(add(request, 0x60), timestamp())
            mstore(add(request, 0x120), payloadHash)
            mstore(add(request, 0x140), payloadUriHash)
        }
    }

    function setPayer(Candidate candidate, address account) internal pure {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            mstore(add(candidate, 0xe0), account)
        }
    }

    function setRefundTo(Candidate candidate, address account) internal pure {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            mstore(add(candidate, 0x100), account)
        }
    }

    /// @notice Sets the last field, and the id that follows.
    function setNonce(Candidate candidate, uint256 nonce) internal pure returns (bytes32 id) {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            mstore(add(candidate, 0xa0), nonce)
            id := keccak256(candidate, add(REQUEST_BYTES, 0x20))
            mstore(add(candidate, 0x3a0), id)
        }
    }

    /// @notice The three words of `Requested`.
    function eventWords(Candidate candidate)
        internal
        pure
        returns (uint256 payerAndFee, uint256 refundAndGas, uint256 rest)
    {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            let request := add(candidate, REQUEST_AT)
            payerAndFee := or(shl(96, mload(add(request, 0xc0))), mload(add(request, 0x220)))
            refundAndGas := or(
                shl(96, mload(add(request, 0xe0))),
                or(shl(32, mload(add(request, 0x240))), mload(add(request, 0x1e0)))
            )
            rest := or(shl(160, mload(add(request, 0x100))), shl(120, mload(add(request, 0x260))))
            rest := or(rest, or(shl(80, mload(add(request, 0x60))), shl(48, mload(add(request, 0x80)))))
            rest := or(rest, or(shl(24, mload(add(request, 0x200))), shl(16, mload(add(request, 0x180)))))
            rest := or(rest, or(shl(8, mload(add(request, 0x1a0))), mload(add(request, 0x1c0))))
        }
    }

    /// @notice Takes the words of a request as they come: a word with dirty upper bits gives an id that nobody asked under.
    function setRequest(Candidate candidate, Request calldata request) internal pure {
        // Memory-safe: writes into what `allocate` made.
        assembly ("memory-safe") {
            calldatacopy(add(candidate, REQUEST_AT), request, REQUEST_BYTES)
            mstore(add(candidate, 0x3a0), keccak256(candidate, add(REQUEST_BYTES, 0x20)))
        }
    }

    /// @notice A candidate without an answer.
    function ofRequest(Request memory request) internal pure returns (Candidate candidate) {
        candidate = allocate();
        // Memory-safe: as above.
        assembly ("memory-safe") {
            mcopy(add(candidate, REQUEST_AT), request, REQUEST_BYTES)
            mstore(add(candidate, 0x3a0), keccak256(candidate, add(REQUEST_BYTES, 0x20)))
        }
    }

    /// @notice Takes the words of an answer as they come: a word with dirty upper bits gives a hash that nobody signed.
    function setAnswer(Candidate candidate, Answer calldata answer, bytes calldata answerOutput)
        internal
        pure
    {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            calldatacopy(add(candidate, ANSWER_AT), answer, ANSWER_BYTES)
            mstore(add(candidate, 0x3c0), keccak256(add(candidate, 0x2a0), add(ANSWER_BYTES, 0x20)))
            mstore(add(candidate, 0x3e0), answerOutput.offset)
            mstore(add(candidate, 0x400), answerOutput.length)
            mstore(add(candidate, 0x420), 0)
        }
    }

    /// @param blockNumber The block that the answer's stateBlockHash is said to be of.
    /// @param hash What the chain says that block's hash is.
    function setStateBlock(Candidate candidate, uint256 blockNumber, bytes32 hash) internal pure {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            mstore(add(candidate, 0x440), blockNumber)
            mstore(add(candidate, 0x460), hash)
        }
    }

    /// @notice The request, where it lies.
    function requestOf(Candidate candidate) internal pure returns (Request memory request) {
        // Memory-safe: the words that `allocate` made are laid out as the struct is.
        assembly ("memory-safe") {
            request := add(candidate, REQUEST_AT)
        }
    }

    /// @notice The answer, where it lies.
    function answerOf(Candidate candidate) internal pure returns (Answer memory answer) {
        // Memory-safe: as above.
        assembly ("memory-safe") {
            answer := add(candidate, ANSWER_AT)
        }
    }

    function output(Candidate candidate) internal pure returns (bytes calldata output_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            output_.offset := mload(add(candidate, 0x3e0))
            output_.length := mload(add(candidate, 0x400))
        }
    }

    function consumer(Candidate candidate) internal pure returns (address consumer_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            consumer_ := mload(add(candidate, 0x60))
        }
    }

    function requestedAt(Candidate candidate) internal pure returns (uint40 requestedAt_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            requestedAt_ := mload(add(candidate, 0x80))
        }
    }

    function context(Candidate candidate) internal pure returns (bytes32 context_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            context_ := mload(add(candidate, 0xc0))
        }
    }

    function payer(Candidate candidate) internal pure returns (address payer_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            payer_ := mload(add(candidate, 0xe0))
        }
    }

    function refundTo(Candidate candidate) internal pure returns (address refundTo_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            refundTo_ := mload(add(candidate, 0x100))
        }
    }

    function subscriptionId(Candidate candidate) internal pure returns (uint64 subscriptionId_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            subscriptionId_ := mload(add(candidate, 0x120))
        }
    }

    function policyId(Candidate candidate) internal pure returns (bytes32 policyId_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            policyId_ := mload(add(candidate, 0x180))
        }
    }

    function threshold(Candidate candidate) internal pure returns (uint8 threshold_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            threshold_ := mload(add(candidate, 0x1a0))
        }
    }

    function aggregation(Candidate candidate) internal pure returns (Aggregation aggregation_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            aggregation_ := mload(add(candidate, 0x1c0))
        }
    }

    function delivery(Candidate candidate) internal pure returns (Delivery delivery_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            delivery_ := mload(add(candidate, 0x1e0))
        }
    }

    function callbackGasLimit(Candidate candidate) internal pure returns (uint32 callbackGasLimit_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            callbackGasLimit_ := mload(add(candidate, 0x200))
        }
    }

    function maxOutputBytes(Candidate candidate) internal pure returns (uint24 maxOutputBytes_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            maxOutputBytes_ := mload(add(candidate, 0x220))
        }
    }

    function fee(Candidate candidate) internal pure returns (uint96 fee_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            fee_ := mload(add(candidate, 0x240))
        }
    }

    function gasPriceCap(Candidate candidate) internal pure returns (uint64 gasPriceCap_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            gasPriceCap_ := mload(add(candidate, 0x260))
        }
    }

    function deadline(Candidate candidate) internal pure returns (uint40 deadline_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            deadline_ := mload(add(candidate, 0x280))
        }
    }

    function answeredRequestId(Candidate candidate) internal pure returns (bytes32 requestId_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            requestId_ := mload(add(candidate, 0x2c0))
        }
    }

    function status(Candidate candidate) internal pure returns (AnswerStatus status_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            status_ := mload(add(candidate, 0x2e0))
        }
    }

    function outputHash(Candidate candidate) internal pure returns (bytes32 outputHash_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            outputHash_ := mload(add(candidate, 0x300))
        }
    }

    function stateBlockHash(Candidate candidate) internal pure returns (bytes32 stateBlockHash_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            stateBlockHash_ := mload(add(candidate, 0x340))
        }
    }

    function keysetId(Candidate candidate) internal pure returns (bytes32 keysetId_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            keysetId_ := mload(add(candidate, 0x360))
        }
    }

    function answeredAt(Candidate candidate) internal pure returns (uint64 answeredAt_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            answeredAt_ := mload(add(candidate, 0x380))
        }
    }

    /// @notice The id that follows from the request.
    function requestId(Candidate candidate) internal pure returns (bytes32 requestId_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            requestId_ := mload(add(candidate, 0x3a0))
        }
    }

    function answerHash(Candidate candidate) internal pure returns (bytes32 answerHash_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            answerHash_ := mload(add(candidate, 0x3c0))
        }
    }

    function isOutputHashed(Candidate candidate) internal pure returns (bool isOutputHashed_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            isOutputHashed_ := mload(add(candidate, 0x420))
        }
    }

    function stateBlockNumber(Candidate candidate) internal pure returns (uint256 stateBlockNumber_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            stateBlockNumber_ := mload(add(candidate, 0x440))
        }
    }

    /// @notice What the chain says of `stateBlockNumber`; zero when it does not know.
    function canonicalHash(Candidate candidate) internal pure returns (bytes32 canonicalHash_) {
        // Memory-safe: reads what `allocate` made.
        assembly ("memory-safe") {
            canonicalHash_ := mload(add(candidate, 0x460))
        }
    }
}
