// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title ISubscriptions
/// @notice Prepaid balances that consumers ask from.
/// @dev Establishes: a request takes its escrow out of the balance when it is made, so no withdrawal can race it; what is not
/// spent comes back to the balance.
/// @dev Does not establish: that a consumer asks sensibly. Set a cap that you can lose per request.
interface ISubscriptions {
    /// @notice Emitted when a subscription is opened.
    event SubscriptionOpened(uint64 indexed subscriptionId, address indexed owner);
    /// @notice Emitted when money comes in.
    event SubscriptionFunded(uint64 indexed subscriptionId, uint256 amount);
    /// @notice Emitted when the owner takes money out.
    event SubscriptionWithdrawn(uint64 indexed subscriptionId, address indexed to, uint256 amount);
    /// @notice Emitted when a consumer is allowed (a cap above zero) or removed.
    event SubscriptionConsumerSet(
        uint64 indexed subscriptionId, address indexed consumer, uint96 capPerRequest
    );
    /// @notice Emitted when an owner names a successor.
    event SubscriptionOffered(uint64 indexed subscriptionId, address indexed newOwner);
    /// @notice Emitted when the successor accepted.
    event SubscriptionTransferred(uint64 indexed subscriptionId, address indexed newOwner);

    /// @notice Thrown when the caller is not the subscription's owner (or the offered one).
    error NotSubscriptionOwner(uint64 subscriptionId, address caller);
    /// @notice Thrown when the consumer's cap is below what the request needs; zero for a consumer that is not listed.
    error SubscriptionCapExceeded(uint64 subscriptionId, address consumer, uint256 required, uint96 cap);
    /// @notice Thrown when the balance is below what is needed.
    error SubscriptionBalanceTooLow(uint64 subscriptionId, uint256 required, uint96 balance);
    /// @notice Thrown when money is sent along with a request that a subscription pays.
    error ValueNotNeeded(uint256 value);
    /// @notice Thrown when a transfer fails.
    error SubscriptionTransferFailed(address to);

    /// @notice Opens a subscription that the caller owns; the call's value is its first balance.
    function openSubscription() external payable returns (uint64 subscriptionId);

    /// @notice Adds the call's value; anyone.
    function fundSubscription(uint64 subscriptionId) external payable;

    /// @notice Allows `consumer` to ask for at most `capPerRequest` wei of escrow each time; zero removes it; owner.
    function setConsumer(uint64 subscriptionId, address consumer, uint96 capPerRequest) external;

    /// @notice Takes money out; owner. Escrow of open requests is not in the balance, so it cannot be taken.
    function withdrawSubscription(uint64 subscriptionId, address to, uint96 amount) external;

    /// @notice Names a new owner, who must accept.
    function offerSubscription(uint64 subscriptionId, address newOwner) external;

    /// @notice Accepts an offered subscription. The seller's consumers may no longer ask: caps belong to the owner who set them.
    function acceptSubscription(uint64 subscriptionId) external;

    /// @notice Owner and free balance.
    function subscription(uint64 subscriptionId) external view returns (address owner, uint96 balance);

    /// @notice A consumer's cap per request; zero when it is not listed.
    function capOf(uint64 subscriptionId, address consumer) external view returns (uint96);

    /// @notice Every consumer that may ask from the subscription, and its cap per request.
    function consumersOf(uint64 subscriptionId)
        external
        view
        returns (address[] memory consumers, uint96[] memory caps);
}
