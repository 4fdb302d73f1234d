// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice What a consumer asks through Chainlink Functions. docs/reference/protocol.md, Functions.
struct FunctionsRequest {
    uint256 chainId;
    address consumer;
    uint40 requestedAt;
    uint64 requestBlock;
    uint32 nonce;
    bytes32 context;
    bytes32 payloadHash;
    bytes32 policyId;
    uint24 maxOutputBytes;
    uint40 deadline;
}

/// @notice Where the nodes find the encrypted secrets of a request, as the Functions toolkit numbers it.
enum SecretsLocation {
    None,
    Remote,
    DonHosted
}

/// @notice The identity of a request, and the CBOR in which Functions takes it.
library FunctionsRequests {
    /// @notice Thrown when a part of a request is longer than any that Functions takes.
    error RequestPartTooLong(uint256 length);

    bytes32 internal constant TYPEHASH = keccak256(
        "FunctionsRequest(uint256 chainId,address consumer,uint40 requestedAt,uint64 requestBlock,uint32 nonce,bytes32 context,bytes32 payloadHash,bytes32 policyId,uint24 maxOutputBytes,uint40 deadline)"
    );

    // Major types, in the top three bits of a head (RFC 8949 §3.1).
    uint8 private constant BYTES = 0x40;
    uint8 private constant TEXT = 0x60;
    // Heads of maps of four and of six pairs, and of an array of one.
    bytes1 private constant MAP_OF_4 = 0xa4;
    bytes1 private constant MAP_OF_6 = 0xa6;
    bytes1 private constant ARRAY_OF_1 = 0x81;

    function id(FunctionsRequest memory request) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, request));
    }

    /// @notice The script's only argument.
    function call(FunctionsRequest memory request, bytes memory payload)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(abi.encode(request), payload);
    }

    /// @notice The request as the toolkit's `buildRequestCBOR` encodes it: keys by length and then by bytes (RFC 7049 §3.9),
    /// JavaScript and inline code being 0.
    function encodeCbor(
        string memory source,
        SecretsLocation secretsLocation,
        bytes memory secretsReference,
        bytes memory argument
    ) internal pure returns (bytes memory) {
        bool hasSecrets = secretsLocation != SecretsLocation.None;
        bytes memory common = abi.encodePacked(
            "\x69bytesArgs",
            ARRAY_OF_1,
            _head(BYTES, argument.length),
            argument,
            "\x6ccodeLanguage\x00\x6ccodeLocation\x00"
        );
        bytes memory code = abi.encodePacked("\x66source", _head(TEXT, bytes(source).length), source);
        if (!hasSecrets) return abi.encodePacked(MAP_OF_4, code, common);
        return abi.encodePacked(
            MAP_OF_6,
            code,
            "\x67secrets",
            _head(BYTES, secretsReference.length),
            secretsReference,
            common,
            "\x6fsecretsLocation",
            uint8(secretsLocation)
        );
    }

    function _head(uint8 majorType, uint256 length) private pure returns (bytes memory) {
        if (length < 24) return abi.encodePacked(majorType | uint8(length));
        if (length < 0x100) return abi.encodePacked(majorType | 24, uint8(length));
        require(length < 0x10000, RequestPartTooLong(length));
        return abi.encodePacked(majorType | 25, uint16(length));
    }
}
