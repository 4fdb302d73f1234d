// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Message, OutputFormat, Prompt, Sampling } from "./types/Prompt.sol";

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

    uint8 internal constant PANEL_MAJORITY = 1;
    uint8 internal constant PANEL_MEDIAN = 2;
    uint8 internal constant PANEL_UNANIMOUS = 3;

    /// @dev Payload type 1, version 1.
    bytes2 internal constant HEADER = 0x0101;

    uint32 internal constant DEFAULT_MAX_OUTPUT_TOKENS = 1024;

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

    /// @notice The payload that `OracleCoordinator.request` takes.
    function encode(Prompt memory prompt) internal pure returns (bytes memory) {
        return abi.encodePacked(HEADER, abi.encode(prompt));
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
