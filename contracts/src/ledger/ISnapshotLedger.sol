// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Aggregation } from "../types/Request.sol";
import { ILedger, RowProof } from "./ILedger.sol";

/// @notice What a ledger promises, for its whole life.
/// @param policyId Under which enclaves must be admitted.
/// @param threshold Answers that each row needs, and signatures that each snapshot needs; 1 to 8.
/// @param aggregation How these answers become one; `First` needs a threshold of 1, the others one above it.
/// @param maxOutputBytes Longest output accepted. A longer one than a word is kept as its hash.
/// @param price Wei for each entry: for the members that settle it, or back to who asked.
/// @param priorityWindowSeconds After an epoch, for that long, only who settled it settles the next.
/// @param exitWindowSeconds After that long without an epoch, while entries wait, rows can be claimed and entries abandoned.
/// @param refuteWindowSeconds For that long a claim can be refuted.
struct LedgerTerms {
    bytes32 policyId;
    uint8 threshold;
    Aggregation aggregation;
    uint24 maxOutputBytes;
    uint96 price;
    uint32 priorityWindowSeconds;
    uint32 exitWindowSeconds;
    uint32 refuteWindowSeconds;
}

/// @notice A point of the ledger's chain of entries.
/// @param entry The chain's value at its position.
/// @param blockNumber Of the block that recorded it: answers are bound to that block, so that none is older than its entry.
/// @param recordedAt Seconds since the epoch.
struct Checkpoint {
    bytes32 entry;
    uint64 blockNumber;
    uint40 recordedAt;
}

/// @notice What a snapshot says beside its rows.
/// @param position Last entry that it covers: a checkpoint's.
/// @param stateBlockHash Of the checkpoint's block.
/// @param newRoot Root of the state tree after the rows.
struct Snapshot {
    uint64 position;
    Checkpoint checkpoint;
    bytes32 stateBlockHash;
    bytes32 newRoot;
}

/// @notice An enclave whose answers a snapshot rests on.
/// @param signature 65 bytes, of the snapshot; empty of a member that only answered.
struct Member {
    bytes32 keysetId;
    address answerKey;
    bytes signature;
}

/// @notice An entry, as who asked knows it.
struct Entry {
    address account;
    bytes32 localKey;
    bytes32 payloadHash;
}

/// @title ISnapshotLedger
/// @notice Questions are appended to a chain of hashes, answered by enclaves, and settled many at once: the rows are calldata, the
/// contract keeps one root of them for each epoch.
/// @dev Establishes: each settled epoch has one row for each entry between its positions, in their order; `threshold` enclaves that
/// the policy admits signed all of it; no answer in it was made before its checkpoint's block was known.
/// @dev Does not establish: that the signers told the truth. `threshold` of them together write what they like; a proven ledger
/// keeps its rule even then. docs/explanation/coprocessor.md.
interface ISnapshotLedger is ILedger {
    /// @notice Emitted for each entry. The key is keccak256(abi.encode(account, localKey)).
    event Asked(uint64 indexed position, address indexed account, bytes32 localKey, bytes payload);
    /// @notice Emitted when a position can be settled to.
    event Checkpointed(uint64 indexed position, bytes32 entry, uint64 blockNumber, uint40 recordedAt);
    /// @notice Emitted for each epoch, with its rows: the whole state follows from these events.
    /// @param firstPosition Entry of the first row.
    event EpochSettled(
        uint256 indexed epoch,
        uint64 firstPosition,
        bytes32 oldRoot,
        bytes32 newRoot,
        bytes32 rowsRoot,
        bytes rows
    );
    /// @notice Emitted when entries were given up, and their price given back.
    event EntriesAbandoned(uint256 indexed epoch, uint64 firstPosition, uint64 lastPosition);
    event AccountFunded(address indexed account, uint256 amount);
    event AccountWithdrawn(address indexed account, address to, uint256 amount);
    event PriceReclaimed(uint256 indexed epoch, uint256 index, address indexed account);

