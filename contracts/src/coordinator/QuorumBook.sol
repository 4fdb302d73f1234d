// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOracleCoordinator, Refusal } from "../interfaces/IOracleCoordinator.sol";
import { Chain } from "../libraries/Chain.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { Request } from "../types/Request.sol";
import { Candidate, Candidates } from "./Candidate.sol";
import { Member, OpenedMember, QuorumHead, QuorumSet } from "./Quorum.sol";
import { Settlement } from "./Settlement.sol";

/// @title QuorumBook
/// @notice What committing, opening and paying know of a quorum.
abstract contract QuorumBook is Settlement {
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

    /// @dev What a call costs. `gasAtStart` counts in what is not measured: gas before the first `gasleft` (the coordinator's call of this
    /// code among it) and after the last.
    struct Cost {
        uint256 gasAtStart;
        uint256 calldataStart;
        uint256 calldataBytes;
        uint256 cleared;
    }

    function _loadRound(QuorumSet storage set) internal view returns (Round memory round) {
        round.head = set.head;
        uint256 size = round.head.size;
        round.members = new Member[](size);
        round.answers = new OpenedMember[](size);
        for (uint256 i = 0; i < size; ++i) {
            round.members[i] = set.members[i];
            if ((round.head.openedBits >> i) & 1 == 1) round.answers[i] = set.opened[i];
        }
    }

    /// @dev What a call costs in wei.
    function _book(Candidate candidate, Cost memory cost) internal returns (uint256) {
        uint256 dataFee = Chain.dataFee(CHAIN, cost.calldataBytes);
        uint256 tokens = SettlementGas.tokensOf(cost.calldataStart, cost.calldataStart + cost.calldataBytes);
        uint256 gas = _charge(tokens, cost.gasAtStart - gasleft(), cost.cleared);
        return gas * SettlementGas.repaidPrice(candidate.gasPriceCap()) + dataFee;
    }

    function _isOpened(Round memory round, uint256 index) internal pure returns (bool) {
        return (round.head.openedBits >> index) & 1 == 1;
    }

    function _countBits(uint256 bits) internal pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) {
            ++count;
        }
    }

    function _load(Request calldata request) internal pure returns (Candidate candidate) {
        candidate = Candidates.allocate();
        candidate.setRequest(request);
    }

    function _requireNone(bytes32 requestId, Refusal refusal) internal pure {
        require(refusal == Refusal.None, IOracleCoordinator.FulfillmentRefused(requestId, refusal));
    }
}
