// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOracleCoordinator, Opening, Refusal, SignedLeaf } from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { Chain } from "../libraries/Chain.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request } from "../types/Request.sol";
import { Candidate } from "./Candidate.sol";
import { OpenedMember, Quorum, QuorumSet } from "./Quorum.sol";
import { QuorumCommitments } from "./QuorumCommitments.sol";
import { QuorumPayment } from "./QuorumPayment.sol";

/// @title QuorumSettlement
/// @notice Openings, and the end of a quorum. See `IOracleCoordinator` for what each function establishes.
abstract contract QuorumSettlement is QuorumCommitments, QuorumPayment {
    /// @dev What a measurement misses of a call that opens, and of each member that it opens.
    uint256 private constant UNMETERED_OPEN_GAS = 5_000;
    uint256 private constant UNMETERED_OPENING_GAS = 45_500;
    /// @dev Calldata without members, and of an opening without its output.
    uint256 private constant OPEN_BYTES = 708;
    uint256 private constant OPENING_BYTES = 352;
    /// @dev `fulfillQuorum` has both lists.
    uint256 private constant SECOND_LIST_BYTES = 64;

    /// @notice See `IOracleCoordinator`.
    function openQuorum(Request calldata request, Opening[] calldata openings) external nonReentrant {
        uint256 gasAtStart = gasleft();
        _openAndSettle(_load(request), openings, Cost(gasAtStart, 0, OPEN_BYTES, 0));
    }

    /// @notice See `IOracleCoordinator`.
    function fulfillQuorum(
        Request calldata request,
        SignedLeaf[] calldata leaves,
        Opening[] calldata openings
    ) external nonReentrant {
        uint256 gasAtStart = gasleft();
        Candidate candidate = _load(request);
        Cost memory cost = Cost(gasAtStart, 0, COMMIT_BYTES, 0);
        // Somebody may have committed the same leaves a moment before: then this only opens.
        if (_commit(candidate, leaves, cost)) {
            cost = Cost(gasleft(), cost.calldataBytes, SECOND_LIST_BYTES, 0);
        } else {
            cost.calldataBytes += SECOND_LIST_BYTES;
        }
        _openAndSettle(candidate, openings, cost);
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
        cost.calldataBytes += _openMembers(
            candidate, state, round, openings, block.timestamp <= openingsEndAt
        );
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

    /// @dev Reads openings. One of a member that opened before only carries its output.
    /// @return counted Calldata that is repaid: of those that are new, and of one that carries an output. Of the others offsets may name
    /// one any number of times.
    function _openMembers(
        Candidate candidate,
        RequestState state,
        Round memory round,
        Opening[] calldata openings,
        bool isInTime
    ) private returns (uint256 counted) {
        bytes32[] memory leaves = new bytes32[](openings.length);
        uint256 count = 0;
        uint256 carrying = 0;
        for (uint256 i = 0; i < openings.length; ++i) {
            uint256 size = OPENING_BYTES + ((openings[i].output.length + 31) & ~uint256(31));
            if (_openMember(candidate, state, round, openings[i], isInTime)) {
                leaves[count++] = candidate.answerHash();
                counted += size;
            } else if (size > carrying) {
                carrying = size;
            }
        }
        counted += carrying;
        if (count == 0) return counted;
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
}
