// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @param role 1 system, 2 user, 3 assistant.
struct Message {
    uint8 role;
    string content;
}

/// @param temperatureMilli Thousandths, up to 65,535; -1: the provider's default.
/// @param topPMilli Thousandths, up to 65,535; -1: the provider's default.
/// @param seed -1: none.
/// @param effort Reasoning: 0 default, 1 none, 2 low, 3 medium, 4 high, 5 xhigh, 6 max.
struct Sampling {
    int32 temperatureMilli;
    int32 topPMilli;
    int64 seed;
    uint8 effort;
}

/// @param kind 1 text, 2 json, 3 choice, 4 abi.
/// @param schema json: a JSON Schema; abi: an output type; else empty.
/// @param choices choice: the names; else empty.
struct OutputFormat {
    uint8 kind;
    string schema;
    string[] choices;
}

/// @notice Something beside the text. docs/reference/protocol.md, Prompt, Parts.
/// @param kind 1 page, 2 image, 3 document, 4 read.
/// @param body What its kind says.
struct Part {
    uint8 kind;
    bytes body;
}

/// @notice A view of a contract whose value stands in the prompt, proven in the state of the block that the answer is bound to.
/// @param signature Such as `balanceOf(address) returns (uint256)`; `ufixed256x18` in place of `uint256` writes its decimals out.
/// @param arguments `abi.encode` of them, without the selector.
/// @param label What the model is told that the value is.
struct Read {
    address target;
    string signature;
    bytes arguments;
    string label;
}

/// @notice An inference. docs/reference/protocol.md, Prompt (payload type 1).
/// @param models "provider/model"; several make a panel.
/// @param panelRule 0 one model, 1 majority, 2 median, 3 unanimous.
/// @param panelQuorum Answers that a panel needs; 0 with one model.
/// @param maxOutputTokens For each model call; up to 2^24 - 1.
/// @param parts What nodes fetch or read before they ask; what a node cannot serve it answers with `InvalidRequest`.
struct Prompt {
    string[] models;
    uint8 panelRule;
    uint8 panelQuorum;
    Message[] messages;
    uint32 maxOutputTokens;
    Sampling sampling;
    OutputFormat format;
    Part[] parts;
}
