// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Answers } from "../types/Answer.sol";
import { EpochPolynomial } from "./EpochPolynomial.sol";
import { EpochTree } from "./EpochTree.sol";
import { IEpochVerifier } from "./IEpochVerifier.sol";
import { ILedger } from "./ILedger.sol";
import { EpochWitness, IProvenLedger, ProvenEpoch, ProvenTerms, TransitionSigner } from "./IProvenLedger.sol";
import { LedgerInbox } from "./LedgerInbox.sol";
import { LedgerRows } from "./LedgerRows.sol";
import { RowClaims } from "./RowClaims.sol";
import { Snapshots } from "./Snapshots.sol";

/// @title ProvenLedger
/// @notice See `IProvenLedger` for what it establishes and does not. Nothing in it can be exchanged: another verifier is another ledger.
contract ProvenLedger is LedgerInbox {
    /// @dev The root of a tree that holds nothing: 32 levels of four, hashed with Poseidon2. Vectors hold it.
    uint256 private constant EMPTY_ROOT = 0x0bec93370c8724d5e47df54c1cd74b3d77b16e56624e3fa2cfedeee264b68e40;
    bytes32 private constant TRANSITION_KEY_TYPEHASH = keccak256("TransitionKey(uint256 x,uint256 y)");
    bytes32 private constant LEDGER_LABEL = keccak256("Adyton ledger 1");
    /// @dev As many as the circuit lists, and more than a row ever needs.
    uint256 private constant MAX_SIGNERS = 8;
    /// @dev A bit for each kind that a proof has: READ, SIGNED and INBOX.
    uint256 private constant KINDS = 0x0e;
    /// @dev Vendors have 8 bits: a group above them is a machine's.
    uint256 private constant MACHINE_GROUPS_AT = 256;

    /// @inheritdoc IProvenLedger
    IEnclaveRegistry public immutable ENCLAVES;
    /// @inheritdoc IProvenLedger
    IEpochVerifier public immutable SMALL_VERIFIER;
    /// @inheritdoc IProvenLedger
    IEpochVerifier public immutable LARGE_VERIFIER;
    /// @inheritdoc IProvenLedger
    uint256 public immutable LEDGER_ID;
    bytes32 private immutable POLICY_ID;
    uint256 private immutable SIGNATURES;
    uint256 private immutable SMALL_ROWS;
    uint256 private immutable LARGE_ROWS;
    uint256 private immutable PRIORITY_WINDOW_SECONDS;

    /// @inheritdoc IProvenLedger
    uint256 public root = EMPTY_ROOT;
    address private _operator;
    uint48 private _epochs;
    uint40 private _settledAt;
    ProvenTerms private _terms;

    /// @param enclaves Where the policy is and enclaves are admitted.
    /// @param small Of a circuit with `smallRows` rows.
    /// @param large Of a circuit with `largeRows` rows, the same rule and signatures; the same one for a ledger with one.
    constructor(
        IEnclaveRegistry enclaves,
        IEpochVerifier small,
        IEpochVerifier large,
        ProvenTerms memory terms_
    ) LedgerInbox(terms_) {
        require(
            terms_.signatures != 0 && terms_.signatures <= MAX_SIGNERS && terms_.smallRows != 0
                && terms_.smallRows <= terms_.largeRows,
            TermsInvalid()
        );
        ENCLAVES = enclaves;
        SMALL_VERIFIER = small;
        LARGE_VERIFIER = large;
        LEDGER_ID = uint256(keccak256(abi.encode(LEDGER_LABEL, block.chainid, address(this), terms_.ruleId)))
            % EpochPolynomial.FIELD;
        POLICY_ID = terms_.policyId;
        SIGNATURES = terms_.signatures;
        SMALL_ROWS = terms_.smallRows;
        LARGE_ROWS = terms_.largeRows;
        PRIORITY_WINDOW_SECONDS = terms_.priorityWindowSeconds;
        _terms = terms_;
    }

    /// @inheritdoc IProvenLedger
    function settle(
        ProvenEpoch calldata epoch,
        TransitionSigner[] calldata signers,
        EpochWitness calldata witness,
        bytes calldata rows,
        bytes calldata proof
    ) external {
        require(epoch.oldRoot == root, RootStale(root));
        // A root beyond the field equals no root that a circuit can start from: the ledger would stand still for ever.
        require(
            epoch.newRoot < EpochPolynomial.FIELD && epoch.commitment < EpochPolynomial.FIELD, NotCanonical()
        );
        uint256 number = _epochs;
        bytes32 rowsRoot = _readRows(epoch.payee, rows);
        _checkWitness(number, epoch, witness, rowsRoot);
        _prove(number, epoch, signers, rows, proof);
        rowsRootOf[number] = rowsRoot;
        emit EpochProven(number, epoch.oldRoot, epoch.newRoot, rowsRoot, rows);
        root = epoch.newRoot;
        _epochs = uint48(number + 1);
        _settledAt = uint40(block.timestamp);
    }

    /// @inheritdoc IProvenLedger
    function terms() external view returns (ProvenTerms memory) {
        return _terms;
    }

    /// @inheritdoc IProvenLedger
    function progress() external view returns (uint256 epochs, uint64 inboxSettled, uint64 inboxQueued) {
        (inboxSettled, inboxQueued) = _inboxProgress();
        return (_epochs, inboxSettled, inboxQueued);
    }

    function _readRows(address payee, bytes calldata rows) private returns (bytes32 rowsRoot) {
        uint256 count = rows.length / LedgerRows.BYTES;
        require(
            count != 0 && count <= LARGE_ROWS && count * LedgerRows.BYTES == rows.length,
            RowsInvalid(rows.length, 0)
        );
        uint256 kinds;
        (rowsRoot, kinds,) = EpochTree.rootOf(rows);
        require(kinds & ~KINDS == 0, RowsInvalid(rows.length, kinds));
        _settleInbox(payee, rows, kinds);
    }

    /// @dev A proof alone settles nothing: proof systems have had bugs by which anything could be proven. Nor does a key alone.
    function _checkWitness(
        uint256 number,
        ProvenEpoch calldata epoch,
        EpochWitness calldata witness,
        bytes32 rowsRoot
    ) private {
        bytes32 content = keccak256(abi.encode(LEDGER_ID, epoch.oldRoot, epoch.newRoot, rowsRoot));
        bytes32 digest =
            Answers.typedDigest(block.chainid, address(this), Snapshots.structHash(number, content));
        address signer = Answers.recover(digest, witness.signature);
        require(signer != address(0) && signer == witness.answerKey, WitnessInvalid());
        (address operator,,,) =
            ENCLAVES.memberOf(POLICY_ID, uint40(block.timestamp), witness.keysetId, signer);
        address last = _operator;
        if (last == operator) return;
        uint256 until = _settledAt + PRIORITY_WINDOW_SECONDS;
        // Otherwise whoever settles one row just before a larger epoch lands makes its proof worthless, at will.
        require(last == address(0) || block.timestamp > until, SettlerWindow(last, until));
        _operator = operator;
    }

    function _prove(
        uint256 number,
        ProvenEpoch calldata epoch,
        TransitionSigner[] calldata signers,
        bytes calldata rows,
        bytes calldata proof
    ) private view {
        bytes32[] memory inputs = new bytes32[](6);
        uint256 z = uint256(
            keccak256(abi.encode(LEDGER_ID, number, epoch, keccak256(rows), _signersHash(signers)))
        ) % EpochPolynomial.FIELD;
        inputs[0] = bytes32(LEDGER_ID);
        inputs[1] = bytes32(epoch.oldRoot);
        inputs[2] = bytes32(epoch.newRoot);
        inputs[3] = bytes32(epoch.commitment);
        inputs[4] = bytes32(z);
        inputs[5] = bytes32(_appendSigners(EpochPolynomial.ofRows(rows, z), z, signers));
        bool isSmall = rows.length <= SMALL_ROWS * LedgerRows.BYTES;
        try (isSmall ? SMALL_VERIFIER : LARGE_VERIFIER).verify(proof, inputs) returns (bool isProven) {
            require(isProven, NotProven());
        } catch {
            revert NotProven();
        }
    }

    /// @dev The list as the circuit has it, padded to its length with points that sign nothing.
    function _appendSigners(uint256 sum, uint256 z, TransitionSigner[] calldata signers)
        private
        view
        returns (uint256)
    {
        require(signers.length <= MAX_SIGNERS, SignerInvalid(MAX_SIGNERS));
        bytes32[] memory platforms = new bytes32[](signers.length);
        for (uint256 i = 0; i < MAX_SIGNERS; ++i) {
            (uint256 x, uint256 y, uint256 group) = (0, 0, 0);
            if (i < signers.length) {
                (x, y) = (signers[i].x, signers[i].y);
                (platforms[i], group) = _admitted(i, signers[i]);
                for (uint256 j = 0; j < i; ++j) {
                    require(SIGNATURES == 1 || platforms[j] != platforms[i], SignerInvalid(i));
                }
            }
            sum = EpochPolynomial.append(sum, z, x);
            sum = EpochPolynomial.append(sum, z, y);
            sum = EpochPolynomial.append(sum, z, group);
        }
        return sum;
    }

    /// @return platformId The signer's machine.
    /// @return group Of one row's signatures no two are of one group: a vendor where these must differ, else a machine. Never 0.
    function _admitted(uint256 index, TransitionSigner calldata signer)
        private
        view
        returns (bytes32 platformId, uint256 group)
    {
        require(_isPoint(signer.x, signer.y), SignerInvalid(index));
        bytes32 digest = Answers.typedDigest(
            block.chainid, address(this), keccak256(abi.encode(TRANSITION_KEY_TYPEHASH, signer.x, signer.y))
        );
        address recovered = Answers.recover(digest, signer.signature);
        require(recovered != address(0) && recovered == signer.answerKey, SignerInvalid(index));
        uint8 vendor;
        bool isDistinct;
        (, platformId, vendor, isDistinct) =
            ENCLAVES.memberOf(POLICY_ID, uint40(block.timestamp), signer.keysetId, recovered);
        group = isDistinct ? vendor : MACHINE_GROUPS_AT + index;
        require(group != 0, SignerInvalid(index));
    }

    /// @dev Of Grumpkin: y² = x³ - 17. The point at infinity, written (0, 0), is not on it.
    function _isPoint(uint256 x, uint256 y) private pure returns (bool) {
        uint256 field = EpochPolynomial.FIELD;
        if (x >= field || y >= field) return false;
        uint256 right = addmod(mulmod(mulmod(x, x, field), x, field), field - 17, field);
        return mulmod(y, y, field) == right;
    }

    /// @dev keccak256 of each signer's keysetId, answer key, x and y, a word each.
    function _signersHash(TransitionSigner[] calldata signers) private pure returns (bytes32) {
        bytes memory packed;
        for (uint256 i = 0; i < signers.length; ++i) {
            TransitionSigner calldata signer = signers[i];
            packed = bytes.concat(packed, abi.encode(signer.keysetId, signer.answerKey, signer.x, signer.y));
        }
        return keccak256(packed);
    }
}
