// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { EpochPolynomial } from "../ledger/EpochPolynomial.sol";

/// @notice Scores that one model gave, and the proof of it: what `adyton model prove` writes.
/// @param inputs Commitments to features, one for each score.
/// @param scores Of each input, one output after another; a score s is s * 2^scoreBits.
struct ScoreProof {
    bytes32[] inputs;
    int256[] scores;
    bytes proof;
}

/// @title IScoreVerifier
/// @notice The verifier of a model's shape, generated from its verification key.
interface IScoreVerifier {
    /// @dev Warning: may revert on a proof that it refuses.
    function verify(bytes calldata proof, bytes32[] calldata publicInputs) external view returns (bool);
}

/// @title ProvenScores
/// @notice Checks scores of small models whose features, and perhaps numbers, nobody is shown.
/// @dev Does not establish: whose features the inputs are. Take an input from a ledger's row or an answer: a prover chooses features freely.
/// @dev Warning: a proof is not bound to a caller or a time. Who must not use one twice remembers its input.
library ProvenScores {
    /// @dev Far above any score (53 bits), and far below half of the field: a score has one element.
    int256 private constant LIMIT = 2 ** 127;

    /// @notice Thrown when nothing was proven: another model, input or score, another proof, or another verifier.
    error ScoresNotProven();
    /// @notice Thrown for a commitment that is no element of the field, or a score that no model gives.
    error NotCanonical();

    /// @notice Reverts unless the model with this commitment gives these scores for the features that the inputs commit to.
    /// @param model What `adyton model commit` says of the model's file.
    function check(IScoreVerifier verifier, bytes32 model, ScoreProof calldata proven) internal view {
        uint256 inputs = proven.inputs.length;
        bytes32[] memory values = new bytes32[](1 + inputs + proven.scores.length);
        values[0] = _element(model);
        for (uint256 i = 0; i < inputs; ++i) {
            values[1 + i] = _element(proven.inputs[i]);
        }
        for (uint256 i = 0; i < proven.scores.length; ++i) {
            int256 score = proven.scores[i];
            require(score > -LIMIT && score < LIMIT, NotCanonical());
            uint256 element = score < 0 ? EpochPolynomial.FIELD - uint256(-score) : uint256(score);
            values[1 + inputs + i] = bytes32(element);
        }
        try verifier.verify(proven.proof, values) returns (bool isProven) {
            require(isProven, ScoresNotProven());
        } catch {
            revert ScoresNotProven();
        }
    }

    function _element(bytes32 word) private pure returns (bytes32) {
        require(uint256(word) < EpochPolynomial.FIELD, NotCanonical());
        return word;
    }
}
