// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import { BatchTree } from "./coordinator/BatchTree.sol";
import { Quorum } from "./coordinator/Quorum.sol";
import { Subscriptions } from "./coordinator/Subscriptions.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "./interfaces/IEnclaveRegistry.sol";
import { BatchItem, IOracleCoordinator, Refusal, SignedAnswer } from "./interfaces/IOracleCoordinator.sol";
import { IPolicyRegistry } from "./interfaces/IPolicyRegistry.sol";
import { Callback } from "./libraries/Callback.sol";
import { Chain } from "./libraries/Chain.sol";
import { RequestState, RequestStates } from "./libraries/RequestState.sol";
import { SettlementGas } from "./libraries/SettlementGas.sol";
import { Answer, Answers, AnswerStatus } from "./types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "./types/Request.sol";

/// @title OracleCoordinator
/// @notice See `IOracleCoordinator` for what each function establishes and does not.
contract OracleCoordinator is IOracleCoordinator, Subscriptions, ReentrancyGuardTransient {
    /// @dev What the items of a batch share.
    struct Batch {
        bytes32 keysetId;
        address signer;
        address payee;
        uint256 earned;
        uint256 gasShare;
    }

    /// @dev docs/reference/protocol.md, Limits.
    uint256 private constant MAX_PAYLOAD_BYTES = 65_536;
    uint256 private constant MAX_OUTPUT_BYTES = 65_536;
    /// @dev Two more callbacks of this size still fit a transaction under the cap of EIP-7825 (2^24 gas).
    uint256 private constant MAX_CALLBACK_GAS = 5_000_000;
    /// @dev No money is locked for longer.
    uint256 private constant MAX_LIFETIME_SECONDS = 30 days;
    /// @dev Gas that `gasleft` does not see: 21,000 for the transaction, the calldata of the fixed fields, and what runs after
    /// the last measurement. An estimate on the high side; what it exceeds the truth by is the payee's.
    uint256 private constant UNMETERED_GAS = 45_000;
    /// @dev The same of one item of a batch, without its share of the transaction.
    uint256 private constant UNMETERED_ITEM_GAS = 12_000;
    /// @dev A quorum of eight with outputs of a kilobyte stays under 1.5 million gas.
    uint256 private constant MAX_THRESHOLD = 8;

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
        bytes32 requestId = Requests.idOf(request_);
        RequestState state = _states[requestId];
        Answer calldata answer = signed.answer;
        Refusal refusal = _refusal(request_, requestId, state, answer, signed.output, signed.stateBlockNumber);
        if (refusal == Refusal.None && request_.threshold != 1) refusal = Refusal.ThresholdNotMet;
        require(refusal == Refusal.None, FulfillmentRefused(requestId, refusal));
        address signer =
            Answers.recover(Answers.digestOf(answer, block.chainid, address(this)), signed.signature);
        address payee = ENCLAVES.payeeOf(
            request_.policyId, request_.policyVersion, state.requestedAt(), answer.keysetId, signer
        );

        bool delivered = _deliver(request_, requestId, answer.status, answer.outputHash, signed.output);
        uint256 paid = _pay(
            request_, answer.status, state, gasAtStart - gasleft() + UNMETERED_GAS, signed.output.length
        );
        _credits[payee] += paid;
        emit Fulfilled(requestId, answer.keysetId, answer.status, answer.outputHash, delivered, paid);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillQuorum(Request calldata request_, SignedAnswer[] calldata answers) external nonReentrant {
        uint256 gasAtStart = gasleft();
        bytes32 requestId = Requests.idOf(request_);
        RequestState state = _states[requestId];
        address[] memory payees = _countQuorum(request_, requestId, state, answers);

        Quorum.Outcome memory outcome = Quorum.combine(answers, request_.aggregation);
        outcome.overhead = UNMETERED_GAS * answers.length;
        // An empty slice of calldata when there is nothing to deliver.
        bytes calldata output =
            outcome.status == AnswerStatus.Disagreed ? msg.data[0:0] : answers[outcome.chosen].output;
        bool delivered = _deliver(request_, requestId, outcome.status, outcome.outputHash, output);
        uint256 paid = _pay(
            request_, outcome.payStatus, state, gasAtStart - gasleft() + outcome.overhead, outcome.outputBytes
        );
        _share(payees, paid);
        emit Fulfilled(requestId, outcome.keysetId, outcome.status, outcome.outputHash, delivered, paid);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillBatch(
        BatchItem[] calldata items,
        bytes32 root,
        uint32 count,
        bytes32[][] calldata proofs,
        bytes calldata signature
    ) external nonReentrant {
        uint256 gasAtStart = gasleft();
        require(
            items.length != 0 && items.length <= count
                && (proofs.length == 0 || proofs.length == items.length)
                && (proofs.length != 0 || items.length == count),
            BatchMalformed(items.length, proofs.length, count)
        );
        bytes32[] memory leaves = new bytes32[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            leaves[i] = Answers.leafOf(items[i].answer);
        }
        Batch memory batch = Batch({
            keysetId: items[0].answer.keysetId,
            signer: Answers.recover(
                Answers.batchDigest(root, count, block.chainid, address(this)), signature
            ),
            payee: address(0),
            earned: 0,
            gasShare: (UNMETERED_GAS + gasAtStart - gasleft()) / items.length + UNMETERED_ITEM_GAS
        });
        bool[] memory included = _included(leaves, root, proofs);
        for (uint256 i = 0; i < items.length; ++i) {
            _settleItem(items[i], batch, included[i]);
        }
        if (batch.earned != 0) _credits[batch.payee] += batch.earned;
    }

    /// @inheritdoc IOracleCoordinator
    function refund(Request calldata request_) external nonReentrant {
        bytes32 requestId = Requests.idOf(request_);
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
        bytes32 requestId = Requests.idOf(request_);
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
        uint256 escrow = _requiredEscrow(terms);
        address payer = terms.payer == address(0) ? msg.sender : terms.payer;
        address refundTo = terms.refundTo;
        if (terms.subscriptionId == 0) {
            require(msg.value >= escrow && msg.value <= type(uint96).max, EscrowTooSmall(escrow, msg.value));
            escrow = msg.value;
        } else {
            payer = _reserve(terms.subscriptionId, msg.sender, escrow);
            refundTo = payer;
        }
        created = Request({
            chainId: block.chainid,
            coordinator: address(this),
            consumer: msg.sender,
            nonce: _nonce++,
            payer: payer,
            refundTo: refundTo,
            subscriptionId: terms.subscriptionId,
            payloadHash: payloadHash,
            payloadUriHash: payloadUriHash,
            policyId: terms.policyId,
            policyVersion: POLICIES.versionOf(terms.policyId),
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
        _states[requestId] = RequestStates.newPending(uint96(escrow), uint40(block.timestamp));
    }

    function _requiredEscrow(RequestTerms calldata terms) private view returns (uint256) {
        return terms.fee + SettlementGas.estimate(terms) * terms.gasPriceCap
            + Chain.dataFee(CHAIN, SettlementGas.CALLDATA_BYTES + terms.maxOutputBytes);
    }

    function _checkTerms(RequestTerms calldata terms) private view {
        require(terms.subscriptionId != 0 || terms.refundTo != address(0), TermInvalid("refundTo"));
        require(terms.threshold != 0 && terms.threshold <= MAX_THRESHOLD, TermInvalid("threshold"));
        require(terms.threshold > 1 || terms.aggregation == Aggregation.First, TermInvalid("aggregation"));
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
        Answer calldata answer,
        bytes calldata output,
        uint256 stateBlockNumber
    ) private view returns (Refusal) {
        AnswerStatus status = answer.status;
        if (!state.isPending()) return Refusal.NotPending;
        if (answer.requestId != requestId) return Refusal.AnswersAnotherRequest;
        if (block.timestamp > request_.deadline) return Refusal.DeadlinePassed;
        if (state.cancelAt() != 0 && block.timestamp >= state.cancelAt()) return Refusal.Cancelled;
        if (status == AnswerStatus.Unset || status == AnswerStatus.Disagreed) return Refusal.StatusInvalid;
        if (Answers.isHostCausable(status) && block.timestamp < state.requestedAt() + FALLBACK_WINDOW_SECONDS)
        {
            return Refusal.FallbackWindowOpen;
        }
        if (SettlementGas.carriesOutput(request_.delivery, request_.aggregation)) {
            if (keccak256(output) != answer.outputHash) return Refusal.OutputMismatch;
            if (output.length > request_.maxOutputBytes) return Refusal.OutputTooLarge;
            if (status != AnswerStatus.Ok && output.length != 0) return Refusal.OutputUnexpected;
        } else if (output.length != 0) {
            return Refusal.OutputUnexpected;
        }
        if (answer.stateBlockHash != 0 && Chain.blockHash(CHAIN, stateBlockNumber) != answer.stateBlockHash) {
            return Refusal.StateBlockMismatch;
        }
        return Refusal.None;
    }

    /// @dev Checks every answer of a quorum, and that the platforms behind them are distinct.
    function _countQuorum(
        Request calldata request_,
        bytes32 requestId,
        RequestState state,
        SignedAnswer[] calldata answers
    ) private returns (address[] memory payees) {
        uint256 size = answers.length;
        require(
            size == request_.threshold && size > 1, FulfillmentRefused(requestId, Refusal.ThresholdNotMet)
        );
        Quorum.Members memory members =
            Quorum.Members(new address[](size), new bytes32[](size), new bytes32[](size), 0, 0);
        for (uint256 i = 0; i < size; ++i) {
            SignedAnswer calldata signed = answers[i];
            Refusal refusal =
                _refusal(request_, requestId, state, signed.answer, signed.output, signed.stateBlockNumber);
            require(refusal == Refusal.None, FulfillmentRefused(requestId, refusal));
            _addMember(request_, state, signed, members);
        }
        emit QuorumCounted(requestId, members.keysetIds, members.platformIds);
        return members.payees;
    }

    function _addMember(
        Request calldata request_,
        RequestState state,
        SignedAnswer calldata signed,
        Quorum.Members memory members
    ) private view {
        bytes32 keysetId = signed.answer.keysetId;
        address signer =
            Answers.recover(Answers.digestOf(signed.answer, block.chainid, address(this)), signed.signature);
        (address payee, bytes32 platformId, uint8 vendor, bool distinctVendors) = ENCLAVES.memberOf(
            request_.policyId, request_.policyVersion, state.requestedAt(), keysetId, signer
        );
        require(
            Quorum.add(members, payee, keysetId, platformId, distinctVendors ? vendor : 0),
            PlatformRepeated(platformId, vendor)
        );
    }

    /// @dev Which leaves are in the tree of `root`. Without proofs the leaves must be the whole batch.
    function _included(bytes32[] memory leaves, bytes32 root, bytes32[][] calldata proofs)
        private
        pure
        returns (bool[] memory included)
    {
        included = new bool[](leaves.length);
        bytes32 whole = proofs.length == 0 ? BatchTree.root(leaves) : root;
        require(whole == root, BatchRootMismatch(root, whole));
        for (uint256 i = 0; i < included.length; ++i) {
            included[i] = proofs.length == 0 || MerkleProof.verifyCalldata(proofs[i], root, leaves[i]);
        }
    }

    /// @dev Settles one item, or says why not.
    function _settleItem(BatchItem calldata item, Batch memory batch, bool included) private {
        uint256 gasAtStart = gasleft();
        Request calldata request_ = item.request;
        Answer calldata answer = item.answer;
        bytes32 requestId = Requests.idOf(request_);
        RequestState state = _states[requestId];
        Refusal refusal = _refusal(request_, requestId, state, answer, item.output, item.stateBlockNumber);
        if (refusal == Refusal.None) refusal = _itemRefusal(request_, answer, state, batch, included);
        if (refusal != Refusal.None) {
            emit BatchItemRefused(requestId, refusal);
            return;
        }
        bool delivered = _deliver(request_, requestId, answer.status, answer.outputHash, item.output);
        uint256 paid =
            _pay(request_, answer.status, state, gasAtStart - gasleft() + batch.gasShare, item.output.length);
        batch.earned += paid;
        emit Fulfilled(requestId, batch.keysetId, answer.status, answer.outputHash, delivered, paid);
    }

    /// @dev What can refuse an item beside its answer: who signed, and the tree.
    function _itemRefusal(
        Request calldata request_,
        Answer calldata answer,
        RequestState state,
        Batch memory batch,
        bool included
    ) private view returns (Refusal) {
        if (!included) return Refusal.LeafNotInBatch;
        if (request_.threshold != 1) return Refusal.ThresholdNotMet;
        if (answer.keysetId != batch.keysetId) return Refusal.SignerNotAdmitted;
        try ENCLAVES.payeeOf(
            request_.policyId, request_.policyVersion, state.requestedAt(), batch.keysetId, batch.signer
        ) returns (
            address payee
        ) {
            batch.payee = payee;
            return Refusal.None;
        } catch {
            return Refusal.SignerNotAdmitted;
        }
    }

    /// @dev Takes the commitment away, then lets the consumer know.
    function _deliver(
        Request calldata request_,
        bytes32 requestId,
        AnswerStatus status,
        bytes32 outputHash,
        bytes calldata output
    ) private returns (bool delivered) {
        _states[requestId] = request_.delivery == Delivery.Hash
            ? RequestStates.newAnswered(status, outputHash)
            : RequestStates.NONE;
        if (request_.delivery != Delivery.Callback) return true;
        return Callback.deliver(request_.consumer, request_.callbackGasLimit, requestId, status, output);
    }

    /// @dev What the payees earn, never above the escrow, so that an answer can always be settled; the rest goes back.
    function _pay(
        Request calldata request_,
        AnswerStatus status,
        RequestState state,
        uint256 gasUsed,
        uint256 outputBytes
    ) private returns (uint256 payment) {
        uint256 escrow = state.escrow();
        if (!Answers.isHostCausable(status)) {
            uint256 gasPrice = tx.gasprice < request_.gasPriceCap ? tx.gasprice : request_.gasPriceCap;
            payment = (gasUsed + SettlementGas.PER_OUTPUT_BYTE * outputBytes) * gasPrice
                + Chain.dataFee(CHAIN, SettlementGas.CALLDATA_BYTES + outputBytes);
            if (status == AnswerStatus.Ok) payment += request_.fee;
            if (payment > escrow) payment = escrow;
        }
        _giveBack(request_, escrow - payment);
    }

    function _share(address[] memory payees, uint256 paid) private {
        uint256 share = paid / payees.length;
        for (uint256 i = 1; i < payees.length; ++i) {
            _credits[payees[i]] += share;
        }
        // The indivisible rest is the first one's, so that nothing is left over.
        _credits[payees[0]] += paid - share * (payees.length - 1);
    }

    function _giveBack(Request calldata request_, uint256 amount) private {
        if (amount == 0) return;
        if (request_.subscriptionId != 0) _credit(request_.subscriptionId, amount);
        else _credits[request_.refundTo] += amount;
    }

    function _pendingState(bytes32 requestId) private view returns (RequestState state) {
        state = _states[requestId];
        require(state.isPending(), RequestNotPending(requestId));
    }
}
