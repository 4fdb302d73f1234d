// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ISubscriptions } from "../interfaces/ISubscriptions.sol";
import { SubscriptionLedger } from "./SubscriptionLedger.sol";

/// @title Subscriptions
/// @notice See `ISubscriptions`.
abstract contract Subscriptions is ISubscriptions, SubscriptionLedger {
    /// @dev Whoever has a cap, for the view.
    mapping(uint64 subscriptionId => mapping(address owner => address[] consumers)) private _consumers;
    mapping(uint64 subscriptionId => address) private _offeredOwners;
    uint64 private _lastSubscriptionId;

    modifier onlySubscriptionOwner(uint64 subscriptionId) {
        require(
            msg.sender == _subscriptions[subscriptionId].owner,
            NotSubscriptionOwner(subscriptionId, msg.sender)
        );
        _;
    }

    /// @inheritdoc ISubscriptions
    function openSubscription() external payable returns (uint64 subscriptionId) {
        subscriptionId = ++_lastSubscriptionId;
        _subscriptions[subscriptionId].owner = msg.sender;
        emit SubscriptionOpened(subscriptionId, msg.sender);
        _credit(subscriptionId, msg.value);
        emit SubscriptionFunded(subscriptionId, msg.value);
    }

    /// @inheritdoc ISubscriptions
    function fundSubscription(uint64 subscriptionId) external payable {
        require(
            _subscriptions[subscriptionId].owner != address(0),
            NotSubscriptionOwner(subscriptionId, address(0))
        );
        _credit(subscriptionId, msg.value);
        emit SubscriptionFunded(subscriptionId, msg.value);
    }

    /// @inheritdoc ISubscriptions
    function setConsumer(uint64 subscriptionId, address consumer, uint96 capPerRequest)
        external
        onlySubscriptionOwner(subscriptionId)
    {
        uint96 before = _caps[subscriptionId][msg.sender][consumer];
        _caps[subscriptionId][msg.sender][consumer] = capPerRequest;
        address[] storage consumers = _consumers[subscriptionId][msg.sender];
        if (before == 0 && capPerRequest != 0) consumers.push(consumer);
        if (before != 0 && capPerRequest == 0) _remove(consumers, consumer);
        emit SubscriptionConsumerSet(subscriptionId, consumer, capPerRequest);
    }

    /// @inheritdoc ISubscriptions
    function withdrawSubscription(uint64 subscriptionId, address to, uint96 amount)
        external
        onlySubscriptionOwner(subscriptionId)
    {
        _debit(subscriptionId, amount);
        emit SubscriptionWithdrawn(subscriptionId, to, amount);
        (bool succeeded,) = to.call{ value: amount }("");
        require(succeeded, SubscriptionTransferFailed(to));
    }

    /// @inheritdoc ISubscriptions
    function offerSubscription(uint64 subscriptionId, address newOwner)
        external
        onlySubscriptionOwner(subscriptionId)
    {
        _offeredOwners[subscriptionId] = newOwner;
        emit SubscriptionOffered(subscriptionId, newOwner);
    }

    /// @inheritdoc ISubscriptions
    function acceptSubscription(uint64 subscriptionId) external {
        require(
            msg.sender == _offeredOwners[subscriptionId], NotSubscriptionOwner(subscriptionId, msg.sender)
        );
        delete _offeredOwners[subscriptionId];
        _subscriptions[subscriptionId].owner = msg.sender;
        emit SubscriptionTransferred(subscriptionId, msg.sender);
    }

    /// @inheritdoc ISubscriptions
    function subscription(uint64 subscriptionId) external view returns (address owner, uint96 balance) {
        Subscription storage held = _subscriptions[subscriptionId];
        return (held.owner, held.balance);
    }

    /// @inheritdoc ISubscriptions
    function capOf(uint64 subscriptionId, address consumer) external view returns (uint96) {
        return _caps[subscriptionId][_subscriptions[subscriptionId].owner][consumer];
    }

    /// @inheritdoc ISubscriptions
    function consumersOf(uint64 subscriptionId)
        external
        view
        returns (address[] memory consumers, uint96[] memory caps)
    {
        address owner = _subscriptions[subscriptionId].owner;
        consumers = _consumers[subscriptionId][owner];
        caps = new uint96[](consumers.length);
        for (uint256 i = 0; i < caps.length; ++i) {
            caps[i] = _caps[subscriptionId][owner][consumers[i]];
        }
    }

    function _remove(address[] storage consumers, address consumer) private {
        uint256 last = consumers.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (consumers[i] == consumer) {
                consumers[i] = consumers[last];
                break;
            }
        }
        consumers.pop();
    }
}
