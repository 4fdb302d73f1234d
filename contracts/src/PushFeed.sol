// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { FeedTerms, IPushFeed } from "./interfaces/IPushFeed.sol";
import { Chain } from "./libraries/Chain.sol";
import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "./OracleConsumer.sol";
import { Aggregation, Delivery, RequestTerms } from "./types/Request.sol";

/// @title PushFeed
/// @notice See `IPushFeed` for what each function establishes and does not.
contract PushFeed is IPushFeed, OracleConsumer, Ownable2Step {
    IChainAdapter private immutable CHAIN;

    FeedTerms private _feedTerms;
    bytes private _payload;

    uint64 private _lastRound;
    /// @dev Period in which a round last started.
    uint64 private _lastPeriod;
    uint64 private _lastEventBlock;
    uint64 private _lastEventAt;

    uint64 private _latestRound;
    uint64 private _latestAt;
    bytes private _latestOutput;

    /// @inheritdoc IPushFeed
    mapping(address account => bool) public isTrigger;

    /// @param coordinator The coordinator that is asked.
    /// @param chain Adapter of the chain; zero on chains with Ethereum's rules.
    /// @param owner Who names triggers and sets the offer.
    /// @param question The payload of every round (`Inference.encode`).
    /// @param feedTerms What rounds ask with, and when.
    constructor(
        IOracleCoordinator coordinator,
        IChainAdapter chain,
        address owner,
        bytes memory question,
        FeedTerms memory feedTerms
    ) OracleConsumer(coordinator, feedTerms.policyId) Ownable(owner) {
        require(feedTerms.periodSeconds != 0 || feedTerms.emitter != address(0), TriggerNotSupported());
        CHAIN = chain;
        // Events from before the feed start nothing.
        _lastEventBlock = uint64(Chain.blockNumber(chain));
        _payload = question;
        _feedTerms = feedTerms;
    }

    /// @inheritdoc IPushFeed
    function requestRound() external returns (uint64 round) {
        uint256 dueAt = scheduledAt();
        require(dueAt != type(uint256).max, TriggerNotSupported());
        require(block.timestamp >= dueAt, RoundNotDue(dueAt));
        return _startRound(0);
    }

    /// @inheritdoc IPushFeed
    function requestEventRound(uint64 eventBlock) external returns (uint64 round) {
        require(_feedTerms.emitter != address(0), TriggerNotSupported());
        require(isTrigger[msg.sender], NotTrigger(msg.sender));
        (uint256 from, uint64 lastEventBlock) = eventRoundsFrom();
        require(
            eventBlock > lastEventBlock && eventBlock <= Chain.blockNumber(CHAIN),
            EventBlockInvalid(eventBlock, lastEventBlock)
        );
        require(block.timestamp >= from, RoundNotDue(from));
        _lastEventBlock = eventBlock;
        _lastEventAt = uint64(block.timestamp);
        return _startRound(eventBlock);
    }

    /// @inheritdoc IPushFeed
    function setTrigger(address trigger, bool allowed) external onlyOwner {
        isTrigger[trigger] = allowed;
        emit TriggerSet(trigger, allowed);
    }

    /// @inheritdoc IPushFeed
    function setOffer(uint96 fee, uint64 gasPriceCap) external onlyOwner {
        (_feedTerms.fee, _feedTerms.gasPriceCap) = (fee, gasPriceCap);
        emit OfferSet(fee, gasPriceCap);
    }

    /// @inheritdoc IPushFeed
    function latest() external view returns (uint64 round, uint64 updatedAt, bytes memory output) {
        require(_latestRound != 0, NoAnswerYet());
        return (_latestRound, _latestAt, _latestOutput);
    }

    /// @inheritdoc IPushFeed
    function terms() external view returns (FeedTerms memory) {
        return _feedTerms;
    }

    /// @inheritdoc IPushFeed
    function payload() external view returns (bytes memory) {
        return _payload;
    }

    /// @inheritdoc IPushFeed
    function scheduledAt() public view returns (uint256) {
        uint256 period = _feedTerms.periodSeconds;
        return period == 0 ? type(uint256).max : (uint256(_lastPeriod) + 1) * period;
    }

    /// @inheritdoc IPushFeed
    function eventRoundsFrom() public view returns (uint256 dueAt, uint64 lastEventBlock) {
        return (uint256(_lastEventAt) + _feedTerms.minIntervalSeconds, _lastEventBlock);
    }

    /// @dev A round that an event starts serves its period too: the schedule says how long the feed may be silent.
    function _startRound(uint64 eventBlock) private returns (uint64 round) {
        FeedTerms memory asked = _feedTerms;
        if (asked.periodSeconds != 0) _lastPeriod = uint64(block.timestamp / asked.periodSeconds);
        round = ++_lastRound;
        RequestTerms memory requestTerms = RequestTerms({
            // Comes back with the answer, so that the round need not be kept.
            context: bytes32(uint256(round)),
            payer: address(this),
            refundTo: address(this),
            subscriptionId: asked.subscriptionId,
            policyId: asked.policyId,
            threshold: 1,
            aggregation: Aggregation.First,
            delivery: Delivery.Callback,
            callbackGasLimit: asked.callbackGasLimit,
            maxOutputBytes: asked.maxOutputBytes,
            fee: asked.fee,
            gasPriceCap: asked.gasPriceCap,
            deadline: uint40(block.timestamp) + asked.answerWithinSeconds
        });
        bytes32 requestId = _request(requestTerms, _payload, 0);
        emit RoundRequested(round, requestId, eventBlock);
    }

    function _onAnswer(
        bytes32,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal override {
        uint64 round = uint64(uint256(context));
        if (status == AnswerStatus.Ok && round > _latestRound) {
            (_latestRound, _latestAt) = (round, answeredAt);
            _latestOutput = output;
        }
        emit RoundAnswered(round, status, output);
    }
}
