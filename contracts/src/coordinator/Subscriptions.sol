// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ISubscriptions } from "../interfaces/ISubscriptions.sol";

/// @title Subscriptions
/// @notice See `ISubscriptions`.
abstract contract Subscriptions is ISubscriptions {
    /// @dev One slot, read and written by each request: the owner is the request's payer.
    struct Subscription {
        address owner;
        uint96 balance;
    }

    mapping(uint64 subscriptionId => Subscription) private _subscriptions;
    mapping(uint64 subscriptionId => mapping(address consumer => uint96 cap)) private _caps;
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
        _caps[subscriptionId][consumer] = capPerRequest;
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
        return _caps[subscriptionId][consumer];
    }

    /// @dev Takes a request's escrow out of the balance.
    function _reserve(uint64 subscriptionId, address consumer, uint256 escrow)
        internal
        returns (address owner)
    {
        require(msg.value == 0, ValueNotNeeded(msg.value));
        uint96 cap = _caps[subscriptionId][consumer];
        require(cap != 0 && escrow <= cap, SubscriptionCapExceeded(subscriptionId, consumer, escrow, cap));
        owner = _debit(subscriptionId, escrow);
    }

    function _credit(uint64 subscriptionId, uint256 amount) internal {
        Subscription storage held = _subscriptions[subscriptionId];
        uint256 balance = held.balance + amount;
        // 2^96 wei is more ether than there is; a coin of many more units must not wrap either.
        require(
            balance <= type(uint96).max, SubscriptionBalanceTooLow(subscriptionId, balance, type(uint96).max)
        );
        held.balance = uint96(balance);
    }

    function _debit(uint64 subscriptionId, uint256 amount) private returns (address owner) {
        Subscription memory held = _subscriptions[subscriptionId];
        require(amount <= held.balance, SubscriptionBalanceTooLow(subscriptionId, amount, held.balance));
        owner = held.owner;
        _subscriptions[subscriptionId] = Subscription(owner, held.balance - uint96(amount));
    }
}
