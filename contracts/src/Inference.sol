// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Message, OutputFormat, Part, Prompt, Read, Sampling } from "./types/Prompt.sol";

/// @title Inference
/// @notice Builds the payload of an inference request. No JSON is ever built on chain, so no text of a user can escape
/// from its field: what a contract passes as content arrives as content.
/// @dev Establishes: the payload is the canonical encoding that docs/reference/protocol.md asks for.
/// @dev Does not establish: that the model, the schema or the output type is one that nodes serve. What they cannot serve
/// they answer with `InvalidRequest`, and the fee goes back.
/// @dev Warning: a user's text inside a prompt can still talk to the model. Bound the answer with an output type, and do not
/// let it decide more than a wrong answer may cost.
library Inference {
    uint8 internal constant ROLE_SYSTEM = 1;
    uint8 internal constant ROLE_USER = 2;
    uint8 internal constant ROLE_ASSISTANT = 3;

    uint8 internal constant KIND_TEXT = 1;
    uint8 internal constant KIND_JSON = 2;
    uint8 internal constant KIND_CHOICE = 3;
    uint8 internal constant KIND_ABI = 4;

    uint8 internal constant EFFORT_DEFAULT = 0;
    uint8 internal constant EFFORT_NONE = 1;
    uint8 internal constant EFFORT_LOW = 2;
    uint8 internal constant EFFORT_MEDIUM = 3;
    uint8 internal constant EFFORT_HIGH = 4;
    uint8 internal constant EFFORT_XHIGH = 5;
    uint8 internal constant EFFORT_MAX = 6;

    uint8 internal constant PANEL_MAJORITY = 1;
    uint8 internal constant PANEL_MEDIAN = 2;
    uint8 internal constant PANEL_UNANIMOUS = 3;

    uint8 internal constant PART_PAGE = 1;
    uint8 internal constant PART_IMAGE = 2;
    uint8 internal constant PART_DOCUMENT = 3;
    uint8 internal constant PART_READ = 4;

    uint8 internal constant MIME_PNG = 1;
    uint8 internal constant MIME_JPEG = 2;
    uint8 internal constant MIME_WEBP = 3;
    uint8 internal constant MIME_PDF = 4;

    /// @dev Payload type 1, version 2.
    uint256 private constant HEADER = 0x0102;

    // Which sampling settings follow; the others are the provider's defaults.
    uint256 private constant HAS_TEMPERATURE = 1;
    uint256 private constant HAS_TOP_P = 2;
    uint256 private constant HAS_SEED = 4;
    uint256 private constant HAS_EFFORT = 8;

    uint32 internal constant DEFAULT_MAX_OUTPUT_TOKENS = 1024;

    /// @notice Thrown when something of a prompt does not fit its place in the encoding; `field` names it, left-aligned.
    error PromptInvalid(bytes32 field);

    /// @notice A question with a free-text answer: `output` is UTF-8 text.
    function text(string memory model, string memory system, string memory user)
        internal
        pure
        returns (Prompt memory)
    {
        return _prompt(model, system, user, OutputFormat(KIND_TEXT, "", new string[](0)));
    }

    /// @notice A question answered by one of `choices`: `output` is `abi.encode(uint256 index)`.
    function choice(string memory model, string memory system, string memory user, string[] memory choices)
        internal
        pure
        returns (Prompt memory)
    {
        return _prompt(model, system, user, OutputFormat(KIND_CHOICE, "", choices));
    }

    /// @notice A question answered by a JSON text that is valid under the JSON Schema `schema`.
    function json(string memory model, string memory system, string memory user, string memory schema)
        internal
        pure
        returns (Prompt memory)
    {
        return _prompt(model, system, user, OutputFormat(KIND_JSON, schema, new string[](0)));
    }

    /// @notice A question answered by ABI-encoded values: `output` decodes with `abi.decode(output, (T1, T2, …))`.
    /// @param outputType Such as `(bool flagged, uint8 severity 0..10 "10 is worst", string reason)`.
    function typed(string memory model, string memory system, string memory user, string memory outputType)
        internal
        pure
        returns (Prompt memory)
    {
        return _prompt(model, system, user, OutputFormat(KIND_ABI, outputType, new string[](0)));
    }

    /// @notice Asks several models instead of one and combines their answers inside the enclave.
    /// @param rule `PANEL_MAJORITY`, `PANEL_MEDIAN` or `PANEL_UNANIMOUS`.
    /// @param panelQuorum Answers needed of `models`.
    function panel(Prompt memory prompt, string[] memory models, uint8 rule, uint8 panelQuorum)
        internal
        pure
        returns (Prompt memory)
    {
        prompt.models = models;
        prompt.panelRule = rule;
        prompt.panelQuorum = panelQuorum;
        return prompt;
    }

    /// @notice Adds a page: the enclave reads `url` for the model, and the receipt has what was read.
    /// @dev Warning: a site may answer each enclave, and each time, otherwise, and its text talks to the model.
    function withPage(Prompt memory prompt, string memory url) internal pure returns (Prompt memory) {
        return _withPart(prompt, Part(PART_PAGE, bytes(url)));
    }

    /// @notice Adds an image that the enclave fetches from `uri`.
    /// @param mime `MIME_PNG`, `MIME_JPEG` or `MIME_WEBP`.
    /// @param hash keccak256 of its bytes: others are refused.
    function withImage(Prompt memory prompt, uint8 mime, bytes32 hash, string memory uri)
        internal
        pure
        returns (Prompt memory)
    {
        return _withPart(prompt, Part(PART_IMAGE, abi.encodePacked(mime, hash, uri)));
    }

    /// @notice Adds a PDF that the enclave fetches from `uri`.
    /// @param hash keccak256 of its bytes: others are refused.
    function withDocument(Prompt memory prompt, bytes32 hash, string memory uri)
        internal
        pure
        returns (Prompt memory)
    {
        return _withPart(prompt, Part(PART_DOCUMENT, abi.encodePacked(MIME_PDF, hash, uri)));
    }

    /// @notice Adds values of contracts: each is proven in the state of the block that the answer is bound to, which is one at or
    /// after the request's, and the model is told it under its label.
    /// @dev Warning: a text that a contract returns talks to the model as a page does. A view that reverts makes the request invalid.
    function withReads(Prompt memory prompt, Read[] memory reads) internal pure returns (Prompt memory) {
        for (uint256 i = 0; i < reads.length; ++i) {
            Read memory read = reads[i];
            bytes memory body = abi.encode(read.target, read.signature, read.arguments, read.label);
            prompt = _withPart(prompt, Part(PART_READ, body));
        }
        return prompt;
    }

    /// @notice What `encode(text(model, "", user))` gives, for a fifth of the gas: the plainest question there is.
    function encodeText(string memory model, string memory user)
        internal
        pure
        returns (bytes memory payload)
    {
        uint256 modelBytes = bytes(model).length;
        uint256 userBytes = bytes(user).length;
        require(modelBytes <= type(uint8).max, PromptInvalid("model"));
        require(userBytes <= type(uint24).max, PromptInvalid("message"));
        // Models, tokens, no sampling settings, the format, messages: one of each.
        return abi.encodePacked(
            uint16(HEADER),
            uint8(1),
            uint8(modelBytes),
            model,
            uint24(DEFAULT_MAX_OUTPUT_TOKENS),
            uint8(0),
            KIND_TEXT,
            uint8(1),
            ROLE_USER,
            uint24(userBytes),
            user
        );
    }

    /// @notice The payload that `OracleCoordinator.request` takes. docs/reference/protocol.md, Prompt, has the layout.
    /// @dev Written in one pass behind the free memory pointer: nothing here allocates before the end, string literals included.
    function encode(Prompt memory prompt) internal pure returns (bytes memory payload) {
        uint256 start;
        // Memory-safe: reads the free memory pointer.
        assembly ("memory-safe") {
            payload := mload(0x40)
            start := add(payload, 0x20)
        }
        uint256 end = _put(start, HEADER, 2, "header");
        end = _putModels(end, prompt);
        end = _put(end, prompt.maxOutputTokens, 3, "maxOutputTokens");
        end = _putSampling(end, prompt.sampling);
        end = _putFormat(end, prompt.format);
        end = _put(end, prompt.messages.length, 1, "messages");
        for (uint256 i = 0; i < prompt.messages.length; ++i) {
            end = _put(end, prompt.messages[i].role, 1, "role");
            end = _putBytes(end, bytes(prompt.messages[i].content), 3, "message");
        }
        for (uint256 i = 0; i < prompt.parts.length; ++i) {
            end = _put(end, prompt.parts[i].kind, 1, "part");
            end = _putBytes(end, prompt.parts[i].body, 3, "part");
        }
        // Memory-safe: takes what was written, up to a whole word.
        assembly ("memory-safe") {
            mstore(payload, sub(end, start))
            mstore(0x40, and(add(end, 0x1f), not(0x1f)))
        }
    }

    function _withPart(Prompt memory prompt, Part memory part) private pure returns (Prompt memory) {
        Part[] memory before = prompt.parts;
        prompt.parts = new Part[](before.length + 1);
        for (uint256 i = 0; i < before.length; ++i) {
            prompt.parts[i] = before[i];
        }
        prompt.parts[before.length] = part;
        return prompt;
    }

    function _putModels(uint256 end, Prompt memory prompt) private pure returns (uint256) {
        uint256 count = prompt.models.length;
        require(count != 0, PromptInvalid("models"));
        end = _put(end, count, 1, "models");
        for (uint256 i = 0; i < count; ++i) {
            end = _putBytes(end, bytes(prompt.models[i]), 1, "model");
        }
        if (count == 1) {
            require(prompt.panelRule == 0 && prompt.panelQuorum == 0, PromptInvalid("panel"));
            return end;
        }
        end = _put(end, prompt.panelRule, 1, "panelRule");
        return _put(end, prompt.panelQuorum, 1, "panelQuorum");
    }

    function _putSampling(uint256 end, Sampling memory sampling) private pure returns (uint256) {
        require(sampling.temperatureMilli >= -1, PromptInvalid("temperatureMilli"));
        require(sampling.topPMilli >= -1, PromptInvalid("topPMilli"));
        require(sampling.seed >= -1, PromptInvalid("seed"));
        uint256 flags;
        if (sampling.temperatureMilli != -1) flags |= HAS_TEMPERATURE;
        if (sampling.topPMilli != -1) flags |= HAS_TOP_P;
        if (sampling.seed != -1) flags |= HAS_SEED;
        if (sampling.effort != 0) flags |= HAS_EFFORT;
        end = _put(end, flags, 1, "sampling");
        if (flags & HAS_TEMPERATURE != 0) {
            end = _put(end, uint32(sampling.temperatureMilli), 2, "temperatureMilli");
        }
        if (flags & HAS_TOP_P != 0) end = _put(end, uint32(sampling.topPMilli), 2, "topPMilli");
        if (flags & HAS_SEED != 0) end = _put(end, uint64(sampling.seed), 8, "seed");
        if (flags & HAS_EFFORT != 0) end = _put(end, sampling.effort, 1, "effort");
        return end;
    }

    function _putFormat(uint256 end, OutputFormat memory format) private pure returns (uint256) {
        end = _put(end, format.kind, 1, "format");
        if (format.kind == KIND_JSON || format.kind == KIND_ABI) {
            return _putBytes(end, bytes(format.schema), 2, "schema");
        }
        if (format.kind != KIND_CHOICE) return end;
        end = _put(end, format.choices.length, 1, "choices");
        for (uint256 i = 0; i < format.choices.length; ++i) {
            end = _putBytes(end, bytes(format.choices[i]), 2, "choice");
        }
        return end;
    }

    /// @dev Writes `value` at `end`, `width` bytes, and says where it ends.
    function _put(uint256 end, uint256 value, uint256 width, bytes32 field) private pure returns (uint256) {
        require(value >> (8 * width) == 0, PromptInvalid(field));
        // Memory-safe: behind the free memory pointer.
        assembly ("memory-safe") {
            mstore(end, shl(sub(256, shl(3, width)), value))
        }
        return end + width;
    }

    /// @dev Writes the length of `data`, `width` bytes, and `data`.
    function _putBytes(uint256 end, bytes memory data, uint256 width, bytes32 field)
        private
        pure
        returns (uint256)
    {
        end = _put(end, data.length, width, field);
        // Memory-safe: behind the free memory pointer. The word of zeros is what follows in memory that was used before.
        assembly ("memory-safe") {
            let length := mload(data)
            mcopy(end, add(data, 0x20), length)
            end := add(end, length)
            mstore(end, 0)
        }
        return end;
    }

    function _prompt(
        string memory model,
        string memory system,
        string memory user,
        OutputFormat memory format
    ) private pure returns (Prompt memory prompt) {
        prompt.models = new string[](1);
        prompt.models[0] = model;
        bool hasSystem = bytes(system).length != 0;
        prompt.messages = new Message[](hasSystem ? 2 : 1);
        if (hasSystem) prompt.messages[0] = Message(ROLE_SYSTEM, system);
        prompt.messages[hasSystem ? 1 : 0] = Message(ROLE_USER, user);
        prompt.maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS;
        prompt.sampling = Sampling({ temperatureMilli: -1, topPMilli: -1, seed: -1, effort: 0 });
        prompt.format = format;
    }
}
