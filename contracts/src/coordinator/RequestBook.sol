// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator } from "../interfaces/IOracleCoordinator.sol";
import { Chain } from "../libraries/Chain.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Aggregation, Delivery, RequestTerms } from "../types/Request.sol";
import { Candidate, Candidates } from "./Candidate.sol";
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
        Candidate created = _open(terms, keccak256(payload), 0);
        _keep(created, payload);
        requestId = created.requestId();
        (uint256 payerAndFee, uint256 refundAndGas, uint256 rest) = created.eventWords();
        emit Requested(
            requestId,
            msg.sender,
            created.policyId(),
            payerAndFee,
            refundAndGas,
            rest,
            created.context(),
            payload
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
        Candidate created = _open(terms, payloadHash, keccak256(bytes(uri)));
        _keep(created, msg.data[0:0]);
        requestId = created.requestId();
        _emitRequestedByUri(created, payloadHash, uri);
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
        return _requiredEscrow(Candidates.ofTerms(terms, 0, 0));
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
    function _keep(Candidate created, bytes calldata payload) internal virtual { }

    function _open(RequestTerms calldata terms, bytes32 payloadHash, bytes32 payloadUriHash)
        private
        returns (Candidate created)
    {
        // Without a guardian nobody can pause: the slot need not be read.
        if (GUARDIAN != address(0)) require(!paused, RequestsPaused());
        created = Candidates.ofTerms(terms, payloadHash, payloadUriHash);
        _checkTerms(created);
        uint256 escrow = _requiredEscrow(created);
        uint64 subscriptionId = created.subscriptionId();
        if (subscriptionId == 0) {
            require(msg.value >= escrow && msg.value <= type(uint96).max, EscrowTooSmall(escrow, msg.value));
            escrow = msg.value;
            if (created.payer() == address(0)) created.setPayer(msg.sender);
        } else {
            require(escrow <= type(uint96).max, EscrowTooSmall(escrow, type(uint96).max));
            address owner = _reserve(subscriptionId, msg.sender, escrow);
            created.setPayer(owner);
            created.setRefundTo(owner);
        }
        uint256 nonce = 0;
        bytes32 requestId = created.setNonce(nonce);
        while (!_states[requestId].isNone()) {
            requestId = created.setNonce(++nonce);
        }
        _states[requestId] = RequestStates.newPending(uint96(escrow), uint48(Chain.blockNumber(CHAIN)));
    }

    function _emitRequestedByUri(Candidate created, bytes32 payloadHash, string calldata uri) private {
        (uint256 payerAndFee, uint256 refundAndGas, uint256 rest) = created.eventWords();
        emit RequestedByUri(
            created.requestId(),
            msg.sender,
            created.policyId(),
            payerAndFee,
            refundAndGas,
            rest,
            created.context(),
            payloadHash,
            uri
        );
    }

    function _requiredEscrow(Candidate created) private view returns (uint256) {
        uint256 threshold = created.threshold();
        Aggregation aggregation = created.aggregation();
        Delivery delivery = created.delivery();
        uint256 outputBytes = created.maxOutputBytes();
        uint256 gas = SettlementGas.estimate(
            threshold, aggregation, delivery, created.callbackGasLimit(), outputBytes
        );
        uint256 dataFee = Chain.dataFee(
            CHAIN, SettlementGas.calldataBytes(threshold, aggregation, delivery, outputBytes)
        );
        // Unchecked: a fee of 96 bits, gas and a price of 64 bits each, and what the chain's adapter says of its own price.
        unchecked {
            return created.fee() + gas * created.gasPriceCap() + dataFee;
        }
    }

    function _checkTerms(Candidate created) private view {
        require(created.subscriptionId() != 0 || created.refundTo() != address(0), TermInvalid("refundTo"));
        uint256 threshold = created.threshold();
        require(threshold != 0 && threshold <= MAX_THRESHOLD, TermInvalid("threshold"));
        require((threshold == 1) == (created.aggregation() == Aggregation.First), TermInvalid("aggregation"));
        uint256 callbackGasLimit = created.callbackGasLimit();
        require(
            (created.delivery() == Delivery.Callback) == (callbackGasLimit != 0)
                && callbackGasLimit <= MAX_CALLBACK_GAS,
            TermInvalid("callbackGasLimit")
        );
        uint256 outputBytes = created.maxOutputBytes();
        require(
            outputBytes <= MAX_OUTPUT_BYTES && threshold * outputBytes <= MAX_QUORUM_OUTPUT_BYTES,
            TermInvalid("maxOutputBytes")
        );
        uint256 deadline = created.deadline();
        require(
            deadline > block.timestamp + FALLBACK_WINDOW
                && deadline <= block.timestamp + MAX_LIFETIME_SECONDS,
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
