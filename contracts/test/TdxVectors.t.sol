// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { EnclaveRegistry } from "../src/EnclaveRegistry.sol";
import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { ITdxVerifier, TdxClaims } from "../src/interfaces/ITdxVerifier.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { SimulatedVerifier } from "../src/verifiers/SimulatedVerifier.sol";
import { TdxVerifier } from "../src/verifiers/TdxVerifier.sol";
import { Test } from "./support/Vm.sol";

/// The simulator's quote, encoded in TypeScript (`attestation/onchain`), through the contracts. Vitest checks that the encoder
/// still gives these bytes.
contract TdxVectorsTest is Test {
    string private json;
    EnclaveRegistry private enclaves;
    TdxVerifier private tdx;

    function setUp() public {
        vm.chainId(31337);
        vm.warp(1_800_000_000);
        json = vm.readFile("tests/vectors/protocol/tdx-evidence.json");
        enclaves = new EnclaveRegistry(IChainAdapter(address(0)), 256);
        tdx = new TdxVerifier(
            enclaves,
            vm.parseJsonBytes32(json, ".root.x"),
            vm.parseJsonBytes32(json, ".root.y"),
            vm.parseJsonBytes32(json, ".root.name")
        );
    }

    function test_TheEncodersBytesVerify() public {
        bytes memory evidence = vm.parseJsonBytes(json, ".evidence");
        TdxClaims memory claims = tdx.verifyQuote(evidence);
        assertEq(claims.body, vm.parseJsonBytes(json, ".body"), "body");
        assertEq(claims.ppid, bytes32(vm.parseJsonBytes(json, ".ppid")), "ppid");

        bytes memory short = vm.parseJsonBytes(json, ".evidenceWithoutIntermediate");
        vm.expectPartialRevert(ITdxVerifier.IntermediateUnknown.selector);
        tdx.verifyQuote(short);
    }

    function test_TheSimulatorsVerifierTakesTheSimulatorsQuote() public {
        string memory source = vm.readFile("tests/vectors/protocol/simulator-quote.json");
        bytes memory quote = vm.parseJsonBytes(source, ".quote");
        bytes memory reportData = vm.parseJsonBytes(source, ".reportData");
        SimulatedVerifier simulated = new SimulatedVerifier(
            enclaves,
            vm.parseJsonBytes32(source, ".attestationKeyX"),
            vm.parseJsonBytes32(source, ".attestationKeyY")
        );
        PolicyChange[] memory rules = new PolicyChange[](2);
        // Mask 1 is MRTD alone.
        bytes32 mrTd = keccak256(abi.encodePacked(uint16(1), vm.parseJsonBytes(source, ".mrTd")));
        rules[0] = PolicyChange(PolicyRules.MEASUREMENT, mrTd, PolicyRules.PRESENT);
        rules[1] = PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(1 days)));
        bytes32 policyId = enclaves.create(0, address(0), 0, 1, rules);
        simulated.appraise(policyId, bytes32(reportData), quote);
        quote[600] ^= 0x01;
        vm.expectRevert(IAttestationVerifier.EvidenceSignatureInvalid.selector);
        simulated.appraise(policyId, bytes32(reportData), quote);
    }
}
