// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import { Appraisal } from "../interfaces/IAttestationVerifier.sol";
import { AdmissionRecord, IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { PolicyHead } from "../types/Policy.sol";
import { PolicyRegistry } from "./PolicyRegistry.sol";

/// @title Admissions
/// @notice What is kept of admitted keysets, and which requests each serves. See `IEnclaveRegistry`.
/// @dev A *seat* is what one keyset has under one policy: keccak256(abi.encode(policyId, keysetId, answerKey)), so that finding
/// one proves all three. An admission lies under the seat *and the policy's epoch*: a narrowing leaves it behind.
abstract contract Admissions is IEnclaveRegistry, PolicyRegistry {
    /// @dev One slot, which every fulfilment reads. Vouched: a verifier enclave's word, which pays for a second look.
    /// @param servesAfter Requests made later are served: the policy was last widened then, or (by policies with
    /// `keysBeforeRequest`, where that is later) the keyset was first admitted. To want it narrows, and no admission outlives that.
    struct Admission {
        address payee;
        uint40 expiresAt;
        uint40 servesAfter;
        bool isVouched;
    }

    /// @dev `earlier` is what a renewal superseded, and is read only when `current` does not serve the request.
    struct AdmissionPair {
        Admission current;
        Admission earlier;
    }

    struct Voucher {
        bytes32 policyId;
        bytes32 keysetId;
        address signer;
    }

    struct VoucherPair {
        Voucher current;
        Voucher earlier;
    }

    /// @dev One slot, which only admissions and quorums read. 23 bytes of a platform's id are as hard to
    /// repeat as a hash of that length.
    struct Details {
        bytes23 platformId;
        uint40 admittedAt;
        uint24 epoch;
        uint8 vendor;
    }

    /// @dev The seats of one platform under one policy.
    struct Occupants {
        bytes32 first;
        bytes32 second;
    }

    uint40 private constant NEVER = type(uint40).max;

    mapping(bytes32 admissionKey => AdmissionPair) private _admissions;
    mapping(bytes32 admissionKey => VoucherPair) private _vouchers;
    mapping(bytes32 seat => Details) private _details;
    mapping(bytes32 platformKey => Occupants) private _occupants;

    /// @inheritdoc IEnclaveRegistry
    function payeeOf(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee)
    {
        (payee,) = _requireServes(policyId, requestedAt, keysetId, signer);
    }

    /// @inheritdoc IEnclaveRegistry
    function liveTerms(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, uint40 servesAfter)
    {
        (payee, servesAfter) = _terms(policyId, _seat(policyId, keysetId, signer), NEVER, true);
    }

    /// @inheritdoc IEnclaveRegistry
    function payeeUnder(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, uint40 widenedAt, bool keysBeforeRequest)
    {
        (payee,) = _requireServes(policyId, requestedAt, keysetId, signer);
        PolicyHead storage policy = _heads[policyId];
        widenedAt = policy.widenedAt;
        keysBeforeRequest = policy.keysBeforeRequest;
    }

    /// @inheritdoc IEnclaveRegistry
    function memberOf(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        external
        view
        returns (address payee, bytes32 platformId, uint8 vendor, bool distinctVendors)
    {
        bytes32 seat;
        (payee, seat) = _requireServes(policyId, requestedAt, keysetId, signer);
        platformId = _details[seat].platformId;
        vendor = _details[seat].vendor;
        distinctVendors = _heads[policyId].distinctVendors;
    }

    /// @inheritdoc IEnclaveRegistry
    function admission(bytes32 policyId, bytes32 keysetId, address signer)
        external
        view
        returns (AdmissionRecord memory)
    {
        bytes32 seat = _seat(policyId, keysetId, signer);
        Details memory details = _details[seat];
        bytes32 key = _key(seat, details.epoch);
        Admission memory admitted = _admissions[key].current;
        return AdmissionRecord({
            payee: admitted.payee,
            expiresAt: admitted.expiresAt,
            epoch: details.epoch,
            servesAfter: admitted.servesAfter,
            admittedAt: details.admittedAt,
            vendor: details.vendor,
            platformId: details.platformId,
            voucher: admitted.isVouched ? _vouchers[key].current.keysetId : bytes32(0)
        });
    }

    /// @inheritdoc IEnclaveRegistry
    function isLive(bytes32 policyId, bytes32 keysetId, address signer) external view returns (bool) {
        uint40 next = uint40(block.timestamp) + 1;
        (, uint40 servesAfter) = _terms(policyId, _seat(policyId, keysetId, signer), next, true);
        return servesAfter < next;
    }

    /// @inheritdoc PolicyRegistry
    function _deleteAdmission(bytes32 policyId, bytes32 keysetId, address answerKey)
        internal
        override
        returns (bool)
    {
        bytes32 seat = _seat(policyId, keysetId, answerKey);
        if (_details[seat].admittedAt == 0) return false;
        _vacate(policyId, seat, _heads[policyId].epoch);
        return true;
    }

    /// @dev Admits, or renews, whoever has the seat.
    function _admit(
        bytes32 policyId,
        bytes32 seat,
        PolicyHead memory policy,
        address payee,
        uint40 expiresAt,
        Appraisal memory appraisal
    ) internal {
        uint40 admittedAt = _takeSeat(policyId, seat, policy.epoch, appraisal);
        uint40 servesAfter = policy.widenedAt;
        if (policy.keysBeforeRequest && admittedAt > servesAfter) servesAfter = admittedAt;
        Admission memory next = Admission(payee, expiresAt, servesAfter, appraisal.voucher != 0);
        _renew(
            _key(seat, policy.epoch),
            next,
            Voucher(appraisal.voucherPolicyId, appraisal.voucher, appraisal.voucherSigner)
        );
    }

    /// @dev keccak256(abi.encode(policyId, keysetId, signer)).
    function _seat(bytes32 policyId, bytes32 keysetId, address signer) internal pure returns (bytes32 seat) {
        // Memory-safe: writes beyond the free memory pointer and leaves it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, policyId)
            mstore(add(free, 0x20), keysetId)
            mstore(add(free, 0x40), shr(96, shl(96, signer)))
            seat := keccak256(free, 0x60)
        }
    }

    /// @dev Gives the seat a place among the two of its platform, at another's cost if need be.
    /// @return admittedAt Of its first admission, which a renewal keeps: the key has been there since.
    function _takeSeat(bytes32 policyId, bytes32 seat, uint24 epoch, Appraisal memory appraisal)
        private
        returns (uint40 admittedAt)
    {
        Details memory details = _details[seat];
        bytes23 platformId = bytes23(appraisal.platformId);
        if (details.admittedAt == 0 || details.platformId != platformId) {
            if (details.admittedAt != 0) _leave(policyId, details.platformId, seat);
            _occupy(policyId, platformId, seat, epoch);
            details.platformId = platformId;
            details.admittedAt = uint40(block.timestamp);
        }
        details.epoch = epoch;
        details.vendor = appraisal.vendor;
        _details[seat] = details;
        admittedAt = details.admittedAt;
    }

    function _occupy(bytes32 policyId, bytes23 platformId, bytes32 seat, uint24 epoch) private {
        Occupants storage occupants = _occupants[_platformKey(policyId, platformId)];
        bytes32 first = occupants.first;
        if (first == 0) occupants.first = seat;
        if (first == 0 || first == seat) return;
        bytes32 second = occupants.second;
        if (second == seat) return;
        if (second != 0) {
            bool isFirstOlder = _admissions[_key(first, epoch)].current.expiresAt
                <= _admissions[_key(second, epoch)].current.expiresAt;
            if (isFirstOlder) occupants.first = second;
            _vacate(policyId, isFirstOlder ? first : second, epoch);
        }
        occupants.second = seat;
    }

    function _leave(bytes32 policyId, bytes23 platformId, bytes32 seat) private {
        Occupants storage occupants = _occupants[_platformKey(policyId, platformId)];
        if (occupants.first == seat) occupants.first = occupants.second;
        else if (occupants.second != seat) return;
        occupants.second = 0;
    }

    /// @dev Its place on the platform stays taken, by nobody: the next admission that needs one takes it.
    function _vacate(bytes32 policyId, bytes32 seat, uint24 epoch) private {
        delete _admissions[_key(seat, epoch)];
        delete _details[seat];
        emit AdmissionDeleted(policyId, seat);
    }

    function _renew(bytes32 key, Admission memory next, Voucher memory voucher) private {
        AdmissionPair storage held = _admissions[key];
        VoucherPair storage vouchers = _vouchers[key];
        Admission memory previous = held.current;
        if (block.timestamp <= previous.expiresAt) {
            bool takesAway = next.servesAfter > previous.servesAfter || next.expiresAt < previous.expiresAt
                || (next.isVouched && !(previous.isVouched && _isSame(voucher, vouchers.current)));
            if (takesAway && block.timestamp > held.earlier.expiresAt) {
                held.earlier = previous;
                if (previous.isVouched) vouchers.earlier = vouchers.current;
            }
        }
        held.current = next;
        if (next.isVouched) vouchers.current = voucher;
        else if (previous.isVouched) delete vouchers.current;
    }

    function _requireServes(bytes32 policyId, uint40 requestedAt, bytes32 keysetId, address signer)
        private
        view
        returns (address payee, bytes32 seat)
    {
        seat = _seat(policyId, keysetId, signer);
        uint40 servesAfter;
        (payee, servesAfter) = _terms(policyId, seat, requestedAt, true);
        if (servesAfter >= requestedAt) _refuse(policyId, requestedAt, keysetId, signer, true);
    }

    /// @dev Of the current admission, or of the earlier one where the current one does not serve requests made at `requestedAt`.
    /// @return payee Zero when neither lives.
    /// @return servesAfter Requests made later are served; `NEVER` when neither lives.
    function _terms(bytes32 policyId, bytes32 seat, uint40 requestedAt, bool mayBeVouched)
        private
        view
        returns (address payee, uint40 servesAfter)
    {
        bytes32 key = _key(seat, _heads[policyId].epoch);
        AdmissionPair storage held = _admissions[key];
        (payee, servesAfter) = _termsOf(held.current, key, false, requestedAt, mayBeVouched);
        if (servesAfter >= requestedAt) {
            (payee, servesAfter) = _termsOf(held.earlier, key, true, requestedAt, mayBeVouched);
        }
    }

    function _termsOf(
        Admission memory admitted,
        bytes32 key,
        bool isEarlier,
        uint40 requestedAt,
        bool mayBeVouched
    ) private view returns (address payee, uint40 servesAfter) {
        if (block.timestamp > admitted.expiresAt || (admitted.isVouched && !mayBeVouched)) {
            return (address(0), NEVER);
        }
        servesAfter = admitted.servesAfter;
        if (admitted.isVouched) {
            // Revoking a verifier enclave, or narrowing its policy, revokes what it vouched for; widening its policy reaches no
            // request already made.
            Voucher storage voucher = isEarlier ? _vouchers[key].earlier : _vouchers[key].current;
            bytes32 voucherPolicyId = voucher.policyId;
            (, uint40 voucherServesAfter) = _terms(
                voucherPolicyId, _seat(voucherPolicyId, voucher.keysetId, voucher.signer), requestedAt, false
            );
            if (voucherServesAfter > servesAfter) servesAfter = voucherServesAfter;
        }
        payee = servesAfter == NEVER ? address(0) : admitted.payee;
    }

    /// @dev Reverts with what the current admission lacks; called only when it does not serve.
    function _refuse(
        bytes32 policyId,
        uint40 requestedAt,
        bytes32 keysetId,
        address signer,
        bool mayBeVouched
    ) private view {
        PolicyHead storage policy = _heads[policyId];
        bytes32 seat = _seat(policyId, keysetId, signer);
        bytes32 key = _key(seat, policy.epoch);
        Details memory details = _details[seat];
        Admission memory admitted = _admissions[key].current;
        require(
            details.epoch == 0 || details.epoch == policy.epoch,
            AdmissionOutdated(keysetId, policy.epoch, details.epoch)
        );
        require(admitted.payee != address(0), SignerNotAdmitted(policyId, keysetId, signer));
        require(block.timestamp <= admitted.expiresAt, AdmissionExpired(keysetId, admitted.expiresAt));
        require(mayBeVouched || !admitted.isVouched, VoucherIsVouchedFor(keysetId));
        if (admitted.servesAfter >= requestedAt) {
            bool isYounger = policy.keysBeforeRequest && details.admittedAt >= requestedAt;
            require(!isYounger, AdmittedAfterRequest(keysetId, requestedAt, details.admittedAt));
            revert AdmissionTooWide(keysetId, requestedAt, admitted.servesAfter);
        }
        // It lacks nothing of its own, so whoever vouched for it does.
        require(admitted.isVouched, SignerNotAdmitted(policyId, keysetId, signer));
        Voucher memory voucher = _vouchers[key].current;
        _refuse(voucher.policyId, requestedAt, voucher.keysetId, voucher.signer, false);
    }

    function _isSame(Voucher memory voucher, Voucher storage other) private view returns (bool) {
        return voucher.policyId == other.policyId && voucher.keysetId == other.keysetId
            && voucher.signer == other.signer;
    }

    /// @dev keccak256(abi.encode(seat, epoch)).
    function _key(bytes32 seat, uint24 epoch) private pure returns (bytes32) {
        return Hashes.efficientKeccak256(seat, bytes32(uint256(epoch)));
    }

    function _platformKey(bytes32 policyId, bytes23 platformId) private pure returns (bytes32) {
        return keccak256(abi.encode(policyId, platformId));
    }
}
