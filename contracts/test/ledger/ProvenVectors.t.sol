// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { EpochPolynomial } from "../../src/ledger/EpochPolynomial.sol";
import { EpochTree } from "../../src/ledger/EpochTree.sol";
import { Snapshots } from "../../src/ledger/Snapshots.sol";
import { Answers } from "../../src/types/Answer.sol";
import { Test } from "../support/Vm.sol";

/// The epoch that Vitest and the circuit read too.
contract ProvenVectorsTest is Test {
    string private json;

    function setUp() public {
        json = vm.readFile("tests/vectors/coprocessor/proven-epoch.json");
    }

    function ofRows(bytes calldata rows, uint256 z) external pure returns (uint256) {
        return EpochPolynomial.ofRows(rows, z);
    }

    function rootOf(bytes calldata rows) external pure returns (bytes32 root) {
        (root,,) = EpochTree.rootOf(rows);
    }

    function input(string memory name) private view returns (uint256) {
        return uint256(vm.parseJsonBytes32(json, string.concat(".publicInputs.", name)));
    }

    function ofSigner(uint256 index, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(".signers[", vm.toString(index), "].", field));
    }

    function answerKeyOf(uint256 index) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(".signers[", vm.toString(index), "].answerKey"));
    }

    function test_LedgerIdIsTheVectors() public view {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Adyton ledger 1"),
                vm.parseJsonUint(json, ".chainId"),
                vm.parseJsonAddress(json, ".ledger"),
                vm.parseJsonBytes32(json, ".ruleId")
            )
        );
        assertEq(uint256(hash) % EpochPolynomial.FIELD, input("ledger"), "ledger");
    }

    function test_ChallengeIsTheVectors() public view {
        bytes memory packed;
        for (uint256 i = 0; i < 3; ++i) {
            packed = bytes.concat(
                packed,
                abi.encode(ofSigner(i, "keysetId"), answerKeyOf(i), ofSigner(i, "x"), ofSigner(i, "y"))
            );
        }
        assertEq(keccak256(packed), vm.parseJsonBytes32(json, ".signersHash"), "signers");
        bytes32 hash = keccak256(
            abi.encode(
                input("ledger"),
                vm.parseJsonUint(json, ".epoch"),
                input("oldRoot"),
                input("newRoot"),
                input("commitment"),
                vm.parseJsonAddress(json, ".payee"),
                keccak256(vm.parseJsonBytes(json, ".rows")),
                keccak256(packed)
            )
        );
        assertEq(uint256(hash) % EpochPolynomial.FIELD, input("z"), "z");
    }

    function test_EvaluationIsTheVectors() public view {
        uint256 z = input("z");
        uint256 sum = this.ofRows(vm.parseJsonBytes(json, ".rows"), z);
        for (uint256 i = 0; i < 8; ++i) {
            bool isListed = i < 3;
            sum = EpochPolynomial.append(sum, z, isListed ? uint256(ofSigner(i, "x")) : 0);
            sum = EpochPolynomial.append(sum, z, isListed ? uint256(ofSigner(i, "y")) : 0);
            sum = EpochPolynomial.append(sum, z, isListed ? i + 1 : 0);
        }
        assertEq(sum, input("evaluation"), "evaluation");
    }

    function test_DigestsAreTheVectors() public view {
        uint256 chainId = vm.parseJsonUint(json, ".chainId");
        address ledger = vm.parseJsonAddress(json, ".ledger");
        bytes32 key = keccak256(
            abi.encode(keccak256("TransitionKey(uint256 x,uint256 y)"), ofSigner(0, "x"), ofSigner(0, "y"))
        );
        assertEq(
            Answers.typedDigest(chainId, ledger, key),
            vm.parseJsonBytes32(json, ".transitionKeyDigest"),
            "transition key"
        );
        bytes32 content = keccak256(
            abi.encode(
                input("ledger"),
                input("oldRoot"),
                input("newRoot"),
                this.rootOf(vm.parseJsonBytes(json, ".rows"))
            )
        );
        bytes32 structHash = Snapshots.structHash(vm.parseJsonUint(json, ".epoch"), content);
        assertEq(
            Answers.typedDigest(chainId, ledger, structHash),
            vm.parseJsonBytes32(json, ".witnessDigest"),
            "witness"
        );
    }
}
