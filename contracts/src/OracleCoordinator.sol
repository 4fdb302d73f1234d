// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AnswerSettlement } from "./coordinator/AnswerSettlement.sol";
import { CoordinatorExtension } from "./coordinator/CoordinatorExtension.sol";
import { Member, Quorum, QuorumHead, QuorumSet } from "./coordinator/Quorum.sol";
import { RequestBook } from "./coordinator/RequestBook.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Opening, QuorumMember, SignedLeaf } from "./interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "./types/Answer.sol";
import { Request } from "./types/Request.sol";

/// @title OracleCoordinator
/// @notice See `IOracleCoordinator` for what each function establishes and does not.
/// @dev Requests, single answers and batches are here. Quorums, refunds and second deliveries are in `CoordinatorExtension`, code that
/// this contract deploys for itself and runs on its own storage: together they exceed what a contract may hold (EIP-170).
contract OracleCoordinator is RequestBook, AnswerSettlement {
    CoordinatorExtension private immutable EXTENSION;

    /// @param enclaves The registry whose keys settle.
    /// @param chain Adapter of the chain; zero on chains with Ethereum's rules.
    /// @param guardian Who may stop new requests; zero for nobody.
    /// @param fallbackWindowSeconds How long before the deadline answers settle that a single host or odd node can cause.
    /// @param cancelDelaySeconds How long a notice of cancellation waits; longer than the fallback window.
    constructor(
        IEnclaveRegistry enclaves,
        IChainAdapter chain,
        address guardian,
        uint32 fallbackWindowSeconds,
        uint32 cancelDelaySeconds
    ) RequestBook(enclaves, chain, guardian, fallbackWindowSeconds, cancelDelaySeconds) {
        EXTENSION = new CoordinatorExtension(enclaves, chain, fallbackWindowSeconds, cancelDelaySeconds);
    }

    /// @inheritdoc IOracleCoordinator
    function commitQuorum(Request calldata, SignedLeaf[] calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function openQuorum(Request calldata, Opening[] calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillQuorum(Request calldata, SignedLeaf[] calldata, Opening[] calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function clearQuorum(Request calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function deliver(Request calldata, AnswerStatus, uint64, bytes calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function clearFailed(Request calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function refund(Request calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function cancel(Request calldata) external {
        _runExtension();
    }

    /// @inheritdoc IOracleCoordinator
    function quorumOf(bytes32 requestId)
        external
        view
        returns (QuorumMember[] memory members, uint40 windowEndsAt, uint40 openingsEndAt)
    {
        QuorumSet storage set = _quorums[requestId];
        QuorumHead memory head = set.head;
        members = new QuorumMember[](head.size);
        for (uint256 i = 0; i < members.length; ++i) {
            Member memory member = set.members[i];
            members[i] = QuorumMember({
                leafKey: Quorum.leafKeyOf(member.commitment),
                platformTag: Quorum.platformTagOf(member.party),
                payee: Quorum.payeeOf(member.party),
                isOpened: (head.openedBits >> i) & 1 == 1
            });
        }
        windowEndsAt = head.windowEndsAt;
        if (windowEndsAt != 0) openingsEndAt = uint40(_openingsEndAt(windowEndsAt));
    }

    /// @dev Runs the call in `CoordinatorExtension`, on this contract's storage.
    function _runExtension() private {
        address extension = address(EXTENSION);
        // Memory may be overwritten: either branch leaves the call.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let succeeded := delegatecall(gas(), extension, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(succeeded) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}
