// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { FunctionsRequests, SecretsLocation } from "adyton/contracts/src/adapters/FunctionsRequests.sol";
import { IFunctionsRouter } from "adyton/contracts/src/adapters/IFunctionsRouter.sol";

/// What a consumer of plain Functions does (Chainlink's `FunctionsClient` and its starter's consumer): believes the nodes, checks that
/// the request is its last, keeps the hash of what comes.
contract PlainFunctionsConsumer {
    IFunctionsRouter private immutable ROUTER;
    bytes32 private immutable DON_ID;
    uint64 private immutable SUBSCRIPTION_ID;
    bytes32 private _lastRequestId;
    bytes32 public lastHash = bytes32(uint256(1));

    event RequestSent(bytes32 indexed id);
    event Response(bytes32 indexed requestId, bytes32 hash);

    error OnlyRouterCanFulfill();
    error UnexpectedRequestId(bytes32 requestId);

    constructor(IFunctionsRouter router, bytes32 donId, uint64 subscriptionId) {
        ROUTER = router;
        DON_ID = donId;
        SUBSCRIPTION_ID = subscriptionId;
    }

    function ask(string calldata source, bytes calldata argument) external returns (bytes32 requestId) {
        bytes memory data = FunctionsRequests.encodeCbor(source, SecretsLocation.None, "", argument);
        requestId = ROUTER.sendRequest(SUBSCRIPTION_ID, data, 1, 300_000, DON_ID);
        _lastRequestId = requestId;
        emit RequestSent(requestId);
    }

    function handleOracleFulfillment(bytes32 requestId, bytes memory response, bytes memory) external {
        require(msg.sender == address(ROUTER), OnlyRouterCanFulfill());
        require(requestId == _lastRequestId, UnexpectedRequestId(requestId));
        lastHash = keccak256(response);
        emit Response(requestId, lastHash);
    }
}
