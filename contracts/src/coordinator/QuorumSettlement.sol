// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOracleCoordinator, Opening, Refusal, SignedLeaf } from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { Chain } from "../libraries/Chain.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { Answers, AnswerStatus } from "../types/Answer.sol";
import { Aggregation, Delivery, Request } from "../types/Request.sol";
import { Candidate, Candidates } from "./Candidate.sol";
import { Member, OpenedMember, Quorum, QuorumHead, QuorumSet } from "./Quorum.sol";
import { Settlement } from "./Settlement.sol";

/// @title QuorumSettlement
/// @notice Quorums. See `IOracleCoordinator` for what each function establishes.
abstract contract QuorumSettlement is Settlement {
    /// @dev What a call knows of a quorum.
    /// @param size How many members are committed.
    /// @param newBits Members that open in this call.
    /// @param members As they are stored.
    /// @param answers Of those that opened, by index.
    struct Round {
        QuorumHead head;
        uint256 newBits;
        Member[] members;
        OpenedMember[] answers;
    }

    /// @dev What a call costs. `gasAtStart` counts in what is not measured.
    struct Cost {
        uint256 gasAtStart;
        uint256 calldataStart;
        uint256 calldataBytes;
        uint256 cleared;
    }

    /// @dev The members that a call adds.
    struct Addition {
        bytes32[] leaves;
        bytes32[] keysetIds;
        bytes32[] platformIds;
        uint256 count;
    }

    uint256 private constant MAX_MEMBERS = 8;

    /// @dev Gas that a measurement misses: before the first `gasleft` (the coordinator's call of this code among it) and after the
    /// last; and the same of each member that is added, opened, or paid.
    uint256 private constant UNMETERED_COMMIT_GAS = 8_000;
    uint256 private constant UNMETERED_LEAF_GAS = 22_500;
    uint256 private constant UNMETERED_OPEN_GAS = 5_000;
    uint256 private constant UNMETERED_OPENING_GAS = 45_500;
    uint256 private constant UNMETERED_SETTLE_GAS = 15_500;
    uint256 private constant UNMETERED_PAYEE_GAS = 600;
    /// @dev Calldata without members; of a leaf; of an opening without its output.
    uint256 private constant COMMIT_BYTES = 708;
    uint256 private constant LEAF_BYTES = 256;
    uint256 private constant OPEN_BYTES = 708;
    uint256 private constant OPENING_BYTES = 352;
    /// @dev `fulfillQuorum` has both lists.
    uint256 private constant SECOND_LIST_BYTES = 64;

    /// @notice See `IOracleCoordinator`.
    function commitQuorum(Request calldata request, SignedLeaf[] calldata leaves) external nonReentrant {
        uint256 gasAtStart = gasleft();
        Candidate candidate = _load(request);
        Cost memory cost = Cost(gasAtStart, 0, COMMIT_BYTES + leaves.length * LEAF_BYTES, 0);
        require(_commit(candidate, leaves, cost), IOracleCoordinator.QuorumClosed(candidate.requestId()));
    }

    /// @notice See `IOracleCoordinator`.
    function openQuorum(Request calldata request, Opening[] calldata openings) external nonReentrant {
        uint256 gasAtStart = gasleft();
        _openAndSettle(_load(request), openings, Cost(gasAtStart, 0, OPEN_BYTES + _bytesOf(openings), 0));
    }

    /// @notice See `IOracleCoordinator`.
    function fulfillQuorum(
        Request calldata request,
        SignedLeaf[] calldata leaves,
        Opening[] calldata openings
    ) external nonReentrant {
        uint256 gasAtStart = gasleft();
        Candidate candidate = _load(request);
        Cost memory cost = Cost(gasAtStart, 0, COMMIT_BYTES + leaves.length * LEAF_BYTES, 0);
        uint256 openingsBytes = SECOND_LIST_BYTES + _bytesOf(openings);
        // Somebody may have committed the same leaves a moment before: then this only opens.
        if (_commit(candidate, leaves, cost)) cost = Cost(gasleft(), cost.calldataBytes, openingsBytes, 0);
        else cost.calldataBytes += openingsBytes;
        _openAndSettle(candidate, openings, cost);
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
        private
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

    function _openAndSettle(Candidate candidate, Opening[] calldata openings, Cost memory cost) private {
        bytes32 requestId = candidate.requestId();
        RequestState state = _states[requestId];
        if (!state.isPending()) _requireNone(requestId, Refusal.NotPending);
        QuorumSet storage set = _quorums[requestId];
        Round memory round = _loadRound(set);
        uint256 windowEndsAt = round.head.windowEndsAt;
        require(
            windowEndsAt != 0 && block.timestamp >= windowEndsAt,
            IOracleCoordinator.QuorumNotOpen(requestId, windowEndsAt)
        );
        uint256 openingsEndAt = _openingsEndAt(windowEndsAt);
        _openMembers(candidate, state, round, openings, block.timestamp <= openingsEndAt);
        uint256 opened = _countBits(round.head.openedBits);
        bool isWhole = opened == round.head.size;
        bool isEnough = block.timestamp > openingsEndAt && opened >= candidate.threshold();
        if (isWhole || isEnough) {
            _settle(candidate, state, round, openings, cost);
        } else {
            require(round.newBits != 0, IOracleCoordinator.QuorumNotReady(requestId, openingsEndAt));
            _keep(candidate, set, round, cost);
        }
    }

    function _loadRound(QuorumSet storage set) private view returns (Round memory round) {
        round.head = set.head;
        uint256 size = round.head.size;
        round.members = new Member[](size);
        round.answers = new OpenedMember[](size);
        for (uint256 i = 0; i < size; ++i) {
            round.members[i] = set.members[i];
            if ((round.head.openedBits >> i) & 1 == 1) round.answers[i] = set.opened[i];
        }
    }

    /// @dev Reads openings. One of a member that opened before only carries its output.
    function _openMembers(
        Candidate candidate,
        RequestState state,
        Round memory round,
        Opening[] calldata openings,
        bool isInTime
    ) private {
        bytes32[] memory leaves = new bytes32[](openings.length);
        uint256 count = 0;
        for (uint256 i = 0; i < openings.length; ++i) {
            if (_openMember(candidate, state, round, openings[i], isInTime)) {
                leaves[count++] = candidate.answerHash();
            }
        }
        if (count == 0) return;
        // Memory-safe: shortens an array.
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
        emit IOracleCoordinator.QuorumOpened(candidate.requestId(), leaves);
    }

    function _openMember(
        Candidate candidate,
        RequestState state,
        Round memory round,
        Opening calldata opening,
        bool isInTime
    ) private view returns (bool isNew) {
        bytes32 requestId = candidate.requestId();
        candidate.setAnswer(opening.answer, opening.output);
        uint256 index = _indexOf(round, Quorum.leafKey(candidate.answerHash(), candidate.keysetId()));
        require(
            index < round.members.length,
            IOracleCoordinator.LeafNotCommitted(requestId, candidate.answerHash())
        );
        _requireNone(requestId, _openingRefusal(candidate, opening.output));
        if (_isOpened(round, index)) return false;
        require(
            isInTime, IOracleCoordinator.QuorumNotReady(requestId, _openingsEndAt(round.head.windowEndsAt))
        );
        candidate.setStateBlock(opening.stateBlockNumber, Chain.blockHash(CHAIN, opening.stateBlockNumber));
        _requireNone(requestId, _refusal(candidate, state));
        round.answers[index] = _answerOf(candidate, opening.output);
        round.head.openedBits |= uint8(1 << index);
        round.newBits |= 1 << index;
        return true;
    }

    function _answerOf(Candidate candidate, bytes calldata output)
        private
        pure
        returns (OpenedMember memory answer)
    {
        answer.status = candidate.status();
        answer.answeredAt = uint40(candidate.answeredAt());
        (answer.value, answer.isNumber) =
            Quorum.valueOf(answer.status, candidate.outputHash(), output, candidate.aggregation());
    }

    /// @dev An output travels where a median is taken of it, or where it may be delivered; if it does, it must be the answer's.
    function _openingRefusal(Candidate candidate, bytes calldata output) private pure returns (Refusal) {
        bool isNeeded = Quorum.isMedian(candidate.aggregation()) && candidate.status() == AnswerStatus.Ok;
        if (isNeeded || output.length != 0) {
            if (!isNeeded && candidate.delivery() != Delivery.Callback) return Refusal.OutputUnexpected;
            return _outputRefusal(candidate, output);
        }
        return Refusal.None;
    }

    /// @dev Keeps openings that do not settle yet.
    function _keep(Candidate candidate, QuorumSet storage set, Round memory round, Cost memory cost) private {
        uint256 count = _countBits(round.newBits);
        set.head = round.head;
        cost.gasAtStart += UNMETERED_OPEN_GAS + UNMETERED_OPENING_GAS * count;
        uint256 booked = _book(candidate, cost) / count;
        for (uint256 i = 0; i < round.members.length; ++i) {
            if ((round.newBits >> i) & 1 == 0) continue;
            set.opened[i] = round.answers[i];
            uint256 commitment = round.members[i].commitment;
            set.members[i].commitment =
                Quorum.commitmentOf(Quorum.leafKeyOf(commitment), Quorum.bookedWeiOf(commitment) + booked);
        }
    }

    /// @dev Ends the request: takes the set and the commitment away, lets the consumer know, pays.
    function _settle(
        Candidate candidate,
        RequestState state,
        Round memory round,
        Opening[] calldata openings,
        Cost memory cost
    ) private {
        OpenedMember[] memory opened = _openedOf(round);
        Quorum.Outcome memory outcome = Quorum.combine(opened, candidate.aggregation(), candidate.threshold());
        uint64 answeredAt = _oldest(opened);
        cost.cleared = _clear(candidate, round);
        (bool delivered, bytes32 keysetId, bytes32 outputHash) =
            _deliver(candidate, state, outcome, answeredAt, openings);
        cost.cleared += _clearedBy(candidate, delivered);
        uint256 paid = _pay(candidate, state, round, cost);
        emit IOracleCoordinator.Fulfilled(
            candidate.requestId(), keysetId, outcome.status, answeredAt, outputHash, delivered, paid
        );
    }

    function _deliver(
        Candidate candidate,
        RequestState state,
        Quorum.Outcome memory outcome,
        uint64 answeredAt,
        Opening[] calldata openings
    ) private returns (bool delivered, bytes32 keysetId, bytes32 outputHash) {
        bytes32 requestId = candidate.requestId();
        outputHash = outcome.isNumber ? keccak256(abi.encode(outcome.value)) : outcome.value;
        _states[requestId] = _settledState(candidate, state, outcome.status, answeredAt, outputHash);
        bytes calldata output;
        (keysetId, output) = _winner(candidate, outcome, openings);
        if (candidate.delivery() != Delivery.Callback) return (true, keysetId, outputHash);
        delivered = outcome.isNumber
            ? Callback.answerWord(candidate, outcome.status, answeredAt, outcome.value)
            : Callback.answer(candidate, outcome.status, answeredAt, output);
        if (!delivered) {
            _states[requestId] = RequestStates.newFailed(outcome.status, answeredAt, outputHash);
        }
    }

    /// @dev The opening whose answer is delivered. Where outputs travel, one must carry it.
    function _winner(Candidate candidate, Quorum.Outcome memory outcome, Opening[] calldata openings)
        private
        pure
        returns (bytes32 keysetId, bytes calldata output)
    {
        output = msg.data[0:0];
        if (outcome.isNumber || outcome.status == AnswerStatus.Disagreed) return (0, output);
        bool isCarried = candidate.delivery() != Delivery.Callback || outcome.value == keccak256("");
        for (uint256 i = 0; i < openings.length; ++i) {
            Opening calldata opening = openings[i];
            if (opening.answer.status != outcome.status || opening.answer.outputHash != outcome.value) {
                continue;
            }
            keysetId = opening.answer.keysetId;
            if (isCarried) return (keysetId, output);
            if (opening.output.length != 0) return (keysetId, opening.output);
        }
        if (!isCarried) _requireNone(candidate.requestId(), Refusal.OutputMismatch);
    }

    /// @dev Each member that opened earns its part of the fee, whatever comes out, and what its transactions cost; gas is scaled down
    /// when the escrow is short. The rest goes back.
    function _pay(Candidate candidate, RequestState state, Round memory round, Cost memory cost)
        private
        returns (uint256 paid)
    {
        uint256 escrow = state.escrow();
        uint256[] memory fees = new uint256[](round.members.length);
        uint256[] memory costs = new uint256[](round.members.length);
        uint256 feeTotal = _fees(candidate, round, escrow, fees);
        // All hold something new while gas is measured: to write them again costs the same, whatever they held.
        _giveBack(candidate, escrow);
        uint256 payees = 0;
        for (uint256 i = 0; i < fees.length; ++i) {
            if (!_earnsGas(round, i)) continue;
            _credits[Quorum.payeeOf(round.members[i].party)] += escrow;
            ++payees;
        }
        if (payees == 0) return 0;
        cost.gasAtStart += UNMETERED_SETTLE_GAS + UNMETERED_PAYEE_GAS * payees;
        uint256 costTotal = _costs(round, _book(candidate, cost), costs);
        uint256 costLimit = escrow - feeTotal;
        for (uint256 i = 0; i < fees.length; ++i) {
            if (!_earnsGas(round, i)) continue;
            uint256 part = costTotal > costLimit ? costs[i] * costLimit / costTotal : costs[i];
            part += fees[i];
            _credits[Quorum.payeeOf(round.members[i].party)] -= escrow - part;
            paid += part;
        }
        _takeBack(candidate, paid);
    }

    function _fees(Candidate candidate, Round memory round, uint256 escrow, uint256[] memory fees)
        private
        pure
        returns (uint256 total)
    {
        uint256 parts = _countBits(round.head.openedBits);
        if (parts < candidate.threshold()) parts = candidate.threshold();
        uint256 fee = candidate.fee();
        uint256 share = (fee < escrow ? fee : escrow) / parts;
        for (uint256 i = 0; i < fees.length; ++i) {
            if (!_isOpened(round, i) || !Answers.earnsFee(round.answers[i].status)) continue;
            fees[i] = share;
            total += share;
        }
    }

    /// @dev What was booked to each member, and of this transaction's cost an equal part to those that it opened (to all that opened, when
    /// it opened none).
    function _costs(Round memory round, uint256 bookedNow, uint256[] memory costs)
        private
        pure
        returns (uint256 total)
    {
        uint256 sharing = round.newBits == 0 ? round.head.openedBits : round.newBits;
        uint256 share = bookedNow / _countBits(sharing);
        for (uint256 i = 0; i < costs.length; ++i) {
            if (!_earnsGas(round, i)) continue;
            costs[i] = Quorum.bookedWeiOf(round.members[i].commitment);
            if ((sharing >> i) & 1 == 1) costs[i] += share;
            total += costs[i];
        }
    }

    /// @dev What a call costs in wei.
    function _book(Candidate candidate, Cost memory cost) private returns (uint256) {
        uint256 dataFee = Chain.dataFee(CHAIN, cost.calldataBytes);
        uint256 tokens = SettlementGas.tokensOf(cost.calldataStart, cost.calldataStart + cost.calldataBytes);
        uint256 gas = _charge(tokens, cost.gasAtStart - gasleft(), cost.cleared);
        return gas * SettlementGas.repaidPrice(candidate.gasPriceCap()) + dataFee;
    }

    /// @dev Forgets the set of a request that is settled.
    /// @return cleared Gas that EIP-3529 gives back for it.
    function _clear(Candidate candidate, Round memory round) private returns (uint256 cleared) {
        QuorumSet storage set = _quorums[candidate.requestId()];
        delete set.head;
        cleared = CLEARED_SLOT_GAS;
        uint256 stored = round.head.openedBits & ~round.newBits;
        for (uint256 i = 0; i < round.members.length; ++i) {
            delete set.members[i];
            cleared += 2 * CLEARED_SLOT_GAS;
            if ((stored >> i) & 1 == 0) continue;
            delete set.opened[i];
            cleared += 2 * CLEARED_SLOT_GAS;
        }
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

    function _openedOf(Round memory round) private pure returns (OpenedMember[] memory opened) {
        opened = new OpenedMember[](_countBits(round.head.openedBits));
        uint256 filled = 0;
        for (uint256 i = 0; i < round.answers.length; ++i) {
            if (_isOpened(round, i)) opened[filled++] = round.answers[i];
        }
    }

    function _oldest(OpenedMember[] memory opened) private pure returns (uint64 answeredAt) {
        answeredAt = type(uint40).max;
        for (uint256 i = 0; i < opened.length; ++i) {
            if (opened[i].answeredAt < answeredAt) answeredAt = opened[i].answeredAt;
        }
    }

    function _indexOf(Round memory round, bytes24 leafKey) private pure returns (uint256 index) {
        while (index < round.members.length && Quorum.leafKeyOf(round.members[index].commitment) != leafKey) {
            ++index;
        }
    }

    function _isOpened(Round memory round, uint256 index) private pure returns (bool) {
        return (round.head.openedBits >> index) & 1 == 1;
    }

    function _earnsGas(Round memory round, uint256 index) private pure returns (bool) {
        return _isOpened(round, index) && Answers.earnsGas(round.answers[index].status);
    }

    function _countBits(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) {
            ++count;
        }
    }

    function _bytesOf(Opening[] calldata openings) private pure returns (uint256 size) {
        for (uint256 i = 0; i < openings.length; ++i) {
            size += OPENING_BYTES + ((openings[i].output.length + 31) & ~uint256(31));
        }
    }

    function _load(Request calldata request) private pure returns (Candidate candidate) {
        candidate = Candidates.allocate();
        candidate.setRequest(request);
    }

    function _requireNone(bytes32 requestId, Refusal refusal) private pure {
        require(refusal == Refusal.None, IOracleCoordinator.FulfillmentRefused(requestId, refusal));
    }
}
