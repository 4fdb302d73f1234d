// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import { BatchItem, IOracleCoordinator, Refusal, SignedAnswer } from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { Chain } from "../libraries/Chain.sol";
import { Packed } from "../libraries/Packed.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { GasMeter, SettlementGas } from "../libraries/SettlementGas.sol";
import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request } from "../types/Request.sol";
import { BatchTree } from "./BatchTree.sol";
import { Candidate, Candidates } from "./Candidate.sol";
import { Settlement } from "./Settlement.sol";

/// @title AnswerSettlement
/// @notice Settles requests of threshold 1, by single answers and by batches.
abstract contract AnswerSettlement is IOracleCoordinator, Settlement {
    /// @dev What the items of a batch share.
    /// @param signer Of the batch; zero when its signature is none.
    /// @param policyId Policy that `servesAfter` is of: the registry is asked once for a run of items under one.
    /// @param servesAfter The signer serves requests made later.
    /// @param payee The keyset's, which is the same under every policy.
    /// @param earned Wei of the items settled so far.
    /// @param gasAtStart Gas left when the batch began, and when the present item did.
    /// @param gasShare Gas of an item's share in what is done once.
    /// @param tokenShare Its share in calldata.
    /// @param baseShare Its share in the transaction's base cost.
    /// @param run First of the items, this one the last, whose rest goes to one account.
    /// @param runOwes What of that rest is not written yet.
    struct Batch {
        bytes32 keysetId;
        address signer;
        bytes32 policyId;
        uint256 servesAfter;
        address payee;
        uint256 earned;
        uint256 gasAtStart;
        uint256 gasAtItem;
        uint256 gasShare;
        uint256 tokenShare;
        uint256 baseShare;
        GasMeter meter;
        Candidate run;
        uint256 runOwes;
    }

    /// @dev Gas of a single settlement that its measurement misses: before the first `gasleft` and after the last.
    uint256 private constant UNMETERED_GAS = 6_100;
    /// @dev The same of a batch, and of each of its items.
    uint256 private constant UNMETERED_BATCH_GAS = 5_300;
    uint256 private constant UNMETERED_ITEM_GAS = 4_500;
    /// @dev EIP-2200 and EIP-2929: writing a warm slot that was zero, or not.
    uint256 private constant NEW_SLOT_GAS = 20_000;
    uint256 private constant CHANGED_SLOT_GAS = 2_900;
    /// @dev Calldata before an item of `Packed`: selector, keysetId, r, vs, (count,) offset and length. Of its tokens the last three
    /// words are most zeros: two bytes of a count, one of an offset, three of a length are not.
    uint256 private constant PACKED_HEAD_BYTES = 164;
    uint256 private constant PACKED_HEAD_TOKENS = 476;
    uint256 private constant PACKED_BATCH_HEAD_TOKENS = 514;
    /// @dev Calldata of `fulfill` without its output, and of an item of `fulfillBatch`.
    uint256 private constant FULFILL_BYTES = 1_156;
    uint256 private constant ITEM_BYTES = 928;
    /// @dev Tokens of the calldata of `fulfillBatch` before its items, of an item's offset, and of an empty proof.
    uint256 private constant BATCH_HEAD_TOKENS = 720;
    uint256 private constant ITEM_TOKENS = 76;

    /// @inheritdoc IOracleCoordinator
    function fulfill(Request calldata request_, SignedAnswer calldata signed) external nonReentrant {
        uint256 gasAtStart = gasleft();
        Candidate candidate = _load(request_, signed.answer, signed.output, signed.stateBlockNumber);
        RequestState state = _requireSettleable(candidate);
        address signer = Answers.recover(
            Answers.typedDigest(block.chainid, address(this), candidate.answerHash()), signed.signature
        );
        uint256 end = FULFILL_BYTES + _padded(signed.output.length);
        _settle(candidate, state, signer, SettlementGas.tokensOf(0, end), end, gasAtStart);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillPacked(bytes32 keysetId, bytes32 r, bytes32 vs, bytes calldata item)
        external
        nonReentrant
    {
        uint256 gasAtStart = gasleft();
        (uint256 start, uint256 end) = _bounds(item);
        Candidate candidate = Candidates.allocate();
        require(Packed.read(candidate, candidate, start, keysetId, CHAIN) == end, Packed.PackedMalformed());
        RequestState state = _requireSettleable(candidate);
        address signer = Answers.recoverCompact(
            Answers.typedDigest(block.chainid, address(this), candidate.answerHash()), r, vs
        );
        uint256 tokens =
            PACKED_HEAD_TOKENS + Packed.tokensOf(start, end) + (_padded(item.length) - item.length);
        _settle(candidate, state, signer, tokens, PACKED_HEAD_BYTES + _padded(item.length), gasAtStart);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillBatch(
        BatchItem[] calldata items,
        bytes32 root,
        uint32 count,
        bytes32[][] calldata proofs,
        bytes calldata signature
    ) external nonReentrant {
        Batch memory batch;
        batch.gasAtStart = gasleft();
        require(
            items.length != 0 && items.length <= count
                && (proofs.length == 0 || proofs.length == items.length)
                && (proofs.length != 0 || items.length == count),
            BatchMalformed(items.length, proofs.length, count)
        );
        Candidate[] memory candidates = _readItems(items);
        bool[] memory included = _included(_leaves(candidates), root, proofs);
        batch.keysetId = candidates[0].keysetId();
        batch.signer =
            Answers.recover(Answers.batchDigest(root, count, block.chainid, address(this)), signature);
        _beginBatch(batch, candidates, BATCH_HEAD_TOKENS);
        for (uint256 i = 0; i < candidates.length; ++i) {
            batch.gasAtItem = gasleft();
            // Its own proof alone: that of an item which is refused may have any length.
            uint256 proofBytes = proofs.length == 0 ? 0 : 32 * proofs[i].length;
            (uint256 tokens, uint256 dataBytes) = _measureItem(items[i], proofBytes);
            _settleItem(candidates[i], batch, included[i], tokens, dataBytes);
        }
        _closeBatch(batch);
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillBatchPacked(bytes32 keysetId, bytes32 r, bytes32 vs, uint32 count, bytes calldata items)
        external
        nonReentrant
    {
        Batch memory batch;
        batch.gasAtStart = gasleft();
        Candidate[] memory candidates = _readPacked(keysetId, count, items);
        batch.keysetId = keysetId;
        batch.signer = Answers.recoverCompact(
            Answers.batchDigest(BatchTree.root(_leaves(candidates)), count, block.chainid, address(this)),
            r,
            vs
        );
        _beginBatch(batch, candidates, PACKED_BATCH_HEAD_TOKENS + (_padded(items.length) - items.length));
        (uint256 start,) = _bounds(items);
        for (uint256 i = 0; i < count; ++i) {
            batch.gasAtItem = gasleft();
            uint256 end = start + Packed.lengthAt(start);
            _settleItem(candidates[i], batch, true, Packed.tokensOf(start, end), end - start);
            start = end;
        }
        _closeBatch(batch);
    }

    function _load(
        Request calldata request_,
        Answer calldata answer,
        bytes calldata output,
        uint256 stateBlockNumber
    ) private view returns (Candidate candidate) {
        candidate = Candidates.allocate();
        candidate.setRequest(request_);
        candidate.setAnswer(answer, output);
        candidate.setStateBlock(stateBlockNumber, Chain.blockHash(CHAIN, stateBlockNumber));
    }

    /// @dev Everything that can refuse a single answer but its signature.
    function _singleRefusal(Candidate candidate, RequestState state) private view returns (Refusal refusal) {
        refusal = _requestRefusal(candidate, state);
        if (refusal != Refusal.None) return refusal;
        if (candidate.threshold() != 1) return Refusal.QuorumRequired;
        refusal = _refusal(candidate, state);
        if (refusal != Refusal.None) return refusal;
        bytes calldata output = candidate.output();
        if (candidate.delivery() == Delivery.Callback) return _outputRefusal(candidate, output);
        return output.length == 0 ? Refusal.None : Refusal.OutputUnexpected;
    }

    function _requireSettleable(Candidate candidate) private view returns (RequestState state) {
        bytes32 requestId = candidate.requestId();
        state = _states[requestId];
        Refusal refusal = _singleRefusal(candidate, state);
        require(refusal == Refusal.None, FulfillmentRefused(requestId, refusal));
    }

    /// @dev Settles one answer that nothing but its signer can refuse any more.
    function _settle(
        Candidate candidate,
        RequestState state,
        address signer,
        uint256 tokens,
        uint256 dataBytes,
        uint256 gasAtStart
    ) private {
        address payee = REGISTRY.payeeOf(
            candidate.policyId(), candidate.requestedAt(), candidate.keysetId(), signer
        );
        bool delivered = _deliver(candidate, state);
        uint256 escrow = state.escrow();
        uint256 paid = 0;
        _giveBack(candidate, escrow);
        if (Answers.earnsGas(candidate.status())) {
            uint256 dataFee = Chain.dataFee(CHAIN, dataBytes);
            // Unchecked: sums of wei that this contract holds, and times and gas of this call.
            unchecked {
                // Both hold the escrow while gas is measured: to write them again costs the same, whatever they held.
                uint256 credit = _credits[payee] + escrow;
                _credits[payee] = credit;
                uint256 cleared = _clearedBy(candidate, delivered);
                uint256 gas = _charge(tokens, UNMETERED_GAS + gasAtStart - gasleft(), cleared);
                paid = _payment(candidate, gas, dataFee, escrow);
                _credits[payee] = credit - escrow + paid;
                _takeBack(candidate, paid);
            }
        }
        _emitFulfilled(candidate, delivered, paid);
    }

    /// @dev Settles one item, or says why not.
    function _settleItem(
        Candidate candidate,
        Batch memory batch,
        bool isIncluded,
        uint256 tokens,
        uint256 dataBytes
    ) private {
        bytes32 requestId = candidate.requestId();
        RequestState state = _states[requestId];
        Refusal refusal = isIncluded ? _singleRefusal(candidate, state) : Refusal.LeafNotInBatch;
        if (refusal == Refusal.None) refusal = _signerRefusal(candidate, batch);
        if (refusal != Refusal.None) {
            emit BatchItemRefused(requestId, refusal);
            return;
        }
        bool delivered = _deliver(candidate, state);
        uint256 paid =
            _payItem(candidate, batch, state.escrow(), _clearedBy(candidate, delivered), tokens, dataBytes);
        _emitFulfilled(candidate, delivered, paid);
    }

    function _payItem(
        Candidate candidate,
        Batch memory batch,
        uint256 escrow,
        uint256 cleared,
        uint256 tokens,
        uint256 dataBytes
    ) private returns (uint256 paid) {
        bool isInRun = _isInRun(candidate, batch);
        // The first of a run is given back whole while gas is measured: to write that account again costs the same, whatever it held.
        if (!isInRun) {
            _endRun(batch);
            batch.run = candidate;
            _giveBack(candidate, escrow);
        }
        if (Answers.earnsGas(candidate.status())) {
            uint256 dataFee = Chain.dataFee(CHAIN, dataBytes);
            paid = _payment(candidate, _meterItem(batch, tokens, cleared), dataFee, escrow);
            batch.earned += paid;
            if (!isInRun) _takeBack(candidate, paid);
        }
        if (isInRun) batch.runOwes += escrow - paid;
    }

    /// @dev Whether what is left of the item goes where that of the items before goes.
    function _isInRun(Candidate candidate, Batch memory batch) private pure returns (bool) {
        Candidate run = batch.run;
        return Candidate.unwrap(run) != 0 && candidate.refundTo() == run.refundTo()
            && candidate.subscriptionId() == run.subscriptionId();
    }

    function _endRun(Batch memory batch) private {
        uint256 owed = batch.runOwes;
        if (owed == 0) return;
        _giveBack(batch.run, owed);
        batch.runOwes = 0;
    }

    function _meterItem(Batch memory batch, uint256 tokens, uint256 cleared)
        private
        view
        returns (uint256 gas)
    {
        uint256 executed = batch.gasShare + batch.gasAtItem - gasleft();
        return batch.baseShare + SettlementGas.add(batch.meter, batch.tokenShare + tokens, executed, cleared);
    }

    /// @dev Shares out what is done once.
    function _beginBatch(Batch memory batch, Candidate[] memory candidates, uint256 headTokens) private view {
        _askRegistry(batch, candidates[0].policyId());
        uint256 count = candidates.length;
        uint256 base;
        (batch.meter, base) = _openMeter();
        batch.baseShare = base / count;
        batch.tokenShare = (headTokens + count - 1) / count;
        uint256 executed = UNMETERED_BATCH_GAS + batch.gasAtStart - gasleft() + _creditGas(batch.payee);
        batch.gasShare = executed / count + UNMETERED_ITEM_GAS;
    }

    /// @dev Gas of writing an account's credit at the end, after callbacks: what it holds is read here, so that it is warm then.
    function _creditGas(address account) private view returns (uint256) {
        return _credits[account] == 0 ? NEW_SLOT_GAS : CHANGED_SLOT_GAS;
    }

    function _closeBatch(Batch memory batch) private {
        _endRun(batch);
        if (batch.earned == 0) return;
        _credits[batch.payee] += batch.earned;
        _closeMeter(batch.meter);
    }

    /// @dev What the signer serves under a policy.
    function _askRegistry(Batch memory batch, bytes32 policyId) private view {
        address payee;
        (payee, batch.servesAfter) = REGISTRY.liveTerms(policyId, batch.keysetId, batch.signer);
        batch.policyId = policyId;
        if (payee != address(0)) batch.payee = payee;
    }

    function _signerRefusal(Candidate candidate, Batch memory batch) private view returns (Refusal) {
        if (candidate.keysetId() != batch.keysetId) return Refusal.SignerNotAdmitted;
        bytes32 policyId = candidate.policyId();
        if (policyId != batch.policyId) _askRegistry(batch, policyId);
        uint40 requestedAt = candidate.requestedAt();
        if (requestedAt > batch.servesAfter) return Refusal.None;
        // An earlier admission may still serve what the current one does not.
        try REGISTRY.payeeOf(policyId, requestedAt, batch.keysetId, batch.signer) returns (address payee) {
            batch.payee = payee;
            return Refusal.None;
        } catch {
            return Refusal.SignerNotAdmitted;
        }
    }

    /// @dev Takes the commitment away, then lets the consumer know.
    function _deliver(Candidate candidate, RequestState state) private returns (bool delivered) {
        bytes32 requestId = candidate.requestId();
        (AnswerStatus status, uint64 answeredAt) = (candidate.status(), candidate.answeredAt());
        if (candidate.delivery() != Delivery.Callback) {
            _states[requestId] = _settledState(candidate, state, status, answeredAt, candidate.outputHash());
            return true;
        }
        _states[requestId] = _endedState(candidate.requestedAt());
        delivered = Callback.answer(candidate, status, answeredAt, candidate.output());
        if (!delivered) {
            _states[requestId] = RequestStates.newFailed(status, answeredAt, candidate.outputHash());
        }
    }

    /// @dev What a payee earns, never above the escrow, so that an answer can always be settled.
    function _payment(Candidate candidate, uint256 gas, uint256 dataFee, uint256 escrow)
        private
        view
        returns (uint256 payment)
    {
        // Unchecked: gas and a price of 64 bits, a fee of 96, and what the chain's adapter says of its own price.
        unchecked {
            payment = gas * SettlementGas.repaidPrice(candidate.gasPriceCap()) + dataFee;
            if (Answers.earnsFee(candidate.status())) payment += candidate.fee();
        }
        if (payment > escrow) payment = escrow;
    }

    /// @dev `emit Fulfilled(…)`, whose topics and words lie in the candidate.
    function _emitFulfilled(Candidate candidate, bool delivered, uint256 paid) private {
        bytes32 topic = Fulfilled.selector;
        bytes32 requestId = candidate.requestId();
        bytes32 keysetId = candidate.keysetId();
        uint256 status = uint256(candidate.status());
        uint256 answeredAt = candidate.answeredAt();
        bytes32 outputHash = candidate.outputHash();
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, status)
            mstore(add(free, 0x20), answeredAt)
            mstore(add(free, 0x40), outputHash)
            mstore(add(free, 0x60), delivered)
            mstore(add(free, 0x80), paid)
            log3(free, 0xa0, topic, requestId, keysetId)
        }
    }

    function _readPacked(bytes32 keysetId, uint32 count, bytes calldata items)
        private
        view
        returns (Candidate[] memory candidates)
    {
        require(count != 0 && count <= items.length, BatchMalformed(count, 0, count));
        candidates = new Candidate[](count);
        (uint256 position, uint256 end) = _bounds(items);
        for (uint256 i = 0; i < count; ++i) {
            Candidate candidate = Candidates.allocate();
            Candidate before = i == 0 ? candidate : candidates[i - 1];
            position = Packed.read(candidate, before, position, keysetId, CHAIN);
            candidates[i] = candidate;
        }
        require(position == end, Packed.PackedMalformed());
    }

    function _leaves(Candidate[] memory candidates) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](candidates.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Answers.leafOf(candidates[i].answerHash());
        }
    }

    function _readItems(BatchItem[] calldata items) private view returns (Candidate[] memory candidates) {
        candidates = new Candidate[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            BatchItem calldata item = items[i];
            candidates[i] = _load(item.request, item.answer, item.output, item.stateBlockNumber);
        }
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

    /// @dev An item's calldata, with its proof.
    function _measureItem(BatchItem calldata item, uint256 proofBytes)
        private
        pure
        returns (uint256 tokens, uint256 dataBytes)
    {
        uint256 start;
        // Memory-safe: reads a calldata pointer.
        assembly ("memory-safe") {
            start := item
        }
        (uint256 outputStart, uint256 outputEnd) = _bounds(item.output);
        uint256 outputBytes = 32 + _padded(outputEnd - outputStart);
        tokens = SettlementGas.tokensOf(start, start + ITEM_BYTES)
            + SettlementGas.tokensOf(outputStart - 32, outputStart - 32 + outputBytes) + ITEM_TOKENS
            + proofBytes * 4;
        dataBytes = ITEM_BYTES + outputBytes + 64 + proofBytes;
    }

    function _bounds(bytes calldata data) private pure returns (uint256 start, uint256 end) {
        // Memory-safe: reads a calldata pointer.
        assembly ("memory-safe") {
            start := data.offset
            end := add(start, data.length)
        }
    }

    /// @dev Length of bytes in the ABI's encoding.
    function _padded(uint256 length) private pure returns (uint256) {
        return (length + 31) & ~uint256(31);
    }
}