    /// @notice Thrown when terms contradict each other.
    error TermsInvalid();
    /// @notice Thrown when a payload is empty or longer than 65,536 bytes.
    error PayloadInvalid(uint256 length);
    /// @notice Thrown when an account has less than that.
    error BalanceTooLow(address account, uint256 balance);
    /// @notice Thrown when there is nothing to record since the last checkpoint.
    error AlreadyCheckpointed(uint64 position);
    /// @notice Thrown when no such checkpoint was recorded, or it lies behind.
    error CheckpointUnknown(uint64 position);
    /// @notice Thrown when the checkpoint's block has another hash, or one too old for this chain to know.
    error StateBlockUnknown(uint64 blockNumber);
    /// @notice Thrown when the rows are not one for each entry, or of a kind that a snapshot has not.
    error RowsInvalid(uint256 length, uint256 kinds);
    /// @notice Thrown while only `payee` settles.
    error SettlerWindow(address payee, uint256 until);
    /// @notice Thrown when a member did not sign, two are one platform's or, if the policy says so, one vendor's.
    error MemberInvalid(uint256 index);
    /// @notice Thrown when less members signed than the terms want, or more are named than can be.
    error MembersInvalid(uint256 named, uint256 signed);
    /// @notice Thrown when the price of that row was given back before.
    error AlreadyReclaimed(uint256 epoch, uint256 index);
    /// @notice Thrown when the row is another account's.
    error NotAccount(address account);

    /// @notice Appends a question. The caller's account pays the price.
    /// @dev Establishes: key and position are fixed before any model is asked. A key is the caller's own.
    /// @param payload As a coordinator takes it: `Inference` makes it.
    /// @return position The entry's, from 1.
    function ask(bytes32 localKey, bytes calldata payload) external returns (uint64 position);

    /// @notice Records the chain's end, so that it can be answered and settled; anyone. Recorded by itself at each 1,024th entry.
    function checkpoint() external returns (uint64 position);

    /// @notice Settles all entries up to a checkpoint; anyone.
    /// @param members Whose answers the rows rest on, 1 to 8; the first one signs and is the settler.
    /// @param rows One for each entry, in their order.
    function settle(Snapshot calldata snapshot, Member[] calldata members, bytes calldata rows) external;

    /// @notice Gives up the oldest entries, up to a checkpoint, and gives their price back; anyone, in an exit.
    /// @param opening The checkpoint of the last settled position.
    /// @param closing The checkpoint that the entries end at.
    function abandon(Checkpoint calldata opening, Checkpoint calldata closing, Entry[] calldata entries)
        external;

    /// @notice Gives the price of an entry without an answer back to the account that asked; anyone.
    function reclaim(address account, bytes32 localKey, bytes calldata row, RowProof calldata proof) external;

    /// @notice Credits an account with the call's value.
    function fund(address account) external payable;

    /// @notice Takes ether out of the caller's account.
    function withdraw(address to, uint256 amount) external;

    function terms() external view returns (LedgerTerms memory);
    /// @notice keccak256(abi.encode(terms)): signed with every answer and snapshot.
    function TERMS_HASH() external view returns (bytes32);
    function ENCLAVES() external view returns (IEnclaveRegistry);
    /// @notice Root of the state tree; zero while it is empty.
    function root() external view returns (bytes32);
    /// @notice The chain of entries: keccak256(abi.encode(previous, key, payloadHash)).
    function head() external view returns (bytes32);
    /// @notice Entries asked, entries settled or abandoned, and epochs so far.
    function progress() external view returns (uint64 position, uint64 settled, uint256 epochs);
    /// @notice keccak256(abi.encode(checkpoint)); zero where there is none.
    function checkpointOf(uint64 position) external view returns (bytes32);
    function balanceOf(address account) external view returns (uint256);
}
