// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleConsumerBase } from "./consumer/OracleConsumerBase.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "./types/Answer.sol";

/// @title ReplaceableOracleConsumer
/// @notice An `OracleConsumer` whose coordinator and policy can be replaced: proposed, then after a delay that its users can leave in,
/// put in place. Requests in flight are not lost: the coordinator that was replaced is believed for 7 days more.
/// @dev Establishes: nobody is asked or believed who was not proposed `REPLACEMENT_DELAY_SECONDS` before; at most two
/// coordinators are believed at a time; a proposal ends 14 days after its time.
abstract contract ReplaceableOracleConsumer is OracleConsumerBase {
    /// @notice Emitted when a coordinator is proposed; zero takes the proposal back.
    event CoordinatorProposed(IOracleCoordinator indexed coordinator, bytes32 policyId, uint40 replaceableAt);
    /// @notice Emitted when the coordinator was replaced.
    event CoordinatorReplaced(
        IOracleCoordinator indexed coordinator,
        bytes32 policyId,
        IOracleCoordinator previous,
        uint40 believedUntil
    );

    /// @notice Thrown when no proposal waits (`replaceableAt` 0), its time has not come, or the coordinator that was replaced last is
    /// still believed until then.
    error NotReplaceable(uint40 replaceableAt);

    struct Proposal {
        IOracleCoordinator coordinator;
        uint40 replaceableAt;
        bytes32 policyId;
    }

    /// @dev Longest life of a request: after it nothing of the old coordinator's is in flight.
    uint40 private constant BELIEVED_SECONDS = 7 days;
    uint40 private constant PROPOSAL_LIFETIME_SECONDS = 14 days;

    /// @notice How long a proposed coordinator waits.
    uint40 public immutable REPLACEMENT_DELAY_SECONDS;
    /// @notice The coordinator that this contract asks.
    IOracleCoordinator public coordinator;
    /// @notice Until when `previousCoordinator` is believed too, seconds since the epoch.
    uint40 public previousBelievedUntil;
    /// @notice The coordinator that was replaced last.
    IOracleCoordinator public previousCoordinator;
    /// @notice The appraisal policy that an answering enclave must be admitted under.
    bytes32 public policyId;
    /// @notice The coordinator that waits to be put in place.
    Proposal public proposal;

    constructor(IOracleCoordinator firstCoordinator, bytes32 firstPolicyId, uint40 replacementDelaySeconds) {
        _requirePolicy(firstCoordinator, firstPolicyId);
        coordinator = firstCoordinator;
        policyId = firstPolicyId;
        REPLACEMENT_DELAY_SECONDS = replacementDelaySeconds;
    }

    /// @notice Proposes another coordinator, and a policy of its registry. Replaces an earlier proposal; zero takes it back.
    function proposeCoordinator(IOracleCoordinator newCoordinator, bytes32 newPolicyId) external {
        _authorizeReplacement();
        if (address(newCoordinator) == address(0)) {
            delete proposal;
        } else {
            _requirePolicy(newCoordinator, newPolicyId);
            uint40 replaceableAt = uint40(block.timestamp) + REPLACEMENT_DELAY_SECONDS;
            proposal = Proposal(newCoordinator, replaceableAt, newPolicyId);
        }
        emit CoordinatorProposed(newCoordinator, newPolicyId, proposal.replaceableAt);
    }

    /// @notice Puts the proposed coordinator in place.
    function replaceCoordinator() external {
        _authorizeReplacement();
        Proposal memory proposed = proposal;
        if (block.timestamp > proposed.replaceableAt + PROPOSAL_LIFETIME_SECONDS) proposed.replaceableAt = 0;
        require(
            proposed.replaceableAt != 0 && block.timestamp >= proposed.replaceableAt,
            NotReplaceable(proposed.replaceableAt)
        );
        require(block.timestamp > previousBelievedUntil, NotReplaceable(previousBelievedUntil + 1));
        delete proposal;
        previousCoordinator = coordinator;
        previousBelievedUntil = uint40(block.timestamp) + BELIEVED_SECONDS;
        coordinator = proposed.coordinator;
        policyId = proposed.policyId;
        emit CoordinatorReplaced(coordinator, policyId, previousCoordinator, previousBelievedUntil);
    }

    /// @dev Yours: reverts unless the caller may propose and replace.
    function _authorizeReplacement() internal view virtual;

    /// @notice As `_withdrawCredit`, from the coordinator that was replaced last.
    function _withdrawPreviousCredit(address payable to) internal {
        previousCoordinator.withdrawTo(to);
    }

    /// @inheritdoc OracleConsumerBase
    function _isBelieved(address caller) internal view override returns (bool) {
        return caller == address(coordinator)
            || (caller == address(previousCoordinator) && block.timestamp <= previousBelievedUntil);
    }

    /// @inheritdoc OracleConsumerBase
    function _coordinator() internal view override returns (IOracleCoordinator) {
        return coordinator;
    }

    /// @inheritdoc OracleConsumerBase
    function _policyId() internal view override returns (bytes32) {
        return policyId;
    }
}
