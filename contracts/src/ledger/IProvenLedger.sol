// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { IEpochVerifier } from "./IEpochVerifier.sol";
import { ILedger } from "./ILedger.sol";

/// @notice What a proven ledger promises, for its whole life.
/// @param policyId Under which enclaves must be admitted.
/// @param ruleId Names the rule and the signatures that each row needs: keccak256("adyton rule NAME SIGNATURES").
/// @param signatures That each SIGNED row needs: what both verifiers were compiled for.
/// @param smallRows Rows that the small verifier's circuit has.
/// @param largeRows Rows that the large one's has.
/// @param inboxPrice Wei for each queued row, for who settles it.
/// @param priorityWindowSeconds After an epoch, for that long, only its operator settles the next.
/// @param inboxWindowSeconds A row queued for longer must be settled before any enclave's.
/// @param exitWindowSeconds A row queued for longer says that the operators are gone.
/// @param refuteWindowSeconds For that long a claim can be refuted.
struct ProvenTerms {
    bytes32 policyId;
    bytes32 ruleId;
    uint8 signatures;
    uint16 smallRows;
    uint16 largeRows;
    uint96 inboxPrice;
    uint32 priorityWindowSeconds;
    uint32 inboxWindowSeconds;
    uint32 exitWindowSeconds;
    uint32 refuteWindowSeconds;
}

/// @notice From which state to which, and who is paid.
/// @param commitment Poseidon2 of the circuit's data.
struct ProvenEpoch {
    uint256 oldRoot;
    uint256 newRoot;
    uint256 commitment;
    address payee;
}

/// @notice An enclave whose transitions the rows are, and the key it signs them with.
/// @param signature 65 bytes, of the answer key over `TransitionKey(uint256 x,uint256 y)` under this ledger's domain.
struct TransitionSigner {
    bytes32 keysetId;
    address answerKey;
    uint256 x;
    uint256 y;
    bytes signature;
}

/// @notice The enclave that vouches for the epoch beside the proof.
/// @param signature 65 bytes, of the epoch's statement.
struct EpochWitness {
    bytes32 keysetId;
    address answerKey;
    bytes signature;
}

/// @title IProvenLedger
/// @notice A ledger whose every epoch is proven: each row was signed by as many admitted enclaves as the terms want, follows from the row
/// before it, and satisfies the rule, whoever holds the keys.
/// @dev Establishes: the rule and the sequence of each key hold even if every key of every enclave is stolen, unless the proof system
/// fails and an admitted key is stolen as well. Whatever was queued is settled before anything signed, once it has waited too long.
/// @dev Does not establish: that the signers told the truth, nor that a prover left no transition out.
interface IProvenLedger is ILedger {
    /// @notice Emitted when a key's owner queued a row. The key is keccak256(abi.encode(account, localKey)).
    event RowQueued(uint64 indexed position, address indexed account, bytes32 localKey, bytes32 value);
    /// @notice Emitted for each epoch, with its rows: the whole state follows from these events.
    event EpochProven(uint256 indexed epoch, uint256 oldRoot, uint256 newRoot, bytes32 rowsRoot, bytes rows);

    /// @notice Thrown when terms contradict each other.
    error TermsInvalid();
    /// @notice Thrown when the epoch starts from another state: prove it again on top of this one.
    error RootStale(uint256 root);
    /// @notice Thrown when a root or a commitment is no element of the proof's field.
    error NotCanonical();
    /// @notice Thrown when there are too many rows, or one is of a kind that no proof has.
    error RowsInvalid(uint256 length, uint256 kinds);
    /// @notice Thrown when a queued row is not the next one, or has waited too long to settle others first.
    error InboxOrder(uint64 position);
    /// @notice Thrown when the call's value is not the inbox's price.
    error PriceWrong(uint256 price);
    /// @notice Thrown while only `operator` settles.
    error SettlerWindow(address operator, uint256 until);
    /// @notice Thrown when a signer's key is no point, it did not name the key for this ledger, or two are one machine's.
    error SignerInvalid(uint256 index);
    /// @notice Thrown when no admitted enclave vouches for this epoch.
    error WitnessInvalid();
    /// @notice Thrown when the verifier refuses the proof.
    error NotProven();

    /// @notice Settles rows; anyone.
    /// @param witness Signed `Snapshot(bytes32 subject,bytes32 content)` of this epoch.
    /// @param rows 73 bytes each, of kinds READ, SIGNED and INBOX.
    function settle(
        ProvenEpoch calldata epoch,
        TransitionSigner[] calldata signers,
        EpochWitness calldata witness,
        bytes calldata rows,
        bytes calldata proof
    ) external;

    /// @notice Queues a value for a key of the caller's own. The rule does not bind it.
    /// @dev Establishes: it is settled before any enclave's row, once it has waited for `inboxWindowSeconds`.
    /// @return position From 0.
    function enqueue(bytes32 localKey, bytes32 value) external payable returns (uint64 position);

    function terms() external view returns (ProvenTerms memory);
    function ENCLAVES() external view returns (IEnclaveRegistry);
    /// @notice Verifies epochs of up to `smallRows` rows.
    function SMALL_VERIFIER() external view returns (IEpochVerifier);
    /// @notice Verifies longer ones.
    function LARGE_VERIFIER() external view returns (IEpochVerifier);
    /// @notice What every transition and every proof is bound to: chain, contract and rule.
    function LEDGER_ID() external view returns (uint256);
    /// @notice Root of the state tree.
    function root() external view returns (uint256);
    /// @notice Epochs so far, rows settled of the inbox, and rows queued in it.
    function progress() external view returns (uint256 epochs, uint64 inboxSettled, uint64 inboxQueued);
}
