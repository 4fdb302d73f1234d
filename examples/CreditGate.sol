// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ILedger, RowProof } from "adyton/contracts/src/ledger/ILedger.sol";
import { LedgerRows, Row } from "adyton/contracts/src/ledger/LedgerRows.sol";
import { IScoreVerifier, ProvenScores, ScoreProof } from "adyton/contracts/src/models/ProvenScores.sol";

/// Lets applicants in by a score of features that nobody but they and their issuer know. A row of a ledger, under a name that the issuer
/// gives each applicant, commits to the features; a proof says what the model makes of them.
contract CreditGate {
    ILedger private immutable LEDGER;
    address private immutable ISSUER;
    IScoreVerifier private immutable VERIFIER;
    bytes32 private immutable MODEL;
    int256 private immutable THRESHOLD;

    mapping(bytes32 applicant => bool) public isAdmitted;

    error NotAnApplicantsRow(bytes32 key);
    error OtherInput(bytes32 expected, bytes32 actual);
    error ScoreTooLow(int256 score);

    constructor(ILedger ledger, address issuer, IScoreVerifier verifier, bytes32 model, int256 threshold) {
        (LEDGER, ISSUER, VERIFIER, MODEL, THRESHOLD) = (ledger, issuer, verifier, model, threshold);
    }

    /// Anyone may bring them; `index` is the applicant's place among the proven scores.
    function admit(
        bytes32 applicant,
        bytes calldata row,
        RowProof calldata path,
        uint256 index,
        ScoreProof calldata proven
    ) external {
        Row memory read = LedgerRows.decode(row);
        bool isWritten = read.kind == LedgerRows.SIGNED || read.kind == LedgerRows.INBOX;
        require(
            isWritten && read.key == LedgerRows.keyOf(ISSUER, applicant), NotAnApplicantsRow(read.key)
        );
        LEDGER.check(row, path);
        bytes32 input = proven.inputs[index];
        require(input == read.value, OtherInput(read.value, input));
        ProvenScores.check(VERIFIER, MODEL, proven);
        require(proven.scores[index] >= THRESHOLD, ScoreTooLow(proven.scores[index]));
        isAdmitted[applicant] = true;
    }
}
