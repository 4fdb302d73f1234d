// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import { Inference } from "adyton/contracts/src/Inference.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";

/// Asks a model when a city was founded, and keeps the year.
contract Founded is OracleConsumer {
    struct City {
        string name;
        /// `Unset` until it is answered: a year of 0 alone would not tell.
        AnswerStatus status;
        int256 year;
    }

    string private _model;

    mapping(bytes32 requestId => City) public cities;
    bytes32 public lastRequestId;

    constructor(IOracleCoordinator coordinator, bytes32 policyId, string memory model)
        OracleConsumer(coordinator, policyId)
    {
        _model = model;
    }

    function ask(string calldata city) external payable returns (bytes32 requestId) {
        bytes memory payload = Inference.encode(
            Inference.typed(
                _model, "Give the year in which the city was founded.", city, "(int256 year -10000..3000)"
            )
        );
        requestId = _request(_terms(0.001 ether), payload, msg.value);
        cities[requestId].name = city;
        lastRequestId = requestId;
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus status, uint64, bytes calldata output)
        internal
        override
    {
        City storage city = cities[requestId];
        city.status = status;
        if (status == AnswerStatus.Ok) city.year = abi.decode(output, (int256));
    }
}
