// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ISubscriptions } from "../interfaces/ISubscriptions.sol";

/// @title SubscriptionLedger
/// @notice The balances of subscriptions, and who may ask from them. `Subscriptions` is what their owners call.
abstract contract SubscriptionLedger {
    /// @dev One slot, read and written by each request: the owner is the request's payer.
    struct Subscription {
        address owner;
        uint96 balance;
    }

    mapping(uint64 subscriptionId => Subscription) internal _subscriptions;
    /// @dev By owner: who buys a subscription does not buy the seller's consumers.
    mapping(uint64 subscriptionId => mapping(address owner => mapping(address consumer => uint96 cap)))
        internal _caps;

    /// @dev Takes a request's escrow out of the balance.
    function _reserve(uint64 subscriptionId, address consumer, uint256 escrow)
        internal
        returns (address owner)
    {
        require(msg.value == 0, ISubscriptions.ValueNotNeeded(msg.value));
        owner = _debit(subscriptionId, escrow);
        uint96 cap = _caps[subscriptionId][owner][consumer];
        require(
            cap != 0 && escrow <= cap,
            ISubscriptions.SubscriptionCapExceeded(subscriptionId, consumer, escrow, cap)
        );
    }

    function _credit(uint64 subscriptionId, uint256 amount) internal {
        Subscription storage held = _subscriptions[subscriptionId];
        uint256 balance = held.balance + amount;
        // 2^96 wei is more ether than there is; a coin of many more units must not wrap either.
        require(
            balance <= type(uint96).max,
            ISubscriptions.SubscriptionBalanceTooLow(subscriptionId, balance, type(uint96).max)
        );
        held.balance = uint96(balance);
    }

    function _debit(uint64 subscriptionId, uint256 amount) internal returns (address owner) {
        Subscription memory held = _subscriptions[subscriptionId];
        require(
            amount <= held.balance,
            ISubscriptions.SubscriptionBalanceTooLow(subscriptionId, amount, held.balance)
        );
        owner = held.owner;
        _subscriptions[subscriptionId] = Subscription(owner, held.balance - uint96(amount));
    }
}
