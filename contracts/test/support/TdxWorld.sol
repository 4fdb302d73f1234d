// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../../src/interfaces/IAttestationVerifier.sol";
import { ITdxVerifier } from "../../src/interfaces/ITdxVerifier.sol";
import { PolicyChange, PolicyRules } from "../../src/types/Policy.sol";
import { FakeIntel, QuoteSpec } from "./FakeIntel.sol";
import { RegistryWorld } from "./RegistryWorld.sol";

/// `RegistryWorld` with a `TdxVerifier` under a test root, and a policy that accepts what `FakeIntel` mints.
abstract contract TdxWorld is RegistryWorld, FakeIntel {
    bytes32 internal constant HEAD = keccak256("report data");
    ITdxVerifier internal tdx;
    bytes32 internal tdxPolicy;

    function setUp() public virtual override {
        super.setUp();
        (uint256 x, uint256 y) = vm.publicKeyP256(ROOT_KEY);
        tdx = deployTdxVerifier(bytes32(x), bytes32(y), rootNameHash());
        tdxPolicy = createPolicy("tdx", tdxRules());
    }

    function tdxRules() internal view returns (PolicyChange[] memory rules) {
        QuoteSpec memory good = goodQuote();
        rules = new PolicyChange[](4);
        rules[0] = present(PolicyRules.VERIFIER, bytes32(uint256(uint160(address(tdx)))));
        rules[1] = present(PolicyRules.SEAM, keccak256(good.seam));
        rules[2] =
            PolicyChange(PolicyRules.QUOTING_ENCLAVE, quotingEnclave(good), floorOf(0, 0, 0, good.qeSvn));
        rules[3] = PolicyChange(
            PolicyRules.TCB,
            tcbSubject(good),
            floorOf(good.componentSvn, good.pceSvn, uint8(good.teeTcbSvn[0]), 0)
        );
    }

    function quotingEnclave(QuoteSpec memory quoted) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(quoted.qeMrSigner, hex"0200"));
    }

    function tcbSubject(QuoteSpec memory quoted) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked(quoted.fmspc, quoted.teeTcbSvn[1]));
    }

    function floorOf(uint8 component, uint16 pceSvn, uint8 teeSvn, uint16 qeSvn)
        internal
        pure
        returns (bytes32)
    {
        bytes memory components;
        for (uint256 i = 0; i < 16; ++i) {
            components = abi.encodePacked(components, component);
        }
        return bytes32(abi.encodePacked(components, pceSvn, teeSvn, new bytes(7), qeSvn, bytes4(uint32(1))));
    }

    function spec() internal pure returns (QuoteSpec memory good) {
        good = goodQuote();
        good.reportDataHead = HEAD;
    }

    function appraise(QuoteSpec memory quoted) internal {
        tdx.appraise(tdxPolicy, HEAD, abi.encode(mint(quoted)));
    }

    function expectRefused(QuoteSpec memory quoted, bytes4 selector) internal {
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectPartialRevert(selector);
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }

    function expectRule(QuoteSpec memory quoted, uint8 kind, bytes32 subject) internal {
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectRevert(abi.encodeWithSelector(IAttestationVerifier.AppraisalRefused.selector, kind, subject));
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }
}
