// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../../src/Inference.sol";
import { OracleConsumer } from "../../src/OracleConsumer.sol";
import { IOracleCoordinator } from "../../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../../src/types/Answer.sol";
import { RequestTerms } from "../../src/types/Request.sol";

/// A consumer that asks with any terms and keeps what it is told.
contract RecordingConsumer is OracleConsumer {
    mapping(bytes32 requestId => uint256) public deliveries;
    mapping(bytes32 requestId => AnswerStatus) public statusOf;
    mapping(bytes32 requestId => bytes32) public outputHashOf;
    mapping(bytes32 requestId => uint64) public answeredAtOf;
    mapping(bytes32 requestId => bytes32) public contextOf;
    mapping(bytes32 requestId => uint256) public refunds;
    uint256 public lastGas;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    function ask(RequestTerms memory terms, bytes memory payload) external payable virtual returns (bytes32) {
        return _request(terms, payload, msg.value);
    }

    function askText(RequestTerms memory terms, string memory question) external payable returns (bytes32) {
        return _request(terms, Inference.encode(Inference.text("openai/gpt-5.1", "", question)), msg.value);
    }

    function defaultTerms(uint96 fee) external view returns (RequestTerms memory) {
        return _terms(fee);
    }

    function takeCredit(address payable to) external {
        _withdrawCredit(to);
    }

    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal virtual override {
        lastGas = gasleft();
        deliveries[requestId] += 1;
        contextOf[requestId] = context;
        answeredAtOf[requestId] = answeredAt;
        statusOf[requestId] = status;
        outputHashOf[requestId] = keccak256(output);
    }

    function _onRefund(bytes32 requestId, bytes32 context) internal virtual override {
        refunds[requestId] += 1;
        contextOf[requestId] = context;
    }

    receive() external payable virtual { }
}

/// A consumer that does its worst in the callback, as `mode` says.
contract HostileConsumer is RecordingConsumer {
    enum Mode {
        Revert,
        BurnGas,
        ReturnBomb,
        RevertBomb,
        Reenter
    }

    Mode public mode;
    bytes[] public calls;
    bool[] public succeeded;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) RecordingConsumer(coordinator, policyId) { }

    function setMode(Mode newMode) external {
        mode = newMode;
    }

    function addCall(bytes calldata data) external {
        calls.push(data);
    }

    function results() external view returns (bool[] memory) {
        return succeeded;
    }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata) internal override {
        if (mode == Mode.Revert) revert("no");
        if (mode == Mode.BurnGas) {
            while (true) { }
        }
        if (mode == Mode.ReturnBomb) {
            assembly {
                return(0, 1000000)
            }
        }
        if (mode == Mode.RevertBomb) {
            assembly {
                revert(0, 1000000)
            }
        }
        _replay();
    }

    receive() external payable override {
        if (mode == Mode.Reenter) _replay();
    }

    function _replay() private {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok,) = address(COORDINATOR).call(calls[i]);
            succeeded.push(ok);
        }
    }
}
