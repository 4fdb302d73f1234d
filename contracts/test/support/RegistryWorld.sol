// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IChainAdapter } from "../../src/interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../../src/interfaces/IEnclaveRegistry.sol";
import { ITdxVerifier } from "../../src/interfaces/ITdxVerifier.sol";
import { Keyset, Keysets } from "../../src/types/Keyset.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { SimulatedVerifier } from "../../src/verifiers/SimulatedVerifier.sol";
import { Test } from "./Vm.sol";

/// An enclave of the simulator: its keys, and the machine that it claims to run on.
struct SimulatedEnclave {
    uint256 answerKey;
    Keyset keyset;
    bytes32 keysetId;
    bytes20 machine;
}

/// A registry, a policy, and enclaves that really attest to it, by the simulator's evidence. `World` adds a coordinator.
abstract contract RegistryWorld is Test {
    uint256 internal constant QUOTING_KEY = 0x51;
    uint16 internal constant REGISTER_MASK = 0x71; // MRTD, RTMR0, RTMR1, RTMR2
    bytes32 internal constant BEHAVIOUR = keccak256("behaviour");
    uint32 internal constant VALIDITY = 1 days;
    uint32 internal constant TIMELOCK = 2 days;
    uint32 internal constant EVIDENCE_AGE_BLOCKS = 256;
    uint64 internal constant START = 1_800_000_000;

    address internal constant GUARDIAN = address(0x6A);
    address internal constant POLICY_OWNER = address(0x0E);

    IEnclaveRegistry internal enclaves;
    SimulatedVerifier internal simulated;
    bytes32 internal policyId;
    SimulatedEnclave internal alice;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(START);
        vm.roll(1000);
        vm.txGasPrice(1 gwei);
        bytes memory arguments = abi.encode(IChainAdapter(address(0)), EVIDENCE_AGE_BLOCKS);
        enclaves = IEnclaveRegistry(vm.deployCode("EnclaveRegistry.sol:EnclaveRegistry", arguments));
        (uint256 x, uint256 y) = vm.publicKeyP256(QUOTING_KEY);
        simulated = new SimulatedVerifier(enclaves, bytes32(x), bytes32(y));
        policyId = createPolicy("policy", new PolicyChange[](0));
        alice = makeEnclave("alice");
        admit(alice);
        vm.warp(START + 10);
        vm.deal(address(this), 1e30);
    }

    /// From its artifact: a test that imported it would be compiled by IR, as it is.
    function deployTdxVerifier(bytes32 rootX, bytes32 rootY, bytes32 rootName)
        internal
        returns (ITdxVerifier)
    {
        bytes memory arguments = abi.encode(enclaves, rootX, rootY, rootName);
        return ITdxVerifier(vm.deployCode("TdxVerifier.sol:TdxVerifier", arguments));
    }

    function createPolicy(bytes32 salt, PolicyChange[] memory more) internal returns (bytes32) {
        PolicyChange[] memory rules = new PolicyChange[](5 + more.length);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(simulated)))));
        rules[1] = present(PolicyRules.MEASUREMENT, measurement());
        rules[2] = present(PolicyRules.BEHAVIOUR, BEHAVIOUR);
        rules[3] = present(PolicyRules.PLATFORM, PolicyRules.ANY_PLATFORM);
        rules[4] = PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(VALIDITY)));
        for (uint256 i = 0; i < more.length; ++i) {
            rules[5 + i] = more[i];
        }
        vm.prank(POLICY_OWNER);
        return enclaves.create(salt, GUARDIAN, TIMELOCK, REGISTER_MASK, rules);
    }

    function present(uint8 kind, bytes32 subject) internal pure returns (PolicyChange memory) {
        return PolicyChange(kind, subject, PolicyRules.PRESENT);
    }

    function one(PolicyChange memory change) internal pure returns (PolicyChange[] memory list) {
        list = new PolicyChange[](1);
        list[0] = change;
    }

    function makeEnclave(string memory name) internal pure returns (SimulatedEnclave memory enclave) {
        enclave.answerKey = uint256(keccak256(bytes(name)));
        enclave.machine = bytes20(keccak256(abi.encode("machine of", name)));
        enclave.keyset = Keyset({
            answerKey: vm.addr(enclave.answerKey),
            tlsKeyHash: keccak256(abi.encode(name, "tls")),
            sealingKey: keccak256(abi.encode(name, "sealing")),
            logKey: keccak256(abi.encode(name, "log")),
            behaviourDigest: BEHAVIOUR,
            operatorDigest: keccak256(abi.encode(name, "operator")),
            softwareVersionHash: keccak256("0.1.0"),
            payee: address(uint160(uint256(keccak256(abi.encode(name, "payee")))))
        });
        enclave.keysetId = Keysets.id(enclave.keyset);
    }

    function register(uint256 index) internal pure returns (bytes memory) {
        return abi.encodePacked(keccak256(abi.encode("register", index)), bytes16(0));
    }

    /// The reference value of the simulator's TD under `REGISTER_MASK`, computed apart from the contract.
    function measurement() internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(REGISTER_MASK, register(0), register(4), register(5), register(6)));
    }

    function quoteBody(bytes32 reportDataHead, bytes1 tud) internal pure returns (bytes memory body) {
        bytes memory registers;
        for (uint256 i = 0; i < 8; ++i) {
            registers = abi.encodePacked(registers, register(i));
        }
        body = abi.encodePacked(new bytes(120), tud, new bytes(15), registers, reportDataHead, bytes32(0));
    }

    function quote(SimulatedEnclave memory enclave, bytes memory body, uint256 signingKey)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory signed = abi.encodePacked(hex"0400020081000000", new bytes(20), enclave.machine, body);
        (bytes32 r, bytes32 s) = vm.signP256(signingKey, sha256(signed));
        (uint256 x, uint256 y) = vm.publicKeyP256(signingKey);
        return abi.encodePacked(signed, uint32(0x80000000), r, s, x, y);
    }

    function reportDataFor(SimulatedEnclave memory enclave, uint256 blockNumber)
        internal
        view
        returns (bytes32)
    {
        bytes32 nonce = Keysets.admissionNonce(
            block.chainid, address(enclaves), blockNumber, blockhash(blockNumber)
        );
        return Keysets.reportDataHead(nonce, enclave.keysetId, enclave.keyset.tlsKeyHash);
    }

    function evidenceOf(SimulatedEnclave memory enclave) internal view returns (bytes memory) {
        return quote(enclave, quoteBody(reportDataFor(enclave, block.number - 1), 0), QUOTING_KEY);
    }

    function admit(SimulatedEnclave memory enclave) internal {
        admitUnder(policyId, enclave);
    }

    function admitUnder(bytes32 policy, SimulatedEnclave memory enclave) internal {
        enclaves.admit(policy, enclave.keyset, block.number - 1, simulated, evidenceOf(enclave));
    }

    function signBy(SimulatedEnclave memory enclave, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(enclave.answerKey, digest);
        return abi.encodePacked(r, s, v);
    }
}
