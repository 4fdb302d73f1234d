// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// What stands behind a price feed: rounds, packed into a slot each.
contract PriceAggregator {
    struct Round {
        int192 answer;
        uint64 time;
    }

    mapping(uint32 => Round) private rounds;
    uint32 private latest;

    function push(int192 answer) external {
        latest += 1;
        rounds[latest] = Round(answer, uint64(block.timestamp));
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = rounds[latest];
        return (latest, round.answer, round.time, round.time, latest);
    }
}

/// A price feed as they stand on chains: read through a proxy that may change what is behind it.
contract PriceFeed {
    struct Phase {
        uint16 id;
        PriceAggregator aggregator;
    }

    Phase private phase;

    constructor(PriceAggregator aggregator) {
        phase = Phase(1, aggregator);
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn)
    {
        Phase memory current = phase;
        (roundId, answer, startedAt, updatedAt, answeredIn) = current.aggregator.latestRoundData();
        roundId = uint80((uint256(current.id) << 64) | roundId);
        answeredIn = roundId;
    }
}
