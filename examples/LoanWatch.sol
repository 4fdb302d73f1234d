// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "adyton/contracts/src/Inference.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";
import { Prompt, Read } from "adyton/contracts/src/types/Prompt.sol";

/// Asks a model about its own state: no number is written into the question, where whoever asks could write another.
contract LoanWatch is OracleConsumer {
    string private constant OUTPUT = '(bool danger "the loan may fall due", string<=200 why)';

    string private _model;
    uint256 private _debt;
    uint256 private _collateral;

    mapping(bytes32 requestId => bool) public inDanger;

    event Judged(bytes32 indexed requestId, AnswerStatus status, bool danger, string why);

    constructor(IOracleCoordinator coordinator, bytes32 policyId, string memory model)
        OracleConsumer(coordinator, policyId)
    {
        _model = model;
    }

    /// Anyone may, in an example: both have 18 decimals.
    function set(uint256 debt, uint256 collateral) external {
        (_debt, _collateral) = (debt, collateral);
    }

    /// What the enclave calls, at the block that the answer is bound to.
    function position() external view returns (uint256 debt, uint256 collateral) {
        return (_debt, _collateral);
    }

    function ask(uint96 fee) external payable returns (bytes32 requestId) {
        Read[] memory reads = new Read[](1);
        reads[0] = Read({
            target: address(this),
            signature: "position() returns (ufixed256x18 debt, ufixed256x18 collateral)",
            arguments: "",
            label: "the loan"
        });
        Prompt memory prompt = Inference.typed(_model, "", "Is this loan in danger?", OUTPUT);
        return _request(_terms(fee), Inference.encode(Inference.withReads(prompt, reads)), msg.value);
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus status, uint64, bytes calldata output)
        internal
        override
    {
        bool danger;
        string memory why = "";
        if (status == AnswerStatus.Ok) (danger, why) = abi.decode(output, (bool, string));
        inDanger[requestId] = danger;
        emit Judged(requestId, status, danger, why);
    }
}
