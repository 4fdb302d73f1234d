// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { MerkleProof } from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import { IEnclaveRegistry, SignedStatement } from "../src/interfaces/IEnclaveRegistry.sol";
import { Equivocation } from "../src/registry/Equivocation.sol";
import { Answer, Answers, AnswerStatus } from "../src/types/Answer.sol";
import { AttestationResults } from "../src/types/AttestationResult.sol";
import { RegistryWorld, SimulatedEnclave } from "./support/RegistryWorld.sol";

/// Two statements of one key, of which an honest enclave signs one.
contract EquivocationTest is RegistryWorld {
    bytes32 private constant SUBJECT = keccak256("request");
    bytes32 private domain;

    function setUp() public override {
        super.setUp();
        domain = Answers.domainSeparator(block.chainid, address(0xC0));
    }

    function answer(bytes memory output) internal view returns (bytes memory) {
        return answer(output, SUBJECT);
    }

    function answer(bytes memory output, bytes32 requestId) internal view returns (bytes memory) {
        Answer memory told = Answer({
            requestId: requestId,
            status: AnswerStatus.Ok,
            outputHash: keccak256(output),
            transcriptRoot: keccak256("transcript"),
            stateBlockHash: keccak256("block"),
            keysetId: alice.keysetId,
            answeredAt: uint64(block.timestamp)
        });
        return abi.encode(Answers.TYPEHASH, told);
    }

    function digest(bytes32 separator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    function signed(bytes memory encoding, SimulatedEnclave memory by)
        internal
        view
        returns (SignedStatement memory statement)
    {
        statement.encoding = encoding;
        statement.signature = signBy(by, digest(domain, keccak256(encoding)));
    }

    /// In a batch of two, signed as one.
    function batched(bytes memory encoding, bytes memory beside)
        internal
        view
        returns (SignedStatement memory statement)
    {
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0), keccak256(encoding)));
        statement.proof = new bytes32[](1);
        statement.proof[0] = keccak256(abi.encodePacked(bytes1(0), keccak256(beside)));
        statement.encoding = encoding;
        statement.batchRoot = MerkleProof.processProof(statement.proof, leaf);
        statement.batchCount = 2;
        bytes32 structHash = keccak256(abi.encode(Answers.BATCH_TYPEHASH, statement.batchRoot, uint32(2)));
        statement.signature = signBy(alice, digest(domain, structHash));
    }

    function prove(SignedStatement memory first, SignedStatement memory second) internal {
        bytes32[] memory policyIds = new bytes32[](1);
        policyIds[0] = policyId;
        enclaves.proveEquivocation(alice.keyset, domain, first, second, policyIds);
    }

    function expectNoProof(SignedStatement memory first, SignedStatement memory second) internal {
        vm.expectRevert(IEnclaveRegistry.NotEquivocation.selector);
        prove(first, second);
        assertTrue(enclaves.isLive(policyId, alice.keysetId, alice.keyset.answerKey), "alice serves on");
    }

    function assertEnded() internal {
        assertTrue(
            !enclaves.isLive(policyId, alice.keysetId, alice.keyset.answerKey), "her admission is gone"
        );
        bytes memory evidence = evidenceOf(alice);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveRegistry.KeysetRevoked.selector, alice.keysetId));
        enclaves.admit(policyId, alice.keyset, block.number - 1, simulated, evidence);
    }

    function test_TwoAnswersToOneRequestEndAKey() public {
        prove(signed(answer("yes"), alice), signed(answer("no"), alice));
        assertEnded();
    }

    /// J3: in whatever domain; the separator is only hashed.
    function testFuzz_InEveryDomain(bytes32 separator) public {
        domain = separator;
        prove(signed(answer("yes"), alice), signed(answer("no"), alice));
        assertEnded();
    }

    function test_OneOfTheTwoOrBothMayBeInABatch() public {
        SignedStatement memory inBatch = batched(answer("yes"), answer("yes", keccak256("another")));
        expectNoProof(inBatch, signed(answer("yes"), alice));
        expectNoProof(inBatch, batched(answer("yes"), answer("no", keccak256("a third"))));
        uint256 snapshot = vm.snapshotState();
        prove(inBatch, signed(answer("no"), alice));
        assertEnded();
        vm.revertToState(snapshot);
        prove(inBatch, batched(answer("no"), answer("no", keccak256("a third"))));
        assertEnded();
    }

    /// Both in one batch: the enclave signed it as a whole.
    function test_TwoAnswersInOneBatch() public {
        prove(batched(answer("yes"), answer("no")), batched(answer("no"), answer("yes")));
        assertEnded();
    }

    function test_TwoLeavesOfOneQuorumEndAKey() public {
        bytes32 typehash = Answers.QUORUM_LEAF_TYPEHASH;
        prove(
            signed(abi.encode(typehash, SUBJECT, keccak256("yes"), alice.keysetId), alice),
            signed(abi.encode(typehash, SUBJECT, keccak256("no"), alice.keysetId), alice)
        );
        assertEnded();
    }

    function test_TwoSnapshotsOfOneEpochEndAKey() public {
        bytes32 typehash = Equivocation.SNAPSHOT_TYPEHASH;
        prove(
            signed(abi.encode(typehash, SUBJECT, keccak256("rows")), alice),
            signed(abi.encode(typehash, SUBJECT, keccak256("other rows")), alice)
        );
        assertEnded();
    }

    function test_RevertWhen_ItIsTheSameStatementOrAboutAnotherSubject() public {
        expectNoProof(signed(answer("yes"), alice), signed(answer("yes"), alice));
        expectNoProof(signed(answer("yes"), alice), signed(answer("no", keccak256("another")), alice));
    }

    function test_RevertWhen_AnotherKeySigned() public {
        SimulatedEnclave memory bob = makeEnclave("bob");
        expectNoProof(signed(answer("yes"), bob), signed(answer("no"), bob));
        expectNoProof(signed(answer("yes"), alice), signed(answer("no"), bob));
        // His own keyset would be his to end; hers names another answer key.
        alice.keyset.answerKey = bob.keyset.answerKey;
        prove(signed(answer("yes"), bob), signed(answer("no"), bob));
        alice = makeEnclave("alice");
        assertTrue(enclaves.isLive(policyId, alice.keysetId, alice.keyset.answerKey), "alice serves on");
    }

    function test_RevertWhen_TheKeysetHasNoAnswerKey() public {
        alice.keyset.answerKey = address(0);
        SignedStatement memory first = signed(answer("yes"), alice);
        SignedStatement memory second = signed(answer("no"), alice);
        (first.signature, second.signature) = ("", "");
        vm.expectRevert(IEnclaveRegistry.NotEquivocation.selector);
        prove(first, second);
    }

    /// An enclave that verifies for others signs another result of a keyset whenever there is news.
    function test_RevertWhen_TheTypeIsOneThatIsSignedAgain() public {
        bytes32 typehash = AttestationResults.TYPEHASH;
        expectNoProof(
            signed(abi.encode(typehash, SUBJECT, uint256(1)), alice),
            signed(abi.encode(typehash, SUBJECT, uint256(2)), alice)
        );
        expectNoProof(
            signed(abi.encode(Answers.BATCH_TYPEHASH, SUBJECT, uint256(1)), alice),
            signed(abi.encode(Answers.BATCH_TYPEHASH, SUBJECT, uint256(2)), alice)
        );
        expectNoProof(
            signed(answer("yes"), alice),
            signed(abi.encode(Answers.QUORUM_LEAF_TYPEHASH, SUBJECT, uint256(2)), alice)
        );
    }

    function testFuzz_RevertWhen_ALeafIsNotInItsBatch(bytes32 sibling) public {
        SignedStatement memory inBatch = batched(answer("yes"), answer("maybe", keccak256("another")));
        vm.assume(sibling != inBatch.proof[0]);
        SignedStatement memory direct = signed(answer("no"), alice);
        inBatch.proof[0] = sibling;
        expectNoProof(inBatch, direct);
        inBatch.proof = new bytes32[](0);
        expectNoProof(inBatch, direct);
    }

    function testFuzz_RevertWhen_AnEncodingIsShort(uint8 length) public {
        length = uint8(bound(length, 0, 95));
        bytes memory cut = answer("yes");
        assembly ("memory-safe") {
            mstore(cut, length)
        }
        expectNoProof(signed(cut, alice), signed(answer("no"), alice));
        expectNoProof(signed(answer("no"), alice), signed(cut, alice));
    }

    function test_APolicyThatWasNotListedCanBeListedLater() public {
        SignedStatement memory first = signed(answer("yes"), alice);
        SignedStatement memory second = signed(answer("no"), alice);
        enclaves.proveEquivocation(alice.keyset, domain, first, second, new bytes32[](0));
        assertTrue(enclaves.isLive(policyId, alice.keysetId, alice.keyset.answerKey), "not listed");
        prove(first, second);
        assertEnded();
    }
}
