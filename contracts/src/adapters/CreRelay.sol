// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import { IOracleCoordinator, SignedAnswer } from "../interfaces/IOracleCoordinator.sol";
import { Request } from "../types/Request.sol";
import { IReceiver } from "./IReceiver.sol";

/// @title CreRelay
/// @notice Makes a workflow of Chainlink's CRE one more transmitter of a coordinator: it hands a report on as a fulfilment.
/// @dev Establishes: what `OracleCoordinator.fulfill` does, for which everybody is as good a sender. The fee goes to the payee of the
/// enclave's keyset; this contract holds nothing and trusts no forwarder.
/// @dev Warning: a report that the coordinator refuses reverts, and the forwarder notes it as failed: it may be tried again.
contract CreRelay is IReceiver, IERC165 {
    /// @notice Where answers settle.
    IOracleCoordinator public immutable COORDINATOR;

    constructor(IOracleCoordinator coordinator) {
        COORDINATOR = coordinator;
    }

    /// @notice A report of a workflow, or of anybody.
    /// @param report `abi.encode(Request, SignedAnswer)`.
    function onReport(bytes calldata, bytes calldata report) external {
        (Request memory request, SignedAnswer memory signed) = abi.decode(report, (Request, SignedAnswer));
        COORDINATOR.fulfill(request, signed);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IReceiver).interfaceId || id == type(IERC165).interfaceId;
    }
}
