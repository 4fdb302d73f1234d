// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator, Refusal, SignedAnswer } from "./interfaces/IOracleCoordinator.sol";
import { IPolicyRegistry } from "./interfaces/IPolicyRegistry.sol";
import { Callback } from "./libraries/Callback.sol";
import { Chain } from "./libraries/Chain.sol";
import { RequestState, RequestStates } from "./libraries/RequestState.sol";
import { SettlementGas } from "./libraries/SettlementGas.sol";
import { Answer, Answers, AnswerStatus } from "./types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "./types/Request.sol";

/// @title OracleCoordinator
/// @notice See `IOracleCoordinator` for what each function establishes and does not.
contract OracleCoordinator is IOracleCoordinator, ReentrancyGuardTransient {
    /// @dev docs/reference/protocol.md, Limits.
    uint256 private constant MAX_PAYLOAD_BYTES = 65_536;
    uint256 private constant MAX_OUTPUT_BYTES = 65_536;
    /// @dev Two more callbacks of this size still fit a transaction under the cap of EIP-7825 (2^24 gas).
    uint256 private constant MAX_CALLBACK_GAS = 5_000_000;
    /// @dev No money is locked for longer.
    uint256 private constant MAX_LIFETIME_SECONDS = 30 days;
    /// @dev Gas that `gasleft` does not see: 21,000 for the transaction, the calldata of the fixed fields, and what runs after
    /// the last measurement. Measured by `bench:gas`.
    uint256 private constant UNMETERED_GAS = 45_000;

    /// @inheritdoc IOracleCoordinator
    IEnclaveRegistry public immutable ENCLAVES;
    /// @inheritdoc IOracleCoordinator
    uint32 public immutable FALLBACK_WINDOW_SECONDS;
    /// @inheritdoc IOracleCoordinator
    uint32 public immutable CANCEL_DELAY_SECONDS;
    IPolicyRegistry private immutable POLICIES;
    IChainAdapter private immutable CHAIN;
    address private immutable GUARDIAN;

    mapping(bytes32 requestId => RequestState) private _states;
    mapping(address account => uint256) private _credits;
    uint248 private _nonce = 1;
    /// @inheritdoc IOracleCoordinator
    bool public paused;

    /// @param enclaves The registry whose keys settle.
    /// @param chain Adapter of the chain; zero on chains with Ethereum's rules.
    /// @param guardian Who may stop new requests; zero for nobody.
    /// @param fallbackWindowSeconds How long assigned nodes have before a host-causable status settles.
    /// @param cancelDelaySeconds How long a notice of cancellation waits; longer than the fallback window.
    constructor(
        IEnclaveRegistry enclaves,
        IChainAdapter chain,
        address guardian,
        uint32 fallbackWindowSeconds,
        uint32 cancelDelaySeconds
    ) {
        require(cancelDelaySeconds > fallbackWindowSeconds, TermInvalid("cancelDelaySeconds"));
        ENCLAVES = enclaves;
        POLICIES = enclaves.POLICIES();
        CHAIN = chain;
        GUARDIAN = guardian;
        FALLBACK_WINDOW_SECONDS = fallbackWindowSeconds;
        CANCEL_DELAY_SECONDS = cancelDelaySeconds;
    }

    /// @inheritdoc IOracleCoordinator
    function request(RequestTerms calldata terms, bytes calldata payload)
        external
        payable
        returns (bytes32 requestId)
    {
        require(payload.length != 0 && payload.length <= MAX_PAYLOAD_BYTES, PayloadInvalid(payload.length));
        Request memory created;
        (requestId, created) = _open(terms, keccak256(payload), 0);
        emit Requested(requestId, msg.sender, terms.policyId, created, payload, "");
    }

    /// @inheritdoc IOracleCoordinator
    function requestByUri(RequestTerms calldata terms, bytes32 payloadHash, string calldata uri)
        external
        payable
        returns (bytes32 requestId)
    {
        require(bytes(uri).length != 0 && bytes(uri).length <= 2048, PayloadInvalid(bytes(uri).length));
        Request memory created;
        (requestId, created) = _open(terms, payloadHash, keccak256(bytes(uri)));
        emit Requested(requestId, msg.sender, terms.policyId, created, "", uri);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfill(Request calldata request_, SignedAnswer calldata signed) external nonReentrant {
        uint256 gasAtStart = gasleft();
        bytes32 requestId = Requests.id(request_);
        RequestState state = _states[requestId];
        Refusal refusal = _refusal(request_, requestId, state, signed);
        require(refusal == Refusal.None, FulfillmentRefused(requestId, refusal));
        require(request_.threshold == 1, FulfillmentRefused(requestId, Refusal.ThresholdNotMet));
        Answer calldata answer = signed.answer;
        address signer =
            Answers.recover(Answers.digest(answer, block.chainid, address(this)), signed.signature);
        address payee = ENCLAVES.payeeOf(
            request_.policyId, request_.policyVersion, state.requestedAt(), answer.keysetId, signer
        );

        _close(request_, requestId, answer.status, answer.outputHash);
        bool delivered = request_.delivery != Delivery.Callback
            || Callback.deliver(
                request_.consumer, request_.callbackGasLimit, requestId, answer.status, signed.output
            );
        uint256 paid = _payment(
            request_,
            answer.status,
            state.escrow(),
            gasAtStart - gasleft() + UNMETERED_GAS + SettlementGas.PER_OUTPUT_BYTE * signed.output.length
        );
        _credits[payee] += paid;
        _giveBack(request_, state.escrow() - paid);
        emit Fulfilled(requestId, answer.keysetId, answer.status, answer.outputHash, delivered, paid);
    }

    /// @inheritdoc IOracleCoordinator
    function refund(Request calldata request_) external nonReentrant {
        bytes32 requestId = Requests.id(request_);
        RequestState state = _pendingState(requestId);
        uint256 cancelAt = state.cancelAt();
        if (cancelAt == 0 || block.timestamp < cancelAt) {
            require(block.timestamp > request_.deadline, NotRefundable(requestId, request_.deadline));
        }
        _states[requestId] = RequestStates.NONE;
        _giveBack(request_, state.escrow());
        emit Refunded(requestId, state.escrow());
    }

    /// @inheritdoc IOracleCoordinator
    function cancel(Request calldata request_) external {
        require(msg.sender == request_.consumer || msg.sender == request_.payer, NotAuthorized(msg.sender));
        bytes32 requestId = Requests.id(request_);
        RequestState state = _pendingState(requestId);
        require(state.cancelAt() == 0, CancelAlreadyNoticed(requestId));
        uint40 effectiveAt = uint40(block.timestamp) + CANCEL_DELAY_SECONDS;
        _states[requestId] = state.withCancelAt(effectiveAt);
        emit CancelNoticed(requestId, effectiveAt);
    }

    /// @inheritdoc IOracleCoordinator
    function withdraw(address account) external {
        uint256 amount = _credits[account];
        _credits[account] = 0;
        emit Withdrawn(account, amount);
        (bool succeeded,) = account.call{ value: amount }("");
        require(succeeded, WithdrawalFailed(account));
    }

    /// @inheritdoc IOracleCoordinator
    function setPaused(bool newPaused) external {
        require(msg.sender == GUARDIAN, NotAuthorized(msg.sender));
        paused = newPaused;
        emit PausedSet(newPaused);
    }

    /// @inheritdoc IOracleCoordinator
    function requiredEscrow(RequestTerms calldata terms) external view returns (uint256) {
        return _requiredEscrow(terms);
    }

    /// @inheritdoc IOracleCoordinator
    function estimateGas(RequestTerms calldata terms) external pure returns (uint256) {
        return SettlementGas.estimate(terms);
    }

    /// @inheritdoc IOracleCoordinator
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IOracleCoordinator
    function pending(bytes32 requestId)
        external
        view
        returns (bool isPending, uint96 escrow, uint40 requestedAt, uint40 cancelAt)
    {
        RequestState state = _states[requestId];
        if (!state.isPending()) return (false, 0, 0, 0);
        return (true, state.escrow(), state.requestedAt(), state.cancelAt());
    }

    /// @inheritdoc IOracleCoordinator
    function isStoredAnswer(bytes32 requestId, AnswerStatus status, bytes32 outputHash)
        external
        view
        returns (bool)
    {
        return _states[requestId].equals(RequestStates.newAnswered(status, outputHash));
    }

    function _open(RequestTerms calldata terms, bytes32 payloadHash, bytes32 payloadUriHash)
        private
        returns (bytes32 requestId, Request memory created)
    {
        require(!paused, RequestsPaused());
        _checkTerms(terms);
        uint256 required = _requiredEscrow(terms);
        require(msg.value >= required && msg.value <= type(uint96).max, EscrowTooSmall(required, msg.value));
        created = Request({
            chainId: block.chainid,
            coordinator: address(this),
            consumer: msg.sender,
            nonce: _nonce++,
            payer: terms.payer == address(0) ? msg.sender : terms.payer,
            refundTo: terms.refundTo,
            subscriptionId: terms.subscriptionId,
            payloadHash: payloadHash,
            payloadUriHash: payloadUriHash,
            policyId: terms.policyId,
            policyVersion: POLICIES.head(terms.policyId).version,
            threshold: terms.threshold,
            aggregation: terms.aggregation,
            delivery: terms.delivery,
            callbackGasLimit: terms.callbackGasLimit,
            maxOutputBytes: terms.maxOutputBytes,
            fee: terms.fee,
            gasPriceCap: terms.gasPriceCap,
            deadline: terms.deadline
        });
        require(created.policyVersion != 0, PolicyUnknown(terms.policyId));
        requestId = Requests.id(created);
        _states[requestId] = RequestStates.newPending(uint96(msg.value), uint40(block.timestamp));
    }

    function _requiredEscrow(RequestTerms calldata terms) private view returns (uint256) {
        return terms.fee + SettlementGas.estimate(terms) * terms.gasPriceCap
            + Chain.dataFee(CHAIN, SettlementGas.CALLDATA_BYTES + terms.maxOutputBytes);
    }

    function _checkTerms(RequestTerms calldata terms) private view {
        require(terms.subscriptionId == 0, TermInvalid("subscriptionId"));
        require(terms.refundTo != address(0), TermInvalid("refundTo"));
        require(terms.threshold == 1, TermInvalid("threshold"));
        require(
            (terms.delivery == Delivery.Callback) == (terms.callbackGasLimit != 0)
                && terms.callbackGasLimit <= MAX_CALLBACK_GAS,
            TermInvalid("callbackGasLimit")
        );
        require(terms.maxOutputBytes <= MAX_OUTPUT_BYTES, TermInvalid("maxOutputBytes"));
        require(
            terms.deadline > block.timestamp && terms.deadline <= block.timestamp + MAX_LIFETIME_SECONDS,
            TermInvalid("deadline")
        );
    }

    /// @dev Everything that can refuse an answer but its signature. A code and not a revert, since a bad item must not stop
    /// the rest of a batch.
    function _refusal(
        Request calldata request_,
        bytes32 requestId,
        RequestState state,
        SignedAnswer calldata signed
    ) private view returns (Refusal) {
        Answer calldata answer = signed.answer;
        AnswerStatus status = answer.status;
        if (!state.isPending()) return Refusal.NotPending;
        if (answer.requestId != requestId) return Refusal.AnswersAnotherRequest;
        if (block.timestamp > request_.deadline) return Refusal.DeadlinePassed;
        if (state.cancelAt() != 0 && block.timestamp >= state.cancelAt()) return Refusal.Cancelled;
        if (status == AnswerStatus.Unset || status == AnswerStatus.Disagreed) return Refusal.StatusInvalid;
        if (_isHostCausable(status) && block.timestamp < state.requestedAt() + FALLBACK_WINDOW_SECONDS) {
            return Refusal.FallbackWindowOpen;
        }
        if (SettlementGas.carriesOutput(request_.delivery, request_.aggregation)) {
            if (keccak256(signed.output) != answer.outputHash) return Refusal.OutputMismatch;
            if (signed.output.length > request_.maxOutputBytes) return Refusal.OutputTooLarge;
            if (status != AnswerStatus.Ok && signed.output.length != 0) return Refusal.OutputUnexpected;
        } else if (signed.output.length != 0) {
            return Refusal.OutputUnexpected;
        }
        if (
            answer.stateBlockHash != 0
                && Chain.blockHash(CHAIN, signed.stateBlockNumber) != answer.stateBlockHash
        ) return Refusal.StateBlockMismatch;
        return Refusal.None;
    }

    /// @dev The commitment goes before any foreign code runs.
    function _close(Request calldata request_, bytes32 requestId, AnswerStatus status, bytes32 outputHash)
        private
    {
        if (request_.delivery == Delivery.Hash) {
            _states[requestId] = RequestStates.newAnswered(status, outputHash);
        } else {
            _states[requestId] = RequestStates.NONE;
        }
    }

    /// @dev What the payees earn; never above the escrow, so that an answer can always be settled.
    function _payment(Request calldata request_, AnswerStatus status, uint256 escrow, uint256 gasUsed)
        private
        view
        returns (uint256 payment)
    {
        if (_isHostCausable(status)) return 0;
        uint256 gasPrice = tx.gasprice < request_.gasPriceCap ? tx.gasprice : request_.gasPriceCap;
        payment = gasUsed * gasPrice + Chain.dataFee(CHAIN, msg.data.length);
        if (status == AnswerStatus.Ok) payment += request_.fee;
        if (payment > escrow) payment = escrow;
    }

    function _giveBack(Request calldata request_, uint256 amount) private {
        if (amount != 0) _credits[request_.refundTo] += amount;
    }

    function _pendingState(bytes32 requestId) private view returns (RequestState state) {
        state = _states[requestId];
        require(state.isPending(), RequestNotPending(requestId));
    }

    /// @dev A host can cause these by cutting the line or lying about time: they earn nothing, and nodes that are not cut off
    /// get their chance first.
    function _isHostCausable(AnswerStatus status) private pure returns (bool) {
        return status == AnswerStatus.UpstreamFailed || status == AnswerStatus.ClockUnknown;
    }
}
