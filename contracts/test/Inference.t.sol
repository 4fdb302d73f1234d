// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../src/Inference.sol";
import { Message, OutputFormat, Part, Prompt, Read, Sampling } from "../src/types/Prompt.sol";
import { Test } from "./support/Vm.sol";

/// The packed prompt against docs/reference/protocol.md, spelt out by hand; tests/vectors/protocol has more of them.
contract InferenceTest is Test {
    function encode(Prompt memory prompt) external pure returns (bytes memory) {
        return Inference.encode(prompt);
    }

    function encodeText(string memory model, string memory user) external pure returns (bytes memory) {
        return Inference.encodeText(model, user);
    }

    function expectInvalid(Prompt memory prompt, bytes32 field) internal {
        vm.expectRevert(abi.encodeWithSelector(Inference.PromptInvalid.selector, field));
        this.encode(prompt);
    }

    function test_PartsStandBehindTheMessagesInTheirOrder() public pure {
        Prompt memory plain = Inference.text("a/b", "", "hi");
        bytes32 hash = keccak256("bytes");
        bytes memory before = Inference.encode(plain);
        Prompt memory prompt = Inference.withPage(plain, "https://x");
        prompt = Inference.withImage(prompt, Inference.MIME_WEBP, hash, "https://y");
        prompt = Inference.withDocument(prompt, hash, "https://zz");
        assertEq(
            Inference.encode(prompt),
            abi.encodePacked(
                before,
                hex"01000009",
                "https://x",
                hex"0200002a03",
                hash,
                "https://y",
                hex"0300002b04",
                hash,
                "https://zz"
            ),
            "parts"
        );
    }

    function test_ReadsStandBehindTheOtherPartsInTheirOrder() public pure {
        Prompt memory prompt = Inference.withPage(Inference.text("a/b", "", "hi"), "https://x");
        bytes memory before = Inference.encode(prompt);
        Read[] memory reads = new Read[](2);
        reads[0] =
            Read(address(0xa1), "balanceOf(address) returns (uint256)", abi.encode(address(0xb2)), "it");
        reads[1] = Read(address(0xa2), "paused() returns (bool)", "", "whether");
        bytes memory first = abi.encode(address(0xa1), reads[0].signature, reads[0].arguments, "it");
        bytes memory second = abi.encode(address(0xa2), reads[1].signature, bytes(""), "whether");
        assertEq(
            Inference.encode(Inference.withReads(prompt, reads)),
            abi.encodePacked(
                before, uint8(4), uint24(first.length), first, uint8(4), uint24(second.length), second
            ),
            "reads"
        );
    }

    function test_AQuestionInText() public pure {
        assertEq(
            Inference.encode(Inference.text("a/b", "", "hi")),
            abi.encodePacked(
                hex"0102",
                hex"01",
                hex"03",
                "a/b",
                hex"000400",
                hex"00",
                hex"01",
                hex"01",
                hex"02",
                hex"000002",
                "hi"
            ),
            "payload"
        );
    }

    function testFuzz_APlainQuestionIsTheSameBothWays(string memory model, string memory user) public {
        if (bytes(model).length > type(uint8).max) {
            vm.expectRevert(abi.encodeWithSelector(Inference.PromptInvalid.selector, bytes32("model")));
            this.encodeText(model, user);
            return;
        }
        assertEq(
            Inference.encodeText(model, user), Inference.encode(Inference.text(model, "", user)), "payload"
        );
    }

    function test_RevertWhen_APlainQuestionsModelDoesNotFit() public {
        vm.expectRevert(abi.encodeWithSelector(Inference.PromptInvalid.selector, bytes32("model")));
        this.encodeText(string(new bytes(256)), "hi");
    }

    function test_EverythingThatAPromptCanHave() public pure {
        Prompt memory prompt = full();
        assertEq(Inference.encode(prompt), fullEncoding(), "payload");
        // What is in memory behind it is not touched, and does not touch it.
        bytes memory first = Inference.encode(prompt);
        bytes memory second = Inference.encode(Inference.text("a/b", "s", "hi"));
        assertEq(first, fullEncoding(), "first of two");
        assertTrue(second.length < first.length, "second of two");
    }

    function full() private pure returns (Prompt memory prompt) {
        string[] memory choices = new string[](2);
        (choices[0], choices[1]) = ("yes", "");
        prompt = Inference.choice("a/b", "be brief", "hi", choices);
        string[] memory models = new string[](2);
        (models[0], models[1]) = ("a/b", "c/de");
        prompt = Inference.panel(prompt, models, Inference.PANEL_MEDIAN, 2);
        prompt.maxOutputTokens = 0x010203;
        prompt.sampling = Sampling({ temperatureMilli: 700, topPMilli: 0, seed: 1 << 40, effort: 6 });
        prompt.parts = new Part[](2);
        prompt.parts[0] = Part(1, "https://x");
        prompt.parts[1] = Part(4, "");
    }

    function fullEncoding() private pure returns (bytes memory) {
        bytes memory models =
            abi.encodePacked(hex"02", hex"03", "a/b", hex"04", "c/de", hex"0202", hex"010203");
        bytes memory sampling = abi.encodePacked(hex"0f", uint16(700), uint16(0), uint64(1 << 40), uint8(6));
        bytes memory format = abi.encodePacked(hex"03", hex"02", hex"0003", "yes", hex"0000");
        bytes memory messages =
            abi.encodePacked(hex"02", hex"01", hex"000008", "be brief", hex"02", hex"000002", "hi");
        bytes memory parts = abi.encodePacked(hex"01", hex"000009", "https://x", hex"04", hex"000000");
        return bytes.concat(hex"0102", models, sampling, format, messages, parts);
    }

    /// Content arrives as content, whatever is in it and in memory around it.
    function testFuzz_ContentIsWhatWasPassed(string memory system, string memory user, bytes memory dirt)
        public
        pure
    {
        vm.assume(bytes(system).length != 0);
        bytes memory dirty = bytes.concat(dirt, dirt);
        bytes memory payload = Inference.encode(Inference.text("a/b", system, user));
        assertEq(
            payload,
            abi.encodePacked(
                hex"01020103",
                "a/b",
                hex"00040000010201",
                uint24(bytes(system).length),
                system,
                hex"02",
                uint24(bytes(user).length),
                user
            ),
            "payload"
        );
        assertEq(dirty, bytes.concat(dirt, dirt), "what was in memory");
    }

    function test_SchemasOfJsonAndAbi() public pure {
        bytes memory head = hex"010201036d2f6d0004000002";
        assertEq(
            Inference.encode(Inference.json("m/m", "", "q", "{}")),
            abi.encodePacked(head, hex"0002", "{}", hex"0102000001", "q"),
            "json"
        );
        head[11] = 0x04;
        assertEq(
            Inference.encode(Inference.typed("m/m", "", "q", "(bool b)")),
            abi.encodePacked(head, hex"0008", "(bool b)", hex"0102000001", "q"),
            "abi"
        );
    }

    function test_RevertWhen_SomethingDoesNotFit() public {
        Prompt memory prompt = Inference.text(string(new bytes(256)), "", "q");
        expectInvalid(prompt, "model");
        prompt = Inference.text("m/m", "", "q");
        prompt.models = new string[](0);
        expectInvalid(prompt, "models");
        prompt = Inference.text("m/m", "", "q");
        prompt.panelRule = 1;
        expectInvalid(prompt, "panel");
        prompt = Inference.text("m/m", "", "q");
        prompt.maxOutputTokens = 1 << 24;
        expectInvalid(prompt, "maxOutputTokens");
        prompt = Inference.text("m/m", "", "q");
        prompt.sampling.temperatureMilli = -2;
        expectInvalid(prompt, "temperatureMilli");
        prompt.sampling.temperatureMilli = 1 << 16;
        expectInvalid(prompt, "temperatureMilli");
        prompt = Inference.text("m/m", "", "q");
        prompt.sampling.topPMilli = -2;
        expectInvalid(prompt, "topPMilli");
        prompt = Inference.text("m/m", "", "q");
        prompt.sampling.seed = -2;
        expectInvalid(prompt, "seed");
        expectInvalid(Inference.json("m/m", "", "q", string(new bytes(1 << 16))), "schema");
        expectInvalid(Inference.choice("m/m", "", "q", new string[](256)), "choices");
        prompt = Inference.text("m/m", "", "q");
        prompt.messages = new Message[](256);
        expectInvalid(prompt, "messages");
    }
}
