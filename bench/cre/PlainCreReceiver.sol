// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { IReceiver } from "adyton/contracts/src/adapters/IReceiver.sol";

/// What a consumer of plain CRE does (Chainlink's `ReceiverTemplate`): believes its forwarder, keeps the hash of what comes.
contract PlainCreReceiver is IReceiver, IERC165 {
    address private immutable FORWARDER;
    bytes32 public lastHash = bytes32(uint256(1));

    event Response(bytes report);

    error NotForwarder(address caller);

    constructor(address forwarder) {
        FORWARDER = forwarder;
    }

    function onReport(bytes calldata, bytes calldata report) external {
        require(msg.sender == FORWARDER, NotForwarder(msg.sender));
        lastHash = keccak256(report);
        emit Response(report);
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IReceiver).interfaceId || id == type(IERC165).interfaceId;
    }
}
