// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../src/Inference.sol";
import { OracleLens } from "../src/OracleLens.sol";
import { AgentCalls } from "../src/AgentCalls.sol";
import { AgentRun, AgentRuns } from "../src/agents/AgentRun.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator } from "../src/interfaces/IOracleCoordinator.sol";
import { IOracleLens } from "../src/interfaces/IOracleLens.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { Keyset, Keysets } from "../src/types/Keyset.sol";
import { Message, OutputFormat, Part, Prompt, Sampling } from "../src/types/Prompt.sol";
import { Aggregation, Delivery, Request, Requests } from "../src/types/Request.sol";
import { Test } from "./support/Vm.sol";

/// Every block has one hash, but for one that is no longer known.
contract KnownBlocks is IChainAdapter {
    bytes32 private immutable HASH;
    uint256 private immutable FORGOTTEN;

    constructor(bytes32 hash, uint256 forgotten) {
        HASH = hash;
        FORGOTTEN = forgotten;
    }

    function blockNumber() external view returns (uint256) {
        return block.number;
    }

    function blockHash(uint256 number) external view returns (bytes32) {
        return number == FORGOTTEN ? bytes32(0) : HASH;
    }

    function blockHashWindowSeconds() external pure returns (uint256) {
        return 1 days;
    }

    function dataFee(uint256) external pure returns (uint256) {
        return 0;
    }
}

