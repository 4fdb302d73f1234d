// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOracleCoordinator, Refusal, SignedLeaf } from "../interfaces/IOracleCoordinator.sol";
import { RequestState } from "../libraries/RequestState.sol";
import { Answers } from "../types/Answer.sol";
import { Request } from "../types/Request.sol";
import { Candidate } from "./Candidate.sol";
import { Member, Quorum, QuorumHead, QuorumSet } from "./Quorum.sol";
import { QuorumBook } from "./QuorumBook.sol";

/// @title QuorumCommitments
/// @notice Sets of leaves: who is added, when the window starts, and what is left of a set that did not open.
abstract contract QuorumCommitments is QuorumBook {
    /// @dev The members that a call adds.
    struct Addition {
        bytes32[] leaves;
        bytes32[] keysetIds;
        bytes32[] platformIds;
        uint256 count;
    }

    uint256 private constant MAX_MEMBERS = 8;
    /// @dev What a measurement misses of a call that commits, and of each member that it adds.
    uint256 private constant UNMETERED_COMMIT_GAS = 8_000;
    uint256 private constant UNMETERED_LEAF_GAS = 22_500;
    /// @dev Calldata without members, and of a leaf.
    uint256 internal constant COMMIT_BYTES = 708;
    uint256 private constant LEAF_BYTES = 256;

    /// @notice See `IOracleCoordinator`.
    function commitQuorum(Request calldata request, SignedLeaf[] calldata leaves) external nonReentrant {
        uint256 gasAtStart = gasleft();
        Candidate candidate = _load(request);
        Cost memory cost = Cost(gasAtStart, 0, COMMIT_BYTES, 0);
        require(_commit(candidate, leaves, cost), IOracleCoordinator.QuorumClosed(candidate.requestId()));
    }

    /// @notice See `IOracleCoordinator`.
    function clearQuorum(Request calldata request) external nonReentrant {
        Candidate candidate = _load(request);
        bytes32 requestId = candidate.requestId();
        RequestState state = _pendingState(requestId);
        QuorumSet storage set = _quorums[requestId];
        QuorumHead memory head = set.head;
        uint256 openingsEndAt = _openingsEndAt(head.windowEndsAt);
        require(
            head.windowEndsAt != 0 && block.timestamp > openingsEndAt
                && _countBits(head.openedBits) < candidate.threshold(),
            IOracleCoordinator.QuorumNotReady(requestId, openingsEndAt)
        );
        _keepOpened(set, head);
        _states[requestId] = state.withCommittedAt(0);
        emit IOracleCoordinator.QuorumCleared(requestId);
    }

    /// @return isOpen False, and nothing done, when the window has ended.
    function _commit(Candidate candidate, SignedLeaf[] calldata leaves, Cost memory cost)
        internal
        returns (bool isOpen)
    {
        bytes32 requestId = candidate.requestId();
        RequestState state = _states[requestId];
        _requireNone(requestId, _requestRefusal(candidate, state));
        if (candidate.threshold() == 1) _requireNone(requestId, Refusal.ThresholdNotMet);
        QuorumSet storage set = _quorums[requestId];
        QuorumHead memory head = set.head;
        if (head.windowEndsAt != 0 && block.timestamp >= head.windowEndsAt) return false;

        uint256 first = head.size;
        Addition memory added = _add(candidate, set, head, leaves);
        require(added.count != 0, IOracleCoordinator.LeavesNotNew(requestId));
        if (head.windowEndsAt == 0 && head.size >= candidate.threshold()) {
            _startWindow(candidate, state, head);
        }
        set.head = head;
        emit IOracleCoordinator.QuorumCommitted(
            requestId, added.leaves, added.keysetIds, added.platformIds, head.windowEndsAt
        );

        cost.gasAtStart += UNMETERED_COMMIT_GAS + UNMETERED_LEAF_GAS * added.count;
        // Leaves that are passed over are nobody's to pay: offsets may name one of them any number of times.
        cost.calldataBytes += LEAF_BYTES * added.count;
        uint256 booked = _book(candidate, cost) / added.count;
        for (uint256 i = 0; i < added.count; ++i) {
            set.members[first + i].commitment =
                Quorum.commitmentOf(Quorum.leafKey(added.leaves[i], added.keysetIds[i]), booked);
        }
        return true;
    }

    /// @dev Adds those of `leaves` whose platform (and vendor) is new. The others are passed over and not refused: another
    /// transaction may have added them a moment before.
    function _add(
        Candidate candidate,
        QuorumSet storage set,
        QuorumHead memory head,
        SignedLeaf[] calldata leaves
    ) private returns (Addition memory added) {
        added.leaves = new bytes32[](leaves.length);
        added.keysetIds = new bytes32[](leaves.length);
        added.platformIds = new bytes32[](leaves.length);
        uint256[] memory parties = new uint256[](MAX_MEMBERS);
        for (uint256 i = 0; i < head.size; ++i) {
            parties[i] = set.members[i].party;
        }
        for (uint256 i = 0; i < leaves.length && head.size < MAX_MEMBERS; ++i) {
            SignedLeaf calldata signed = leaves[i];
            (uint256 party, bytes32 platformId, bool distinctVendors) = _partyOf(candidate, signed);
            if (!_isNew(set, head, parties, party, distinctVendors)) continue;
            parties[head.size] = party;
            set.members[head.size].party = party;
            head.size += 1;
            (added.leaves[added.count], added.keysetIds[added.count]) = (signed.leaf, signed.keysetId);
            added.platformIds[added.count] = platformId;
            added.count += 1;
        }
        (bytes32[] memory one, bytes32[] memory two, bytes32[] memory three) =
            (added.leaves, added.keysetIds, added.platformIds);
        uint256 count = added.count;
        // Memory-safe: shortens arrays.
        assembly ("memory-safe") {
            mstore(one, count)
            mstore(two, count)
            mstore(three, count)
        }
    }

    function _partyOf(Candidate candidate, SignedLeaf calldata signed)
        private
        view
        returns (uint256 party, bytes32 platformId, bool distinctVendors)
    {
        bytes32 digest = Answers.quorumLeafDigest(
            candidate.requestId(), signed.leaf, signed.keysetId, block.chainid, address(this)
        );
        address payee;
        uint8 vendor;
        (payee, platformId, vendor, distinctVendors) = REGISTRY.memberOf(
            candidate.policyId(),
            candidate.requestedAt(),
            signed.keysetId,
            Answers.recover(digest, signed.signature)
        );
        party = Quorum.partyOf(payee, platformId, vendor);
    }

    function _isNew(
        QuorumSet storage set,
        QuorumHead memory head,
        uint256[] memory parties,
        uint256 party,
        bool distinctVendors
    ) private view returns (bool) {
        bytes11 platformTag = Quorum.platformTagOf(party);
        if (head.hasBarred && set.isBarred[platformTag]) return false;
        for (uint256 i = 0; i < head.size; ++i) {
            if (Quorum.platformTagOf(parties[i]) == platformTag) return false;
            if (distinctVendors && Quorum.vendorOf(parties[i]) == Quorum.vendorOf(party)) return false;
        }
        return true;
    }

    function _startWindow(Candidate candidate, RequestState state, QuorumHead memory head) private {
        (uint16 windowSeconds,) = REGISTRY.quorumTerms(candidate.policyId());
        head.windowEndsAt = uint40(block.timestamp) + windowSeconds;
        bytes32 requestId = candidate.requestId();
        if (_openingsEndAt(head.windowEndsAt) > candidate.deadline()) {
            _requireNone(requestId, Refusal.DeadlinePassed);
        }
        _states[requestId] = state.withCommittedAt(uint40(block.timestamp));
    }

    /// @dev Removes the members that did not open, and bars their platforms.
    function _keepOpened(QuorumSet storage set, QuorumHead memory head) private {
        uint256 kept = 0;
        for (uint256 i = 0; i < head.size; ++i) {
            Member memory member = set.members[i];
            bool isOpened = (head.openedBits >> i) & 1 == 1;
            if (!isOpened) set.isBarred[Quorum.platformTagOf(member.party)] = true;
            if (isOpened) {
                if (kept != i) {
                    set.members[kept] = member;
                    set.opened[kept] = set.opened[i];
                }
                ++kept;
            }
        }
        for (uint256 i = kept; i < head.size; ++i) {
            delete set.members[i];
            delete set.opened[i];
        }
        set.head = QuorumHead({
            windowEndsAt: 0, size: uint8(kept), openedBits: uint8((1 << kept) - 1), hasBarred: true
        });
    }
}
