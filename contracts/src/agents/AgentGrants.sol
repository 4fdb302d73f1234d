// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Chain } from "../libraries/Chain.sol";
import { PolicyHead } from "../types/Policy.sol";
import { CallRules } from "./CallRules.sol";
import { Grant, Window } from "./Grant.sol";
import { GrantState, IAgentAccount, RunInput } from "./IAgentAccount.sol";

/// @title AgentGrants
/// @notice What an owner grants, and when it holds. See `IAgentAccount`.
abstract contract AgentGrants is IAgentAccount {
    uint40 private constant FOREVER = type(uint40).max;

    IEnclaveRegistry public immutable ENCLAVES;
    /// @inheritdoc IAgentAccount
    uint32 public immutable GRANT_DELAY_SECONDS;
    IChainAdapter internal immutable CHAIN;

    uint40 private _stoppedUntil;
    mapping(bytes32 grantId => GrantState) internal _grants;
    mapping(bytes32 grantId => mapping(address token => Window)) internal _windows;
    /// @dev Hash of the input's terms while it waits.
    mapping(bytes32 grantId => mapping(uint64 nonce => bytes32)) internal _inputs;

    modifier onlyOwner() {
        require(msg.sender == owner(), NotOwner(msg.sender));
        _;
    }

    constructor(IEnclaveRegistry enclaves, uint32 grantDelaySeconds) {
        ENCLAVES = enclaves;
        CHAIN = enclaves.CHAIN();
        GRANT_DELAY_SECONDS = grantDelaySeconds;
    }

    /// @inheritdoc IAgentAccount
    function propose(Grant calldata grant) external onlyOwner returns (bytes32 grantId) {
        CallRules.requireBounded(grant);
        grantId = keccak256(abi.encode(grant));
        PolicyHead memory policy = ENCLAVES.head(grant.policyId);
        require(_grants[grantId].activeFrom == 0 && policy.keysBeforeRequest, GrantRefused(grantId));
        uint40 activeFrom = _afterDelay();
        _grants[grantId].activeFrom = activeFrom;
        _grants[grantId].widenedAt = policy.widenedAt;
        emit GrantProposed(grantId, activeFrom, grant);
    }

    /// @inheritdoc IAgentAccount
    function revoke(bytes32 grantId) external onlyOwner {
        require(_grants[grantId].activeFrom != 0, GrantNotLive(grantId));
        _grants[grantId].isRevoked = true;
        emit GrantRevoked(grantId);
    }

    /// @inheritdoc IAgentAccount
    function stop() external onlyOwner {
        _setStopped(FOREVER);
    }

    /// @inheritdoc IAgentAccount
    function resume() external onlyOwner {
        _setStopped(_afterDelay());
    }

    /// @inheritdoc IAgentAccount
    function requestRun(bytes calldata encodedGrant, bytes calldata input) external returns (uint64 nonce) {
        bytes32 grantId = keccak256(encodedGrant);
        Grant calldata grant = _decode(encodedGrant);
        GrantState memory state = _requireLive(grantId, grant);
        PolicyHead memory policy = ENCLAVES.head(grant.policyId);
        _requireUnwidened(grant, state.widenedAt, policy.widenedAt, policy.keysBeforeRequest);
        // Before that a run would be refused: the caller learns it now.
        require(block.timestamp >= state.activeFrom, GrantNotLive(grantId));
        require(_isCaller(grant, msg.sender), NotACaller(msg.sender));
        nonce = state.nextNonce;
        _grants[grantId].nextNonce = nonce + 1;
        uint40 requestedAt = uint40(block.timestamp);
        uint48 blockNumber = uint48(Chain.blockNumber(CHAIN));
        _inputs[grantId][nonce] =
            _inputCommitment(RunInput(nonce, requestedAt, blockNumber, keccak256(input)));
        emit RunRequested(
            grantId, nonce, requestedAt, requestedAt + grant.lifetimeSeconds, blockNumber, input
        );
    }

    /// @inheritdoc IAgentAccount
    function stateOf(bytes32 grantId) external view returns (GrantState memory) {
        return _grants[grantId];
    }

    /// @inheritdoc IAgentAccount
    function outflowOf(bytes32 grantId, address token)
        external
        view
        returns (uint40 startedAt, uint128 spent)
    {
        Window memory window = _windows[grantId][token];
        return (window.startedAt, window.spent);
    }

    /// @notice Who grants, stops and revokes.
    function owner() public view virtual returns (address);

    /// @dev What holds of a grant before any run, but for its policy: it is the owner's, and it has not ended.
    function _requireLive(bytes32 grantId, Grant calldata grant)
        internal
        view
        returns (GrantState memory state)
    {
        uint40 stoppedUntil = _stoppedUntil;
        require(block.timestamp >= stoppedUntil, AccountStopped(stoppedUntil));
        state = _grants[grantId];
        require(
            state.activeFrom != 0 && !state.isRevoked && block.timestamp <= grant.validUntil,
            GrantNotLive(grantId)
        );
    }

    /// @dev What holds of a grant's policy before any run: it takes no more than it did when it was granted, `widenedAt`.
    function _requireUnwidened(
        Grant calldata grant,
        uint40 widenedAt,
        uint40 lastWidenedAt,
        bool keysBeforeRequest
    ) internal pure {
        require(
            keysBeforeRequest && (lastWidenedAt == widenedAt || grant.followsPolicy),
            PolicyWidened(grant.policyId, lastWidenedAt)
        );
    }

    /// @dev Reads a grant where it lies. Only of bytes whose hash is a grant's id: these are `abi.encode`'s own.
    function _decode(bytes calldata encodedGrant) internal pure returns (Grant calldata grant) {
        // Memory-safe: uses no memory. The struct lies behind its offset, which is one word.
        assembly ("memory-safe") {
            grant := add(encodedGrant.offset, 0x20)
        }
    }

    function _inputCommitment(RunInput memory input) internal pure returns (bytes32) {
        return keccak256(abi.encode(input));
    }

    function _isCaller(Grant calldata grant, address caller) private pure returns (bool) {
        for (uint256 i = 0; i < grant.callers.length; ++i) {
            if (grant.callers[i] == caller) return true;
        }
        return false;
    }

    function _afterDelay() private view returns (uint40) {
        return uint40(block.timestamp) + GRANT_DELAY_SECONDS;
    }

    function _setStopped(uint40 until) private {
        _stoppedUntil = until;
        emit StoppedUntil(until);
    }
}
