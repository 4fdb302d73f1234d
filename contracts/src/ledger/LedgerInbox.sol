// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ILedger } from "./ILedger.sol";
import { IProvenLedger, ProvenTerms } from "./IProvenLedger.sol";
import { LedgerRows } from "./LedgerRows.sol";
import { RowClaims } from "./RowClaims.sol";

/// @title LedgerInbox
/// @notice What keys' owners queue, and that nobody who settles can pass over it.
abstract contract LedgerInbox is IProvenLedger, RowClaims {
    /// @dev 216 bits of a hash: finding two rows with one takes 2^108 tries, and both would be the owner's own.
    struct Queued {
        uint216 content;
        uint40 queuedAt;
    }

    uint256 private immutable INBOX_PRICE;
    uint256 private immutable INBOX_WINDOW_SECONDS;
    uint256 private immutable EXIT_WINDOW_SECONDS;

    mapping(uint64 position => Queued) private _queued;
    uint64 private _settledRows;
    uint64 private _queuedRows;

    constructor(ProvenTerms memory terms_) RowClaims(terms_.refuteWindowSeconds) {
        require(
            terms_.refuteWindowSeconds != 0 && terms_.inboxWindowSeconds > terms_.priorityWindowSeconds
                && terms_.exitWindowSeconds > terms_.inboxWindowSeconds,
            TermsInvalid()
        );
        INBOX_PRICE = terms_.inboxPrice;
        INBOX_WINDOW_SECONDS = terms_.inboxWindowSeconds;
        EXIT_WINDOW_SECONDS = terms_.exitWindowSeconds;
    }

    /// @inheritdoc IProvenLedger
    function enqueue(bytes32 localKey, bytes32 value) external payable returns (uint64 position) {
        require(msg.value == INBOX_PRICE, PriceWrong(INBOX_PRICE));
        position = _queuedRows++;
        bytes32 key = LedgerRows.keyOf(msg.sender, localKey);
        _queued[position] = Queued(_contentOf(key, value), uint40(block.timestamp));
        emit RowQueued(position, msg.sender, localKey, value);
    }

    /// @inheritdoc ILedger
    function isExit() public view override(ILedger, RowClaims) returns (bool) {
        return _hasWaited(_settledRows, EXIT_WINDOW_SECONDS);
    }

    function _inboxProgress() internal view returns (uint64 settledRows, uint64 queuedRows) {
        return (_settledRows, _queuedRows);
    }

    /// @dev Rows of kind INBOX are the next ones, in their order. While one has waited too long, nothing else is settled.
    function _settleInbox(address payee, bytes calldata rows, uint256 kinds) internal {
        uint64 next = _settledRows;
        bool hasInbox = kinds & (1 << LedgerRows.INBOX) != 0;
        bool hasOthers = kinds & ~uint256(1 << LedgerRows.INBOX) != 0;
        if (hasInbox) {
            uint64 first = next;
            for (uint256 at = 0; at < rows.length; at += LedgerRows.BYTES) {
                if (uint8(rows[at]) != LedgerRows.INBOX) continue;
                bytes32 key = bytes32(rows[at + 1:at + 33]);
                bytes32 value = bytes32(rows[at + 41:at + 73]);
                require(
                    next < _queuedRows && _queued[next].content == _contentOf(key, value), InboxOrder(next)
                );
                delete _queued[next++];
            }
            _settledRows = next;
            owedTo[payee] += (next - first) * INBOX_PRICE;
        }
        require(!hasOthers || !_hasWaited(next, INBOX_WINDOW_SECONDS), InboxOrder(next));
    }

    function _hasWaited(uint64 position, uint256 seconds_) private view returns (bool) {
        return position < _queuedRows && block.timestamp > uint256(_queued[position].queuedAt) + seconds_;
    }

    function _contentOf(bytes32 key, bytes32 value) private pure returns (uint216) {
        return uint216(uint256(keccak256(abi.encode(key, value))));
    }
}
