// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { SignedAnswer } from "../interfaces/IOracleCoordinator.sol";
import { Answers, AnswerStatus } from "../types/Answer.sol";
import { Aggregation } from "../types/Request.sol";

/// @notice How the answers of a quorum become one. Who answered is counted elsewhere.
library Quorum {
    uint256 private constant MEDIAN_OUTPUT_BYTES = 32;

    /// @notice Who answered.
    /// @param vendors One bit for each vendor counted.
    /// @param size How many were counted.
    struct Members {
        address[] payees;
        bytes32[] keysetIds;
        bytes32[] platformIds;
        uint256 vendors;
        uint256 size;
    }

    /// @notice What a quorum says.
    /// @param status `Disagreed` when the answers do not agree.
    /// @param payStatus What is paid for: one answer that a host can cause makes the whole earn nothing.
    /// @param outputBytes Length of all outputs.
    /// @param overhead Gas that the coordinator adds to what it measures.
    /// @param chosen Index of the answer that carries the output; meaningless when they disagree.
    struct Outcome {
        AnswerStatus status;
        uint256 chosen;
        bytes32 outputHash;
        bytes32 keysetId;
        AnswerStatus payStatus;
        uint256 outputBytes;
        uint256 overhead;
    }

    /// @notice Counts a member unless its platform, or its vendor, was counted already.
    /// @param vendor 0 when vendors need not be distinct.
    function add(Members memory members, address payee, bytes32 keysetId, bytes32 platformId, uint8 vendor)
        internal
        pure
        returns (bool isNew)
    {
        uint256 size = members.size;
        for (uint256 i = 0; i < size; ++i) {
            if (members.platformIds[i] == platformId) return false;
        }
        uint256 vendorBit = vendor == 0 ? 0 : 1 << vendor;
        if (members.vendors & vendorBit != 0) return false;
        members.vendors |= vendorBit;
        members.payees[size] = payee;
        members.keysetIds[size] = keysetId;
        members.platformIds[size] = platformId;
        members.size = size + 1;
        return true;
    }

    /// @notice Combines the answers of a quorum.
    /// @dev Answers of different status never mix: "refused" and "yes" have no median.
    function combine(SignedAnswer[] calldata answers, Aggregation aggregation)
        internal
        pure
        returns (Outcome memory outcome)
    {
        (outcome.status, outcome.chosen) = _choose(answers, aggregation);
        outcome.payStatus = outcome.status;
        for (uint256 i = 0; i < answers.length; ++i) {
            outcome.outputBytes += answers[i].output.length;
            AnswerStatus status = answers[i].answer.status;
            if (Answers.isHostCausable(status)) outcome.payStatus = status;
        }
        outcome.keysetId = answers[outcome.chosen].answer.keysetId;
        outcome.outputHash = outcome.status == AnswerStatus.Disagreed
            ? keccak256("")
            : answers[outcome.chosen].answer.outputHash;
    }

    function _choose(SignedAnswer[] calldata answers, Aggregation aggregation)
        private
        pure
        returns (AnswerStatus status, uint256 chosen)
    {
        status = answers[0].answer.status;
        for (uint256 i = 1; i < answers.length; ++i) {
            if (answers[i].answer.status != status) return (AnswerStatus.Disagreed, 0);
        }
        if (status != AnswerStatus.Ok || aggregation == Aggregation.First) return (status, 0);
        if (aggregation == Aggregation.Median) return _median(answers);
        for (uint256 i = 1; i < answers.length; ++i) {
            if (answers[i].answer.outputHash != answers[0].answer.outputHash) {
                return (AnswerStatus.Disagreed, 0);
            }
        }
        return (status, 0);
    }

    /// @dev The answer with as many below it as its rank says: lower middle when there is no middle one. Ties go by position.
    function _median(SignedAnswer[] calldata answers) private pure returns (AnswerStatus, uint256) {
        uint256 count = answers.length;
        int256[] memory values = new int256[](count);
        for (uint256 i = 0; i < count; ++i) {
            if (answers[i].output.length != MEDIAN_OUTPUT_BYTES) return (AnswerStatus.Disagreed, 0);
            values[i] = int256(uint256(bytes32(answers[i].output)));
        }
        uint256 wanted = (count - 1) / 2;
        for (uint256 i = 0; i < count; ++i) {
            uint256 rank = 0;
            for (uint256 j = 0; j < count; ++j) {
                if (values[j] < values[i] || (values[j] == values[i] && j < i)) ++rank;
            }
            if (rank == wanted) return (AnswerStatus.Ok, i);
        }
        return (AnswerStatus.Disagreed, 0);
    }
}
