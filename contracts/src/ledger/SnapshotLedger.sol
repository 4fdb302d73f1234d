// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Chain } from "../libraries/Chain.sol";
import { Answers } from "../types/Answer.sol";
import { Aggregation } from "../types/Request.sol";
import { Checkpoint, Entry, ISnapshotLedger, LedgerTerms, Member, Snapshot } from "./ISnapshotLedger.sol";
import { EpochTree } from "./EpochTree.sol";
import { ILedger } from "./ILedger.sol";
import { LedgerAccounts } from "./LedgerAccounts.sol";
import { LedgerRows } from "./LedgerRows.sol";
import { RowClaims } from "./RowClaims.sol";
import { Snapshots } from "./Snapshots.sol";

/// @title SnapshotLedger
/// @notice See `ISnapshotLedger` for what each function establishes and does not.
contract SnapshotLedger is LedgerAccounts {
    /// @dev Rows of an epoch: 75 KB of calldata, under what nodes relay (128 KB), and 3 million gas. Entries are checkpointed at each
    /// multiple, so that a ledger of any length can be settled in such pieces.
    uint64 private constant MAX_ROWS = 1024;
    uint256 private constant MAX_PAYLOAD_BYTES = 65_536;
    /// @dev As many as a quorum may have.
    uint256 private constant MAX_MEMBERS = 8;
    /// @dev A bit for each kind that a snapshot has: `SIGNED` and `UNANSWERED`.
    uint256 private constant KINDS = 0x14;

    /// @dev One slot, written by each entry and each epoch.
    /// @param waitingSince A time not later than the oldest waiting entry's.
    struct Progress {
        uint64 position;
        uint64 settled;
        uint48 epochs;
        uint40 waitingSince;
        uint40 settledAt;
    }

    /// @inheritdoc ISnapshotLedger
    IEnclaveRegistry public immutable ENCLAVES;
    /// @inheritdoc ISnapshotLedger
    bytes32 public immutable TERMS_HASH;
    IChainAdapter private immutable CHAIN;
    bytes32 private immutable POLICY_ID;
    uint256 private immutable THRESHOLD;
    uint256 private immutable PRIORITY_WINDOW_SECONDS;
    uint256 private immutable EXIT_WINDOW_SECONDS;

    /// @inheritdoc ISnapshotLedger
    bytes32 public root;
    /// @inheritdoc ISnapshotLedger
    bytes32 public head;
    /// @inheritdoc ISnapshotLedger
    mapping(uint64 position => bytes32) public checkpointOf;
    Progress private _progress;
    address private _lastSettler;
    LedgerTerms private _terms;

    /// @param enclaves Where the policy is and enclaves are admitted.
    constructor(IEnclaveRegistry enclaves, LedgerTerms memory terms_)
        LedgerAccounts(terms_.price, terms_.refuteWindowSeconds)
    {
        require(
            terms_.threshold != 0 && terms_.threshold <= MAX_MEMBERS
                && (terms_.threshold == 1) == (terms_.aggregation == Aggregation.First)
                && terms_.exitWindowSeconds > terms_.priorityWindowSeconds && terms_.refuteWindowSeconds != 0,
            TermsInvalid()
        );
        ENCLAVES = enclaves;
        CHAIN = enclaves.CHAIN();
        TERMS_HASH = keccak256(abi.encode(terms_));
        POLICY_ID = terms_.policyId;
        THRESHOLD = terms_.threshold;
        PRIORITY_WINDOW_SECONDS = terms_.priorityWindowSeconds;
        EXIT_WINDOW_SECONDS = terms_.exitWindowSeconds;
        _terms = terms_;
        _record(0);
    }

    /// @inheritdoc ISnapshotLedger
    function ask(bytes32 localKey, bytes calldata payload) external returns (uint64 position) {
        require(payload.length != 0 && payload.length <= MAX_PAYLOAD_BYTES, PayloadInvalid(payload.length));
        _debit(msg.sender, PRICE);
        Progress memory now_ = _progress;
        if (now_.position == now_.settled) now_.waitingSince = uint40(block.timestamp);
        // Unchecked: nobody makes 2^64 entries.
        unchecked {
            position = ++now_.position;
        }
        _progress = now_;
        head = _append(head, LedgerRows.keyOf(msg.sender, localKey), keccak256(payload));
        emit Asked(position, msg.sender, localKey, payload);
        if (position % MAX_ROWS == 0) _record(position);
    }

    /// @inheritdoc ISnapshotLedger
    function checkpoint() external returns (uint64 position) {
        position = _progress.position;
        require(checkpointOf[position] == 0, AlreadyCheckpointed(position));
        _record(position);
    }

    /// @inheritdoc ISnapshotLedger
    function settle(Snapshot calldata snapshot, Member[] calldata members, bytes calldata rows) external {
        Progress memory now_ = _progress;
        _checkClosing(snapshot, now_.settled);
        (bytes32 rowsRoot, uint256 kinds, uint256 answered) = EpochTree.rootOf(rows);
        // One row for each entry: at least one, as the closing checkpoint is ahead.
        require(
            rows.length == (snapshot.position - now_.settled) * LedgerRows.BYTES && kinds & ~KINDS == 0,
            RowsInvalid(rows.length, kinds)
        );
        {
            bytes32 digest = _digest(now_.epochs, rowsRoot, snapshot, members);
            address[] memory payees = _verify(members, digest, now_.waitingSince);
            _checkSettler(payees[0], now_.settledAt);
            _pay(payees, answered);
        }
        rowsRootOf[now_.epochs] = rowsRoot;
        emit EpochSettled(now_.epochs, now_.settled + 1, root, snapshot.newRoot, rowsRoot, rows);
        root = snapshot.newRoot;
        ++now_.epochs;
        now_.settled = snapshot.position;
        now_.settledAt = uint40(block.timestamp);
        now_.waitingSince = snapshot.checkpoint.recordedAt;
        _progress = now_;
    }

    /// @inheritdoc ISnapshotLedger
    function abandon(Checkpoint calldata opening, Checkpoint calldata closing, Entry[] calldata entries)
        external
    {
        require(isExit(), NotExit());
        Progress memory now_ = _progress;
        require(_isRecorded(now_.settled, opening), CheckpointUnknown(now_.settled));
        uint64 last = now_.settled + uint64(entries.length);
        require(entries.length != 0 && _isRecorded(last, closing), CheckpointUnknown(last));
        bytes32 entry = opening.entry;
        for (uint256 i = 0; i < entries.length; ++i) {
            Entry calldata given = entries[i];
            entry = _append(entry, LedgerRows.keyOf(given.account, given.localKey), given.payloadHash);
            balanceOf[given.account] += PRICE;
        }
        require(entry == closing.entry, CheckpointUnknown(last));
        emit EntriesAbandoned(now_.epochs, now_.settled + 1, last);
        now_.settled = last;
        // An epoch without rows: who signed a snapshot of these entries can sign the next one.
        ++now_.epochs;
        now_.waitingSince = closing.recordedAt;
        _progress = now_;
    }

    /// @inheritdoc ILedger
    function isExit() public view override(ILedger, RowClaims) returns (bool) {
        Progress memory now_ = _progress;
        uint256 since = now_.waitingSince > now_.settledAt ? now_.waitingSince : now_.settledAt;
        return now_.position != now_.settled && block.timestamp > since + EXIT_WINDOW_SECONDS;
    }

    /// @inheritdoc ISnapshotLedger
    function terms() external view returns (LedgerTerms memory) {
        return _terms;
    }

    /// @inheritdoc ISnapshotLedger
    function progress() external view returns (uint64 position, uint64 settled, uint256 epochs) {
        return (_progress.position, _progress.settled, _progress.epochs);
    }

    function _digest(uint256 epoch, bytes32 rowsRoot, Snapshot calldata snapshot, Member[] calldata members)
        private
        view
        returns (bytes32)
    {
        bytes32 content = Snapshots.content(TERMS_HASH, root, rowsRoot, snapshot, members);
        return Answers.typedDigest(block.chainid, address(this), Snapshots.structHash(epoch, content));
    }

    function _append(bytes32 previous, bytes32 key, bytes32 payloadHash) private pure returns (bytes32) {
        return keccak256(abi.encode(previous, key, payloadHash));
    }

    function _record(uint64 position) private {
        uint64 blockNumber = uint64(Chain.blockNumber(CHAIN));
        uint40 recordedAt = uint40(block.timestamp);
        checkpointOf[position] = keccak256(abi.encode(Checkpoint(head, blockNumber, recordedAt)));
        emit Checkpointed(position, head, blockNumber, recordedAt);
    }

    function _isRecorded(uint64 position, Checkpoint calldata given) private view returns (bool) {
        return checkpointOf[position] == keccak256(abi.encode(given));
    }

    /// @dev The checkpoint was recorded, ahead of what is settled, and its block is the one that the answers are bound to.
    function _checkClosing(Snapshot calldata snapshot, uint64 settled) private view {
        require(
            snapshot.position > settled && _isRecorded(snapshot.position, snapshot.checkpoint),
            CheckpointUnknown(snapshot.position)
        );
        bytes32 blockHash = Chain.blockHash(CHAIN, snapshot.checkpoint.blockNumber);
        require(
            blockHash != 0 && blockHash == snapshot.stateBlockHash,
            StateBlockUnknown(snapshot.checkpoint.blockNumber)
        );
    }

    /// @dev Every member is admitted, whether it signed or only answered, and could answer the oldest of these entries.
    /// @return payees Of those that signed; the first member's first.
    function _verify(Member[] calldata members, bytes32 digest, uint40 requestedAt)
        private
        view
        returns (address[] memory payees)
    {
        uint256 named = members.length;
        require(named != 0 && named <= MAX_MEMBERS, MembersInvalid(named, 0));
        payees = new address[](named);
        bytes32[] memory platforms = new bytes32[](named);
        uint256 vendors;
        uint256 signed;
        for (uint256 i = 0; i < named; ++i) {
            uint256 vendorBit;
            address payee;
            (payee, platforms[i], vendorBit) = _admitted(members[i], requestedAt);
            // A single answer may be of any enclave; several must not be one machine's, nor one vendor's if the policy says so.
            require(THRESHOLD == 1 || vendors & vendorBit == 0, MemberInvalid(i));
            vendors |= vendorBit;
            for (uint256 j = 0; j < i; ++j) {
                require(THRESHOLD == 1 || platforms[j] != platforms[i], MemberInvalid(i));
                require(members[j].answerKey != members[i].answerKey, MemberInvalid(i));
            }
            if (members[i].signature.length != 0) {
                address signer = Answers.recover(digest, members[i].signature);
                require(signer != address(0) && signer == members[i].answerKey, MemberInvalid(i));
                payees[signed++] = payee;
            }
            require(signed != 0, MemberInvalid(0));
        }
        require(signed >= THRESHOLD, MembersInvalid(named, signed));
        // Memory-safe: shortens the array.
        assembly ("memory-safe") {
            mstore(payees, signed)
        }
    }

    /// @dev The vendor bit is zero where vendors need not be distinct.
    function _admitted(Member calldata member, uint40 requestedAt)
        private
        view
        returns (address payee, bytes32 platformId, uint256 vendorBit)
    {
        uint8 vendor;
        bool isDistinct;
        (payee, platformId, vendor, isDistinct) =
            ENCLAVES.memberOf(POLICY_ID, requestedAt, member.keysetId, member.answerKey);
        vendorBit = isDistinct ? 1 << vendor : 0;
    }

    /// @dev Otherwise whoever settles one row just before a larger snapshot lands makes that worthless, at will.
    function _checkSettler(address settler, uint40 settledAt) private {
        address last = _lastSettler;
        uint256 until = settledAt + PRIORITY_WINDOW_SECONDS;
        if (last == settler) return;
        require(last == address(0) || block.timestamp > until, SettlerWindow(last, until));
        _lastSettler = settler;
    }

    /// @dev The price of each answered entry, among those that signed; what does not divide is the settler's.
    function _pay(address[] memory payees, uint256 answered) private {
        uint256 earned = answered * PRICE;
        uint256 share = earned / payees.length;
        owedTo[payees[0]] += earned - share * (payees.length - 1);
        for (uint256 i = 1; i < payees.length; ++i) {
            owedTo[payees[i]] += share;
        }
    }
}