/// The vectors that Vitest reads too: both languages agree on each byte.
contract ProtocolVectorsTest is Test {
    IOracleLens private lens;

    function recover(bytes32 digest, bytes calldata signature) external pure returns (address) {
        return Answers.recover(digest, signature);
    }

    function test_RequestIdsAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/request.json");
        assertEq(Requests.TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            assertEq(
                Requests.id(parseRequest(json, string.concat(path, ".request"))),
                vm.parseJsonBytes32(json, string.concat(path, ".requestId")),
                "requestId"
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function test_AnswerDigestsAndSignaturesAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/answer.json");
        uint256 chainId = vm.parseJsonUint(json, ".domain.chainId");
        address coordinator = vm.parseJsonAddress(json, ".domain.verifyingContract");
        address signer = vm.parseJsonAddress(json, ".signer");
        assertEq(Answers.TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        assertEq(
            Answers.domainSeparator(chainId, coordinator),
            vm.parseJsonBytes32(json, ".domainSeparator"),
            "domain"
        );
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            Answer memory answer = parseAnswer(json, string.concat(path, ".answer"));
            bytes32 digest = Answers.digest(answer, chainId, coordinator);
            assertEq(
                Answers.structHash(answer),
                vm.parseJsonBytes32(json, string.concat(path, ".structHash")),
                "struct"
            );
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, ".digest")), "digest");
            bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
            assertEq(this.recover(digest, signature), signer, "signer");
            signature[40] ^= 0x01;
            assertTrue(this.recover(digest, signature) != signer, "a bit away, another signer");
            bytes32 offChain = vm.parseJsonBytes32(json, string.concat(path, ".offChainDigest"));
            assertTrue(offChain != digest, "the off-chain domain is another");
        }
        assertTrue(cases > 0, "there are cases");
    }

    function test_BatchDigestIsTheVector() public view {
        string memory json = vm.readFile("tests/vectors/protocol/batch.json");
        string memory answers = vm.readFile("tests/vectors/protocol/answer.json");
        assertEq(Answers.BATCH_TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        bytes32 digest = Answers.batchDigest(
            vm.parseJsonBytes32(json, ".root"),
            uint32(vm.parseJsonUint(json, ".count")),
            vm.parseJsonUint(answers, ".domain.chainId"),
            vm.parseJsonAddress(answers, ".domain.verifyingContract")
        );
        assertEq(digest, vm.parseJsonBytes32(json, ".digest"), "digest");
        address signer = vm.parseJsonAddress(answers, ".signer");
        assertEq(this.recover(digest, vm.parseJsonBytes(json, ".signature")), signer, "signer");
    }

    function test_QuorumLeavesAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/quorum-leaf.json");
        string memory answers = vm.readFile("tests/vectors/protocol/answer.json");
        uint256 chainId = vm.parseJsonUint(answers, ".domain.chainId");
        address coordinator = vm.parseJsonAddress(answers, ".domain.verifyingContract");
        assertEq(Answers.QUORUM_LEAF_TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            Answer memory answer = parseAnswer(answers, string.concat(path, ".answer"));
            bytes32 leaf = Answers.structHash(answer);
            assertEq(leaf, vm.parseJsonBytes32(json, string.concat(path, ".leaf")), "leaf");
            bytes32 digest =
                Answers.quorumLeafDigest(answer.requestId, leaf, answer.keysetId, chainId, coordinator);
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, ".digest")), "digest");
            bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
            assertEq(this.recover(digest, signature), vm.parseJsonAddress(answers, ".signer"), "signer");
            assertTrue(
                digest != Answers.digest(answer, chainId, coordinator), "a leaf is no answer's signature"
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function test_AgentCallsAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/agent-call.json");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            bytes memory payload = AgentCalls.encode(
                vm.parseJsonBytes32(json, string.concat(path, ".programHash")),
                vm.parseJsonBytes(json, string.concat(path, ".input")),
                uint32(vm.parseJsonUint(json, string.concat(path, ".maxOutputBytes")))
            );
            assertEq(payload, vm.parseJsonBytes(json, string.concat(path, ".payload")), "payload");
        }
        assertTrue(cases > 2, "there are cases");
    }

    function test_AgentRunsAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/agent-run.json");
        assertEq(AgentRuns.TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            AgentRun memory run = parseAgentRun(json, string.concat(path, ".run"));
            assertEq(
                AgentRuns.id(run), vm.parseJsonBytes32(json, string.concat(path, ".requestId")), "requestId"
            );
            bytes32 separator = AgentRuns.domainSeparator(run.chainId, run.account);
            assertEq(
                separator, vm.parseJsonBytes32(json, string.concat(path, ".domainSeparator")), "separator"
            );
            bytes32 digest =
                AgentRuns.digest(separator, vm.parseJsonBytes32(json, string.concat(path, ".answerHash")));
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, ".digest")), "digest");
            bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
            assertEq(this.recover(digest, signature), vm.parseJsonAddress(json, ".signer"), "signer");
        }
        assertTrue(cases > 1, "there are cases");
    }

    function test_PackedSettlementsAreTheVectors() public {
        string memory json = vm.readFile("tests/vectors/protocol/packed.json");
        IOracleCoordinator coordinator =
            IOracleCoordinator(vm.parseJsonAddress(json, ".cases[0].request.coordinator"));
        vm.chainId(vm.parseJsonUint(json, ".cases[0].request.chainId"));
        address registry = address(0x1e6);
        IChainAdapter chain =
            new KnownBlocks(vm.parseJsonBytes32(json, ".cases[0].answer.stateBlockHash"), 1_236);
        vm.mockCall(address(coordinator), abi.encodeCall(coordinator.ENCLAVES, ()), abi.encode(registry));
        vm.mockCall(registry, abi.encodeCall(IEnclaveRegistry.CHAIN, ()), abi.encode(chain));
        lens = new OracleLens();
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            _checkPacked(json, cases, coordinator, false);
            _checkPacked(json, cases, coordinator, true);
        }
        assertTrue(cases > 0, "there are cases");
    }

    /// @param inBatch Whether it is read among all, or by itself.
    function _checkPacked(string memory json, uint256 index, IOracleCoordinator coordinator, bool inBatch)
        private
        view
    {
        string memory path = item(".cases", index);
        bytes memory items = vm.parseJsonBytes(json, inBatch ? ".items" : string.concat(path, ".item"));
        bytes32 keysetId = vm.parseJsonBytes32(json, string.concat(path, ".answer.keysetId"));
        (
            Request[] memory requests,
            Answer[] memory answers,
            bytes[] memory outputs,
            uint256[] memory stateBlockNumbers
        ) = lens.decodePacked(coordinator, keysetId, items);
        uint256 position = inBatch ? index : 0;
        bytes32 id = Requests.id(parseRequest(json, string.concat(path, ".request")));
        assertEq(Requests.id(requests[position]), id, "request");
        _checkAnswer(json, path, answers[position], outputs[position]);
        uint256 number = vm.parseJsonUint(json, string.concat(path, ".stateBlockNumber"));
        assertEq(stateBlockNumbers[position], number, "block");
    }

    function _checkAnswer(string memory json, string memory path, Answer memory answer, bytes memory output)
        private
        pure
    {
        bytes32 hash = Answers.structHash(parseAnswer(json, string.concat(path, ".answer")));
        assertEq(Answers.structHash(answer), hash, "answer");
        assertEq(output, vm.parseJsonBytes(json, string.concat(path, ".output")), "output");
    }

    function test_KeysetIdIsTheVector() public view {
        string memory json = vm.readFile("tests/vectors/protocol/keyset.json");
        assertEq(Keysets.TYPEHASH, vm.parseJsonBytes32(json, ".typehash"), "typehash");
        Keyset memory keyset = Keyset({
            answerKey: vm.parseJsonAddress(json, ".keyset.answerKey"),
            tlsKeyHash: vm.parseJsonBytes32(json, ".keyset.tlsKeyHash"),
            sealingKey: vm.parseJsonBytes32(json, ".keyset.sealingKey"),
            logKey: vm.parseJsonBytes32(json, ".keyset.logKey"),
            behaviourDigest: vm.parseJsonBytes32(json, ".keyset.behaviourDigest"),
            operatorDigest: vm.parseJsonBytes32(json, ".keyset.operatorDigest"),
            softwareVersionHash: vm.parseJsonBytes32(json, ".keyset.softwareVersionHash"),
            payee: vm.parseJsonAddress(json, ".keyset.payee")
        });
        assertEq(Keysets.id(keyset), vm.parseJsonBytes32(json, ".keysetId"), "keysetId");
    }

    function test_ClaimsAndReportDataAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/claims.json");
        bytes32 nonce = vm.parseJsonBytes32(json, ".nonce");
        bytes32 keysetId = vm.parseJsonBytes32(json, ".keysetId");
        bytes32 tlsKeyHash = vm.parseJsonBytes32(json, ".tlsKeyHash");
        assertEq(Keysets.claims(nonce, keysetId, tlsKeyHash), vm.parseJsonBytes(json, ".claims"), "claims");
        assertEq(
            abi.encode(Keysets.reportDataHead(nonce, keysetId, tlsKeyHash), bytes32(0)),
            vm.parseJsonBytes(json, ".reportData"),
            "report data"
        );
        assertEq(Keysets.ADMISSION_TYPEHASH, vm.parseJsonBytes32(json, ".admission.typehash"), "typehash");
        assertEq(
            Keysets.admissionNonce(
                vm.parseJsonUint(json, ".admission.chainId"),
                vm.parseJsonAddress(json, ".admission.registry"),
                vm.parseJsonUint(json, ".admission.blockNumber"),
                vm.parseJsonBytes32(json, ".admission.blockHash")
            ),
            vm.parseJsonBytes32(json, ".admission.nonce"),
            "nonce"
        );
    }

    function test_PromptPayloadsAreTheVectors() public view {
        string memory json = vm.readFile("tests/vectors/protocol/prompt.json");
        uint256 cases = 0;
        for (; vm.keyExistsJson(json, item(".cases", cases)); ++cases) {
            string memory path = item(".cases", cases);
            assertEq(
                Inference.encode(parsePrompt(json, string.concat(path, ".prompt"))),
                vm.parseJsonBytes(json, string.concat(path, ".payload")),
                "payload"
            );
        }
        assertTrue(cases > 0, "there are cases");
    }

    function item(string memory list, uint256 index) internal pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function parseAgentRun(string memory json, string memory path) private pure returns (AgentRun memory) {
        return AgentRun({
            chainId: vm.parseJsonUint(json, string.concat(path, ".chainId")),
            account: vm.parseJsonAddress(json, string.concat(path, ".account")),
            grantId: vm.parseJsonBytes32(json, string.concat(path, ".grantId")),
            programHash: vm.parseJsonBytes32(json, string.concat(path, ".programHash")),
            inputHash: vm.parseJsonBytes32(json, string.concat(path, ".inputHash")),
            policyId: vm.parseJsonBytes32(json, string.concat(path, ".policyId")),
            requestedAt: uint40(vm.parseJsonUint(json, string.concat(path, ".requestedAt"))),
            nonce: uint64(vm.parseJsonUint(json, string.concat(path, ".nonce"))),
            stateBlockHash: vm.parseJsonBytes32(json, string.concat(path, ".stateBlockHash")),
            deadline: uint40(vm.parseJsonUint(json, string.concat(path, ".deadline")))
        });
    }

    function parseAnswer(string memory json, string memory path) internal pure returns (Answer memory) {
        return Answer({
            requestId: vm.parseJsonBytes32(json, string.concat(path, ".requestId")),
            status: AnswerStatus(vm.parseJsonUint(json, string.concat(path, ".status"))),
            outputHash: vm.parseJsonBytes32(json, string.concat(path, ".outputHash")),
            transcriptRoot: vm.parseJsonBytes32(json, string.concat(path, ".transcriptRoot")),
            stateBlockHash: vm.parseJsonBytes32(json, string.concat(path, ".stateBlockHash")),
            keysetId: vm.parseJsonBytes32(json, string.concat(path, ".keysetId")),
            answeredAt: uint64(vm.parseJsonUint(json, string.concat(path, ".answeredAt")))
        });
    }

    function parseRequest(string memory json, string memory path) internal pure returns (Request memory) {
        return Request({
            chainId: vm.parseJsonUint(json, string.concat(path, ".chainId")),
            coordinator: vm.parseJsonAddress(json, string.concat(path, ".coordinator")),
            consumer: vm.parseJsonAddress(json, string.concat(path, ".consumer")),
            requestedAt: uint40(vm.parseJsonUint(json, string.concat(path, ".requestedAt"))),
            nonce: uint32(vm.parseJsonUint(json, string.concat(path, ".nonce"))),
            context: vm.parseJsonBytes32(json, string.concat(path, ".context")),
            payer: vm.parseJsonAddress(json, string.concat(path, ".payer")),
            refundTo: vm.parseJsonAddress(json, string.concat(path, ".refundTo")),
            subscriptionId: uint64(vm.parseJsonUint(json, string.concat(path, ".subscriptionId"))),
            payloadHash: vm.parseJsonBytes32(json, string.concat(path, ".payloadHash")),
            payloadUriHash: vm.parseJsonBytes32(json, string.concat(path, ".payloadUriHash")),
            policyId: vm.parseJsonBytes32(json, string.concat(path, ".policyId")),
            threshold: uint8(vm.parseJsonUint(json, string.concat(path, ".threshold"))),
            aggregation: Aggregation(vm.parseJsonUint(json, string.concat(path, ".aggregation"))),
            delivery: Delivery(vm.parseJsonUint(json, string.concat(path, ".delivery"))),
            callbackGasLimit: uint32(vm.parseJsonUint(json, string.concat(path, ".callbackGasLimit"))),
            maxOutputBytes: uint24(vm.parseJsonUint(json, string.concat(path, ".maxOutputBytes"))),
            fee: uint96(vm.parseJsonUint(json, string.concat(path, ".fee"))),
            gasPriceCap: uint64(vm.parseJsonUint(json, string.concat(path, ".gasPriceCap"))),
            deadline: uint40(vm.parseJsonUint(json, string.concat(path, ".deadline")))
        });
    }

    function parsePrompt(string memory json, string memory path)
        internal
        pure
        returns (Prompt memory prompt)
    {
        prompt.models = vm.parseJsonStringArray(json, string.concat(path, ".models"));
        prompt.panelRule = uint8(vm.parseJsonUint(json, string.concat(path, ".panelRule")));
        prompt.panelQuorum = uint8(vm.parseJsonUint(json, string.concat(path, ".panelQuorum")));
        uint256 count = 0;
        while (vm.keyExistsJson(json, item(string.concat(path, ".messages"), count))) ++count;
        prompt.messages = new Message[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory message = item(string.concat(path, ".messages"), i);
            prompt.messages[i] = Message(
                uint8(vm.parseJsonUint(json, string.concat(message, ".role"))),
                vm.parseJsonString(json, string.concat(message, ".content"))
            );
        }
        prompt.maxOutputTokens = uint32(vm.parseJsonUint(json, string.concat(path, ".maxOutputTokens")));
        prompt.sampling = Sampling(
            int32(vm.parseJsonInt(json, string.concat(path, ".sampling.temperatureMilli"))),
            int32(vm.parseJsonInt(json, string.concat(path, ".sampling.topPMilli"))),
            int64(vm.parseJsonInt(json, string.concat(path, ".sampling.seed"))),
            uint8(vm.parseJsonUint(json, string.concat(path, ".sampling.effort")))
        );
        prompt.format = OutputFormat(
            uint8(vm.parseJsonUint(json, string.concat(path, ".format.kind"))),
            vm.parseJsonString(json, string.concat(path, ".format.schema")),
            vm.parseJsonStringArray(json, string.concat(path, ".format.choices"))
        );
        prompt.parts = parseParts(json, string.concat(path, ".parts"));
    }

    function parseParts(string memory json, string memory list) internal pure returns (Part[] memory parts) {
        uint256 count = 0;
        while (vm.keyExistsJson(json, item(list, count))) ++count;
        parts = new Part[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory path = item(list, i);
            parts[i] = Part(
                uint8(vm.parseJsonUint(json, string.concat(path, ".kind"))),
                vm.parseJsonBytes(json, string.concat(path, ".body"))
            );
        }
    }
}
