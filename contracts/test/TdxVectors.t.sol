// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { ITdxVerifier, TdxClaims } from "../src/interfaces/ITdxVerifier.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { SimulatedVerifier } from "../src/verifiers/SimulatedVerifier.sol";
import { RegistryWorld } from "./support/RegistryWorld.sol";

/// The simulator's quote, encoded in TypeScript (`attestation/onchain`), through the contracts. Vitest checks that the encoder
/// still gives these bytes.
contract TdxVectorsTest is RegistryWorld {
    string private json;
    ITdxVerifier private tdx;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("tests/vectors/protocol/tdx-evidence.json");
        tdx = deployTdxVerifier(
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
        bytes memory quoted = vm.parseJsonBytes(source, ".quote");
        bytes memory reportData = vm.parseJsonBytes(source, ".reportData");
        SimulatedVerifier verifier = new SimulatedVerifier(
            enclaves,
            vm.parseJsonBytes32(source, ".attestationKeyX"),
            vm.parseJsonBytes32(source, ".attestationKeyY")
        );
        PolicyChange[] memory rules = new PolicyChange[](2);
        // Mask 1 is MRTD alone.
        bytes32 mrTd = keccak256(abi.encodePacked(uint16(1), vm.parseJsonBytes(source, ".mrTd")));
        rules[0] = PolicyChange(PolicyRules.MEASUREMENT, mrTd, PolicyRules.PRESENT);
        rules[1] = PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(1 days)));
        policyId = enclaves.create(0, address(0), 0, 1, rules);
        verifier.appraise(policyId, bytes32(reportData), quoted);
        quoted[600] ^= 0x01;
        vm.expectRevert(IAttestationVerifier.EvidenceSignatureInvalid.selector);
        verifier.appraise(policyId, bytes32(reportData), quoted);
    }
}
