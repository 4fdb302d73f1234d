// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { RequestState } from "../libraries/RequestState.sol";
import { Answers } from "../types/Answer.sol";
import { Candidate } from "./Candidate.sol";
import { Quorum } from "./Quorum.sol";
import { QuorumBook } from "./QuorumBook.sol";

/// @title QuorumPayment
/// @notice What each member of a quorum earns.
abstract contract QuorumPayment is QuorumBook {
    /// @dev What a measurement misses of a call that settles, and of each payee.
    uint256 private constant UNMETERED_SETTLE_GAS = 15_500;
    uint256 private constant UNMETERED_PAYEE_GAS = 600;

    /// @dev Each member that opened earns its part of the fee, whatever comes out, and what its transactions cost; gas is scaled down
    /// when the escrow is short. The rest goes back.
    function _pay(Candidate candidate, RequestState state, Round memory round, Cost memory cost)
        internal
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

    function _earnsGas(Round memory round, uint256 index) private pure returns (bool) {
        return _isOpened(round, index) && Answers.earnsGas(round.answers[index].status);
    }
}
