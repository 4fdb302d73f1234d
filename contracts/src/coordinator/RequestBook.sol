// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator } from "../interfaces/IOracleCoordinator.sol";
import { Chain } from "../libraries/Chain.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "../types/Request.sol";
import { Settlement } from "./Settlement.sol";
import { Subscriptions } from "./Subscriptions.sol";

/// @title RequestBook
/// @notice Takes requests, and pays out what accounts are owed.
abstract contract RequestBook is IOracleCoordinator, Settlement, Subscriptions {
    /// @dev docs/reference/protocol.md, Limits.
    uint256 private constant MAX_PAYLOAD_BYTES = 65_536;
    uint256 private constant MAX_URI_BYTES = 2_048;
    uint256 private constant MAX_OUTPUT_BYTES = 65_536;
    uint256 private constant MAX_QUORUM_OUTPUT_BYTES = 98_304;
    /// @dev Two more callbacks of this size still fit a transaction under the cap of EIP-7825 (2^24 gas).
    uint256 private constant MAX_CALLBACK_GAS = 5_000_000;
    /// @dev No money is locked for longer.
    uint256 private constant MAX_LIFETIME = 7 days;
    /// @dev As many as a quorum may have.
    uint256 private constant MAX_THRESHOLD = 8;

    /// @inheritdoc IOracleCoordinator
    uint32 public immutable MAX_LIFETIME_SECONDS;
    address private immutable GUARDIAN;

    /// @inheritdoc IOracleCoordinator
    bool public paused;

    constructor(
        IEnclaveRegistry enclaves,
        IChainAdapter chain,
        address guardian,
        uint32 fallbackWindowSeconds,
        uint32 cancelDelaySeconds
    ) Settlement(enclaves, chain, fallbackWindowSeconds, cancelDelaySeconds) {
        require(cancelDelaySeconds > fallbackWindowSeconds, TermInvalid("cancelDelaySeconds"));
        // Nine tenths: blocks may come faster than usual, and an answer needs time to be included.
        uint256 known = Chain.blockHashWindowSeconds(chain) * 9 / 10;
        MAX_LIFETIME_SECONDS = uint32(known < MAX_LIFETIME ? known : MAX_LIFETIME);
        require(fallbackWindowSeconds < MAX_LIFETIME_SECONDS, TermInvalid("fallbackWindowSeconds"));
        GUARDIAN = guardian;
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
        _keep(requestId, created, payload);
        (uint256 payerAndFee, uint256 refundAndGas, uint256 rest) = _words(created);
        emit Requested(
            requestId, msg.sender, created.policyId, payerAndFee, refundAndGas, rest, created.context, payload
        );
    }

    /// @inheritdoc IOracleCoordinator
    function requestByUri(RequestTerms calldata terms, bytes32 payloadHash, string calldata uri)
        external
        payable
        returns (bytes32 requestId)
    {
        uint256 length = bytes(uri).length;
        require(length != 0 && length <= MAX_URI_BYTES, PayloadInvalid(length));
        Request memory created;
        (requestId, created) = _open(terms, payloadHash, keccak256(bytes(uri)));
        _keep(requestId, created, msg.data[0:0]);
        _emitRequestedByUri(requestId, created, uri);
    }

    /// @inheritdoc IOracleCoordinator
    function withdraw(address account) external {
        _withdraw(account, account);
    }

    /// @inheritdoc IOracleCoordinator
    function withdrawTo(address payable to) external {
        _withdraw(msg.sender, to);
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
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IOracleCoordinator
    function pending(bytes32 requestId)
        external
        view
        returns (bool isPending, uint96 escrow, uint48 requestBlock, uint40 cancelAt, uint40 committedAt)
    {
        RequestState state = _states[requestId];
        if (!state.isPending()) return (false, 0, 0, 0, 0);
        return (true, state.escrow(), state.requestBlock(), state.cancelAt(), state.committedAt());
    }

    /// @inheritdoc IOracleCoordinator
    function stateOf(bytes32 requestId) external view returns (uint256) {
        return RequestState.unwrap(_states[requestId]);
    }

    /// @inheritdoc IOracleCoordinator
    function isStoredAnswer(bytes32 requestId, AnswerStatus status, uint64 answeredAt, bytes32 outputHash)
        external
        view
        returns (bool)
    {
        return _states[requestId].equals(RequestStates.newAnswered(status, answeredAt, outputHash));
    }

    /// @inheritdoc IOracleCoordinator
    function ENCLAVES() external view returns (IEnclaveRegistry) {
        return REGISTRY;
    }

    /// @inheritdoc IOracleCoordinator
    function FALLBACK_WINDOW_SECONDS() external view returns (uint32) {
        return FALLBACK_WINDOW;
    }

    /// @inheritdoc IOracleCoordinator
    function CANCEL_DELAY_SECONDS() external view returns (uint32) {
        return CANCEL_DELAY;
    }

    /// @dev For a mock, which remembers what it was asked. The chain keeps the state slot alone.
    function _keep(bytes32 requestId, Request memory created, bytes calldata payload) internal virtual { }

    function _open(RequestTerms calldata given, bytes32 payloadHash, bytes32 payloadUriHash)
        private
        returns (bytes32 requestId, Request memory created)
    {
        // Without a guardian nobody can pause: the slot need not be read.
        if (GUARDIAN != address(0)) require(!paused, RequestsPaused());
        RequestTerms memory terms = given;
        _checkTerms(terms);
        uint256 escrow = _requiredEscrow(terms);
        address payer = terms.payer == address(0) ? msg.sender : terms.payer;
        address refundTo = terms.refundTo;
        if (terms.subscriptionId == 0) {
            require(msg.value >= escrow && msg.value <= type(uint96).max, EscrowTooSmall(escrow, msg.value));
            escrow = msg.value;
        } else {
            require(escrow <= type(uint96).max, EscrowTooSmall(escrow, type(uint96).max));
            payer = _reserve(terms.subscriptionId, msg.sender, escrow);
            refundTo = payer;
        }
        created = Request({
            chainId: block.chainid,
            coordinator: address(this),
            consumer: msg.sender,
            requestedAt: uint40(block.timestamp),
            nonce: 0,
            context: terms.context,
            payer: payer,
            refundTo: refundTo,
            subscriptionId: terms.subscriptionId,
            payloadHash: payloadHash,
            payloadUriHash: payloadUriHash,
            policyId: terms.policyId,
            threshold: terms.threshold,
            aggregation: terms.aggregation,
            delivery: terms.delivery,
            callbackGasLimit: terms.callbackGasLimit,
            maxOutputBytes: terms.maxOutputBytes,
            fee: terms.fee,
            gasPriceCap: terms.gasPriceCap,
            deadline: terms.deadline
        });
        requestId = Requests.id(created);
        while (!_states[requestId].isNone()) {
            created.nonce += 1;
            requestId = Requests.id(created);
        }
        _states[requestId] = RequestStates.newPending(uint96(escrow), uint48(Chain.blockNumber(CHAIN)));
    }

    /// @dev The words of `Requested`.
    function _words(Request memory created)
        private
        pure
        returns (uint256 payerAndFee, uint256 refundAndGas, uint256 rest)
    {
        payerAndFee = (uint256(uint160(created.payer)) << 96) | created.fee;
        refundAndGas = (uint256(uint160(created.refundTo)) << 96) | (uint256(created.gasPriceCap) << 32)
            | created.callbackGasLimit;
        rest = (uint256(created.subscriptionId) << 160) | (uint256(created.deadline) << 120)
            | (uint256(created.requestedAt) << 80) | (uint256(created.nonce) << 48)
            | (uint256(created.maxOutputBytes) << 24) | (uint256(created.threshold) << 16)
            | (uint256(created.aggregation) << 8) | uint256(created.delivery);
    }

    function _emitRequestedByUri(bytes32 requestId, Request memory created, string calldata uri) private {
        (uint256 payerAndFee, uint256 refundAndGas, uint256 rest) = _words(created);
        emit RequestedByUri(
            requestId,
            msg.sender,
            created.policyId,
            payerAndFee,
            refundAndGas,
            rest,
            created.context,
            created.payloadHash,
            uri
        );
    }

    function _requiredEscrow(RequestTerms memory terms) private view returns (uint256) {
        return terms.fee + SettlementGas.estimate(terms) * terms.gasPriceCap
            + Chain.dataFee(CHAIN, SettlementGas.calldataBytes(terms));
    }

    function _checkTerms(RequestTerms memory terms) private view {
        require(terms.subscriptionId != 0 || terms.refundTo != address(0), TermInvalid("refundTo"));
        uint256 threshold = terms.threshold;
        require(threshold != 0 && threshold <= MAX_THRESHOLD, TermInvalid("threshold"));
        require((threshold == 1) == (terms.aggregation == Aggregation.First), TermInvalid("aggregation"));
        require(
            (terms.delivery == Delivery.Callback) == (terms.callbackGasLimit != 0)
                && terms.callbackGasLimit <= MAX_CALLBACK_GAS,
            TermInvalid("callbackGasLimit")
        );
        require(
            terms.maxOutputBytes <= MAX_OUTPUT_BYTES
                && threshold * terms.maxOutputBytes <= MAX_QUORUM_OUTPUT_BYTES,
            TermInvalid("maxOutputBytes")
        );
        require(
            terms.deadline > block.timestamp + FALLBACK_WINDOW
                && terms.deadline <= block.timestamp + MAX_LIFETIME_SECONDS,
            TermInvalid("deadline")
        );
    }

    function _withdraw(address account, address to) private {
        uint256 amount = _credits[account];
        _credits[account] = 0;
        emit Withdrawn(account, amount);
        (bool succeeded,) = to.call{ value: amount }("");
        require(succeeded, WithdrawalFailed(to));
    }
}
