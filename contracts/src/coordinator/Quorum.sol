// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AnswerStatus } from "../types/Answer.sol";
import { Aggregation } from "../types/Request.sol";

/// @notice The members of a quorum that were committed to one request.
struct QuorumSet {
    QuorumHead head;
    mapping(uint256 index => Member) members;
    mapping(uint256 index => OpenedMember) opened;
    mapping(bytes11 platformTag => bool) isBarred;
}

/// @notice One slot.
/// @param windowEndsAt When openings begin; zero while there are fewer than `threshold` members.
/// @param openedBits One bit for each member that opened.
/// @param hasBarred Whether `isBarred` holds anything.
struct QuorumHead {
    uint40 windowEndsAt;
    uint8 size;
    uint8 openedBits;
    bool hasBarred;
}

/// @notice Two slots, each read and cleared in one piece.
/// @param commitment leafKey 192 bits ‖ bookedWei 64: gas of the transactions that committed and opened it, at their prices.
/// @param party payee 160 bits ‖ platformTag 88, upper bits of the platform's id ‖ vendor 8.
struct Member {
    uint256 commitment;
    uint256 party;
}

/// @notice What a member answered; kept only of those that open in a transaction that does not settle.
/// @param value The output itself when `isNumber`, else its hash.
struct OpenedMember {
    bytes32 value;
    AnswerStatus status;
    uint40 answeredAt;
    bool isNumber;
}

/// @notice How the answers of a quorum become one.
library Quorum {
    uint256 private constant NUMBER_BYTES = 32;

    /// @notice What the opened members say together.
    /// @param isNumber Whether `value` is the output itself, and not its hash.
    struct Outcome {
        AnswerStatus status;
        bytes32 value;
        bool isNumber;
    }

    /// @notice A member's commitment: to its answer's struct hash, and to the keyset that signed it. 192 bits, as hard to repeat as
    /// a hash of that length.
    function leafKey(bytes32 leaf, bytes32 keysetId) internal pure returns (bytes24) {
        return bytes24(keccak256(abi.encode(leaf, keysetId)));
    }

    /// @notice `bookedWei` saturates: what does not fit 64 bits is not repaid.
    function commitmentOf(bytes24 key, uint256 bookedWei) internal pure returns (uint256) {
        uint256 most = type(uint64).max;
        return uint256(bytes32(key)) | (bookedWei < most ? bookedWei : most);
    }

    function leafKeyOf(uint256 commitment) internal pure returns (bytes24) {
        return bytes24(bytes32(commitment));
    }

    function bookedWeiOf(uint256 commitment) internal pure returns (uint256) {
        return uint64(commitment);
    }

    function partyOf(address payee, bytes32 platformId, uint8 vendor) internal pure returns (uint256) {
        return (uint256(uint160(payee)) << 96) | (uint256(bytes32(bytes11(platformId))) >> 160) | vendor;
    }

    function payeeOf(uint256 party) internal pure returns (address) {
        return address(uint160(party >> 96));
    }

    function platformTagOf(uint256 party) internal pure returns (bytes11) {
        return bytes11(bytes32(party << 160));
    }

    function vendorOf(uint256 party) internal pure returns (uint8) {
        return uint8(party);
    }

    /// @notice What is kept of an output. A median is taken of outputs of 32 bytes.
    function valueOf(AnswerStatus status, bytes32 outputHash, bytes calldata output, Aggregation aggregation)
        internal
        pure
        returns (bytes32 value, bool isNumber)
    {
        isNumber = isMedian(aggregation) && status == AnswerStatus.Ok && output.length == NUMBER_BYTES;
        value = isNumber ? bytes32(output) : outputHash;
    }

    function isMedian(Aggregation aggregation) internal pure returns (bool) {
        return aggregation == Aggregation.Median || aggregation == Aggregation.MedianUnsigned;
    }

    /// @notice Combines the answers of a quorum: the median of its numbers if they are at least `threshold`, else what most
    /// members share, at least `threshold` of them; `Disagreed` when nothing is, or two are equally.
    function combine(OpenedMember[] memory members, Aggregation aggregation, uint256 threshold)
        internal
        pure
        returns (Outcome memory outcome)
    {
        uint256 numbers = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i].isNumber) ++numbers;
        }
        if (isMedian(aggregation) && numbers >= threshold) {
            outcome.status = AnswerStatus.Ok;
            outcome.value = _median(members, numbers, aggregation == Aggregation.MedianUnsigned);
            outcome.isNumber = true;
            return outcome;
        }
        return _shared(members, threshold);
    }

    function _shared(OpenedMember[] memory members, uint256 threshold)
        private
        pure
        returns (Outcome memory outcome)
    {
        uint256 most = 0;
        uint256 chosen = 0;
        bool isTie = false;
        for (uint256 i = 0; i < members.length; ++i) {
            uint256 sharing = 0;
            for (uint256 j = 0; j < members.length; ++j) {
                if (_agree(members[i], members[j])) ++sharing;
            }
            if (sharing > most) (most, chosen, isTie) = (sharing, i, false);
            else if (sharing == most && !_agree(members[i], members[chosen])) isTie = true;
        }
        if (most < threshold || isTie) return Outcome(AnswerStatus.Disagreed, keccak256(""), false);
        return Outcome(members[chosen].status, members[chosen].value, false);
    }

    function _agree(OpenedMember memory one, OpenedMember memory other) private pure returns (bool) {
        return one.status == other.status && one.value == other.value && one.isNumber == other.isNumber;
    }

    /// @dev Of an even number, the mean of the middle two, rounded down, as int256 or uint256. Subtracting 2^255 from both ends of the
    /// scale turns one order into the other.
    function _median(OpenedMember[] memory members, uint256 numbers, bool isUnsigned)
        private
        pure
        returns (bytes32)
    {
        uint256 bias = isUnsigned ? 1 << 255 : 0;
        int256[] memory values = new int256[](numbers);
        uint256 filled = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (!members[i].isNumber) continue;
            int256 value = int256(uint256(members[i].value) ^ bias);
            uint256 place = filled;
            ++filled;
            for (; place > 0 && values[place - 1] > value; --place) {
                values[place] = values[place - 1];
            }
            values[place] = value;
        }
        int256 upper = values[numbers / 2];
        int256 lower = values[(numbers - 1) / 2];
        // Neither sum nor difference of the two need fit 256 bits; this does, and rounds down.
        int256 mean = (lower & upper) + ((lower ^ upper) >> 1);
        return bytes32(uint256(mean) ^ bias);
    }
}
