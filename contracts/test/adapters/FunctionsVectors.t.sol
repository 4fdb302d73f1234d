// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { FunctionsAnswers } from "../../src/adapters/FunctionsAnswers.sol";
import {
    FunctionsRequest,
    FunctionsRequests,
    SecretsLocation
} from "../../src/adapters/FunctionsRequests.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { Test } from "../support/Vm.sol";

/// The vectors of the road through Chainlink Functions, which Vitest reads too.
contract FunctionsVectorsTest is Test {
    string private json;
    string private answers;

    function setUp() public {
        json = vm.readFile("tests/vectors/protocol/functions.json");
        answers = vm.readFile("tests/vectors/protocol/answer.json");
    }

    function test_RequestIdsAndCallsAreTheVectors() public view {
        assertEq(FunctionsRequests.TYPEHASH, vm.parseJsonBytes32(json, ".requestTypehash"), "typehash");
        bytes memory payload = vm.parseJsonBytes(json, ".payload");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            FunctionsRequest memory request = parseRequest(string.concat(path, ".request"));
            assertEq(FunctionsRequests.id(request), read32(path, ".requestId"), "requestId");
            assertEq(
                FunctionsRequests.call(request, payload),
                vm.parseJsonBytes(json, string.concat(path, ".call")),
                "call"
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function test_ResponsesAreTheVectors() public view {
        uint256 chainId = vm.parseJsonUint(json, ".domain.chainId");
        address consumer = vm.parseJsonAddress(json, ".domain.verifyingContract");
        assertEq(
            FunctionsAnswers.domainSeparator(chainId, consumer),
            vm.parseJsonBytes32(json, ".domainSeparator"),
            "domain"
        );
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            this.checkResponse(
                path, vm.parseJsonBytes(json, string.concat(path, ".response")), chainId, consumer
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function checkResponse(string calldata path, bytes calldata response, uint256 chainId, address consumer)
        external
        view
    {
        bytes memory output = vm.parseJsonBytes(json, string.concat(path, ".output"));
        _checkTail(path, response, output);
        assertEq(
            FunctionsAnswers.stateBlockNumber(response),
            vm.parseJsonUint(json, string.concat(path, ".stateBlockNumber")),
            "block"
        );
        Answer memory expected = parseAnswer(path);
        Answer memory answer = FunctionsAnswers.answerOf(
            expected.requestId, response, keccak256(output), expected.stateBlockHash
        );
        assertEq(Answers.structHash(answer), Answers.structHash(expected), "answer");
        assertEq(FunctionsAnswers.digest(answer, chainId, consumer), read32(path, ".digest"), "digest");
        assertEq(
            FunctionsAnswers.recover(answer, response, chainId, consumer),
            vm.parseJsonAddress(answers, ".signer"),
            "signer"
        );
    }

    function _checkTail(string calldata path, bytes calldata response, bytes memory output) private view {
        (uint8 form, bytes calldata tail) = FunctionsAnswers.split(response, 256);
        bool isInline = form != FunctionsAnswers.FORM_HASH;
        assertTrue(isInline == vm.parseJsonBool(json, string.concat(path, ".isInline")), "form");
        if (isInline) {
            bytes memory carried =
                form == FunctionsAnswers.FORM_PACKED ? FunctionsAnswers.unpack(tail) : bytes(tail);
            assertEq(carried, output, "output");
        } else {
            assertEq(bytes32(tail), keccak256(output), "output hash");
        }
    }

    function test_CborIsTheVectors() public view {
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cbor", cases)); ++cases) {
            string memory path = item(".cbor", cases);
            assertEq(
                FunctionsRequests.encodeCbor(
                    vm.parseJsonString(json, string.concat(path, ".source")),
                    SecretsLocation(vm.parseJsonUint(json, string.concat(path, ".secretsLocation"))),
                    vm.parseJsonBytes(json, string.concat(path, ".secrets")),
                    vm.parseJsonBytes(json, string.concat(path, ".argument"))
                ),
                vm.parseJsonBytes(json, string.concat(path, ".cbor")),
                "cbor"
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function encodeCbor(uint256 length) external pure returns (uint256) {
        return FunctionsRequests.encodeCbor("", SecretsLocation.None, "", new bytes(length)).length;
    }

    function test_RevertWhen_AnArgumentIsTooLong() public {
        this.encodeCbor(65_535);
        vm.expectRevert(abi.encodeWithSelector(FunctionsRequests.RequestPartTooLong.selector, 65_536));
        this.encodeCbor(65_536);
    }

    function unpack(bytes calldata packed) external pure returns (bytes memory) {
        return FunctionsAnswers.unpack(packed);
    }

    function testFuzz_UnpacksOrRefusesAnything(bytes calldata packed) public view {
        try this.unpack(packed) returns (bytes memory output) {
            assertTrue(output.length % 32 == 0 && output.length <= 32 * packed.length, "whole words");
        } catch (bytes memory reason) {
            assertEq(
                reason,
                abi.encodeWithSelector(FunctionsAnswers.ResponseMalformed.selector, packed.length),
                "named error"
            );
        }
    }

    function item(string memory list, uint256 index) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function read32(string memory path, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(path, field));
    }

    function parseRequest(string memory path) private view returns (FunctionsRequest memory) {
        return FunctionsRequest({
            chainId: vm.parseJsonUint(json, string.concat(path, ".chainId")),
            consumer: vm.parseJsonAddress(json, string.concat(path, ".consumer")),
            requestedAt: uint40(vm.parseJsonUint(json, string.concat(path, ".requestedAt"))),
            requestBlock: uint64(vm.parseJsonUint(json, string.concat(path, ".requestBlock"))),
            nonce: uint32(vm.parseJsonUint(json, string.concat(path, ".nonce"))),
            context: read32(path, ".context"),
            payloadHash: read32(path, ".payloadHash"),
            policyId: read32(path, ".policyId"),
            maxOutputBytes: uint24(vm.parseJsonUint(json, string.concat(path, ".maxOutputBytes"))),
            deadline: uint40(vm.parseJsonUint(json, string.concat(path, ".deadline")))
        });
    }

    function parseAnswer(string memory path) private view returns (Answer memory) {
        return Answer({
            requestId: read32(path, ".answer.requestId"),
            status: AnswerStatus(vm.parseJsonUint(json, string.concat(path, ".answer.status"))),
            outputHash: read32(path, ".answer.outputHash"),
            transcriptRoot: read32(path, ".answer.transcriptRoot"),
            stateBlockHash: read32(path, ".answer.stateBlockHash"),
            keysetId: read32(path, ".answer.keysetId"),
            answeredAt: uint64(vm.parseJsonUint(json, string.concat(path, ".answer.answeredAt")))
        });
    }
}
