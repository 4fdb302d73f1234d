// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";

/// @notice What a feed asks with, and when.
/// @param subscriptionId Pays for the rounds; its owner lists the feed as a consumer.
/// @param fee Wei for the model's work; a node quotes it.
/// @param gasPriceCap Wei per gas that is repaid at most.
/// @param callbackGasLimit Gas for storing an answer: 100,000, and 25,000 for each 32 bytes of output.
/// @param answerWithinSeconds How long a round waits for its answer.
/// @param periodSeconds One round is due in each period of this length, counted from 1970; zero for no schedule.
/// @param minIntervalSeconds Least time between two rounds that events start.
/// @param emitter Contract whose event starts a round; zero for none.
/// @param topic First topic of that event.
struct FeedTerms {
    bytes32 policyId;
    uint64 subscriptionId;
    uint96 fee;
    uint64 gasPriceCap;
    uint32 callbackGasLimit;
    uint24 maxOutputBytes;
    uint32 answerWithinSeconds;
    uint32 periodSeconds;
    uint32 minIntervalSeconds;
    address emitter;
    bytes32 topic;
}

/// @title IPushFeed
/// @notice A question that is asked again and again: on a schedule, when a watched event fires, or both. Contracts read the
/// newest answer.
/// @dev Establishes: one request for each period and for each block with the event, whoever and however many ask for it; a
/// period that nobody used is gone; an older round never replaces a newer one.
/// @dev Does not establish: that the event happened, which is the triggers' word; that an answer is recent, see `updatedAt`.
/// @dev Warning: a scheduled round can be started by anyone, and an event's by a trigger; each costs the subscription what the
/// terms offer at most.
interface IPushFeed {
    /// @notice Emitted when a round asks.
    /// @param eventBlock Block of the event that started it; zero for the schedule.
    event RoundRequested(uint64 indexed round, bytes32 indexed requestId, uint64 eventBlock);
    /// @notice Emitted when a round's answer arrives; the feed changes only when `status` is `Ok`.
    event RoundAnswered(uint64 indexed round, AnswerStatus status, bytes output);
    /// @notice Emitted when an account may report events, or no longer.
    event TriggerSet(address indexed trigger, bool allowed);
    /// @notice Emitted when the owner changes what rounds offer.
    event OfferSet(uint96 fee, uint64 gasPriceCap);

    /// @notice Thrown when no round is due before `dueAt`.
    error RoundNotDue(uint256 dueAt);
    /// @notice Thrown when the feed has no schedule, or watches no event.
    error TriggerNotSupported();
    /// @notice Thrown when the caller may not report events.
    error NotTrigger(address caller);
    /// @notice Thrown when the block had its round, or an older one than a block that had, or does not exist yet.
    error EventBlockInvalid(uint64 eventBlock, uint64 lastEventBlock);
    /// @notice Thrown when no round was answered yet.
    error NoAnswerYet();

    /// @notice Starts the round of the present period. Anyone may send it.
    function requestRound() external returns (uint64 round);

    /// @notice Starts a round for the watched event in `eventBlock`; triggers. Earlier blocks are covered by it.
    function requestEventRound(uint64 eventBlock) external returns (uint64 round);

    /// @notice Allows an account to report events, or no longer; owner.
    function setTrigger(address trigger, bool allowed) external;

    /// @notice Changes what rounds offer; owner.
    function setOffer(uint96 fee, uint64 gasPriceCap) external;

    /// @notice The newest answer. Reverts when there is none.
    /// @param updatedAt Seconds: when the enclave answered. Compare it with the age that you can bear.
    function latest() external view returns (uint64 round, uint64 updatedAt, bytes memory output);

    /// @notice What rounds ask with, and when.
    function terms() external view returns (FeedTerms memory);

    /// @notice The payload that every round asks.
    function payload() external view returns (bytes memory);

    /// @notice When the next round of the schedule may start, in seconds; the past means now. The largest integer without one.
    function scheduledAt() external view returns (uint256);

    /// @notice When the next event may start a round, in seconds, and the newest block whose event did.
    function eventRoundsFrom() external view returns (uint256 dueAt, uint64 lastEventBlock);

    /// @notice Whether an account may report events.
    function isTrigger(address account) external view returns (bool);
}
