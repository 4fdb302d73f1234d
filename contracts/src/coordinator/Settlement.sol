// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal } from "../interfaces/IOracleCoordinator.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { GasMeter, SettlementGas } from "../libraries/SettlementGas.sol";
import { Answers, AnswerStatus } from "../types/Answer.sol";
import { Delivery } from "../types/Request.sol";
import { Candidate } from "./Candidate.sol";
import { QuorumSet } from "./Quorum.sol";
import { SubscriptionLedger } from "./SubscriptionLedger.sol";

/// @title Settlement
/// @notice What the coordinator and its extension share: storage, the conditions of an answer, and where money goes. Both run on
/// one storage, so the extension may declare no variable, and the coordinator none before these.
abstract contract Settlement is SubscriptionLedger, ReentrancyGuardTransient {
    /// @dev EIP-3529.
    uint256 internal constant CLEARED_SLOT_GAS = 4_800;
    /// @dev Time to include the openings, a few blocks: members know each other's answers when the window ends.
    uint256 internal constant OPENING_SECONDS = 60;

    IEnclaveRegistry internal immutable REGISTRY;
    IChainAdapter internal immutable CHAIN;
    uint32 internal immutable FALLBACK_WINDOW;
    uint32 internal immutable CANCEL_DELAY;

    mapping(bytes32 requestId => RequestState) internal _states;
    mapping(address account => uint256) internal _credits;
    mapping(bytes32 requestId => QuorumSet) internal _quorums;
    /// @dev A `GasMeter`, 64 bits a field. Not zero: this transaction's base cost was repaid.
    uint256 private transient _meter;

    constructor(
        IEnclaveRegistry enclaves,
        IChainAdapter chain,
        uint32 fallbackWindowSeconds,
        uint32 cancelDelaySeconds
    ) {
        REGISTRY = enclaves;
        CHAIN = chain;
        FALLBACK_WINDOW = fallbackWindowSeconds;
        CANCEL_DELAY = cancelDelaySeconds;
    }

    /// @dev What can refuse an answer whatever its output and signature. A code and not a revert, since a bad item must not stop
    /// the rest of a batch.
    function _refusal(Candidate candidate, RequestState state) internal view returns (Refusal) {
        if (candidate.answeredRequestId() != candidate.requestId()) return Refusal.AnswersAnotherRequest;
        AnswerStatus status = candidate.status();
        if (!Answers.isSigned(status)) return Refusal.StatusInvalid;
        if (Answers.isLastResort(status) && block.timestamp + FALLBACK_WINDOW < candidate.deadline()) {
            return Refusal.FallbackWindowNotReached;
        }
        bytes32 canonicalHash = candidate.canonicalHash();
        if (candidate.stateBlockNumber() < state.requestBlock()) return Refusal.StateBlockTooOld;
        if (canonicalHash == 0) return Refusal.StateBlockUnknown;
        if (candidate.stateBlockHash() != canonicalHash) return Refusal.StateBlockMismatch;
        if (!Answers.isTimely(status, candidate.answeredAt(), candidate.requestedAt())) {
            return Refusal.AnsweredAtOutOfRange;
        }
        return Refusal.None;
    }

    /// @dev What can refuse an output that travels.
    function _outputRefusal(Candidate candidate, bytes calldata output) internal pure returns (Refusal) {
        if (!candidate.isOutputHashed() && keccak256(output) != candidate.outputHash()) {
            return Refusal.OutputMismatch;
        }
        if (output.length > candidate.maxOutputBytes()) return Refusal.OutputTooLarge;
        if (candidate.status() != AnswerStatus.Ok && output.length != 0) return Refusal.OutputUnexpected;
        return Refusal.None;
    }

    /// @dev A request that can be settled now; what refuses it else.
    function _requestRefusal(Candidate candidate, RequestState state) internal view returns (Refusal) {
        if (!state.isPending()) return Refusal.NotPending;
        if (block.timestamp > candidate.deadline()) return Refusal.DeadlinePassed;
        uint256 cancelAt = state.cancelAt();
        if (cancelAt != 0 && block.timestamp >= cancelAt) return Refusal.Cancelled;
        return Refusal.None;
    }

    /// @dev What an ended request leaves. In the second of its making its id stays taken, or the same question would get it again.
    function _endedState(uint256 requestedAt) internal view returns (RequestState) {
        return requestedAt == block.timestamp ? RequestStates.TAKEN : RequestStates.NONE;
    }

    /// @dev What a settled request leaves before its callback.
    function _settledState(
        Candidate candidate,
        RequestState state,
        AnswerStatus status,
        uint64 answeredAt,
        bytes32 outputHash
    ) internal view returns (RequestState) {
        Delivery delivery = candidate.delivery();
        if (delivery == Delivery.Hash) return RequestStates.newAnswered(status, answeredAt, outputHash);
        if (delivery == Delivery.Pull) return state.pulled();
        return _endedState(candidate.requestedAt());
    }

    /// @dev What this transaction used before, and its base cost if nobody was repaid that yet.
    function _openMeter() internal view returns (GasMeter memory meter, uint256 base) {
        uint256 word = _meter;
        if (word == 0) return (meter, SettlementGas.TRANSACTION);
        meter.tokens = uint64(word);
        meter.executed = uint64(word >> 64);
        meter.cleared = uint64(word >> 128);
        meter.charged = word >> 192;
    }

    function _closeMeter(GasMeter memory meter) internal {
        _setMeter(meter.tokens, meter.executed, meter.cleared, meter.charged);
    }

    /// @dev What one settlement is charged, its part in the base cost included.
    function _charge(uint256 tokens, uint256 executed, uint256 cleared) internal returns (uint256 gas) {
        if (_meter == 0) {
            // The first of its transaction, and nearly always the only one.
            gas = SettlementGas.charged(tokens, executed, cleared);
            _setMeter(tokens, executed, cleared, gas);
            return SettlementGas.TRANSACTION + gas;
        }
        (GasMeter memory meter,) = _openMeter();
        gas = SettlementGas.add(meter, tokens, executed, cleared);
        _closeMeter(meter);
    }

    function _setMeter(uint256 tokens, uint256 executed, uint256 cleared, uint256 charged) private {
        _meter = tokens | (executed << 64) | (cleared << 128) | (charged << 192);
    }

    function _giveBack(Candidate candidate, uint256 amount) internal {
        uint64 subscriptionId = candidate.subscriptionId();
        if (subscriptionId != 0) {
            _credit(subscriptionId, amount);
            return;
        }
        // Unchecked: a sum of wei that this contract holds.
        unchecked {
            _credits[candidate.refundTo()] += amount;
        }
    }

    /// @dev Only of what `_giveBack` gave in this call.
    function _takeBack(Candidate candidate, uint256 amount) internal {
        uint64 subscriptionId = candidate.subscriptionId();
        if (subscriptionId != 0) {
            _debit(subscriptionId, amount);
            return;
        }
        // Unchecked: it was given.
        unchecked {
            _credits[candidate.refundTo()] -= amount;
        }
    }

    /// @dev When members of a quorum can no longer open.
    function _openingsEndAt(uint256 windowEndsAt) internal pure returns (uint256) {
        return windowEndsAt + OPENING_SECONDS;
    }

    /// @dev Gas for EIP-3529 that ending the request gives back.
    function _clearedBy(Candidate candidate, bool delivered) internal view returns (uint256) {
        bool isCleared = delivered && candidate.delivery() == Delivery.Callback
            && candidate.requestedAt() != block.timestamp;
        return isCleared ? CLEARED_SLOT_GAS : 0;
    }

    function _pendingState(bytes32 requestId) internal view returns (RequestState state) {
        state = _states[requestId];
        require(state.isPending(), IOracleCoordinator.RequestNotPending(requestId));
    }
}
