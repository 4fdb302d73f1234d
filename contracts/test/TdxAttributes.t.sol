// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IAttestationVerifier } from "../src/interfaces/IAttestationVerifier.sol";
import { ITdxVerifier } from "../src/interfaces/ITdxVerifier.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { QuoteSpec } from "./support/FakeIntel.sol";
import { TdxWorld } from "./support/TdxWorld.sol";

/// Which TDs keep what is measured to themselves. Real quotes of each kind: tests/integration/tdx-on-chain.test.ts.
contract TdxAttributesTest is TdxWorld {
    function listed(uint8 kind, bytes32 subject) internal {
        PolicyChange[] memory change = one(present(kind, subject));
        vm.prank(POLICY_OWNER);
        enclaves.schedule(tdxPolicy, change);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(tdxPolicy, change);
    }

    /// K1. DEBUG, and the other bits by which a host looks into a TD, whatever a rule says.
    function test_RevertWhen_TheTdCanBeDebugged() public {
        bytes8[4] memory tud =
            [bytes8(0x0100001000000000), 0x1000001000000000, 0x2000001000000000, 0x4000001000000000];
        for (uint256 i = 0; i < tud.length; ++i) {
            listed(PolicyRules.TD_ATTRIBUTES, tud[i]);
            QuoteSpec memory quoted = spec();
            quoted.attributes = tud[i];
            expectRefused(quoted, IAttestationVerifier.DebugEnabled.selector);
        }
    }

    /// K1. Every reserved bit of TDATTRIBUTES and of XFAM, and x87 or SSE missing, whatever a rule says.
    function testFuzz_RevertWhen_AReservedBitIsSet(uint8 bit, bool isXfam, bool isListed) public {
        bit = uint8(bound(bit, 0, 63));
        bytes8 flag = bytes8(bytes1(uint8(1) << (bit % 8))) >> (8 * (bit / 8));
        // Independent of the contract's masks: the bits that Intel names.
        bool isKnown = isXfam
            ? bit < 3 || (bit >= 5 && bit <= 9) || bit == 11 || bit == 12 || bit == 14 || bit == 15
                || bit == 17 || bit == 18
            : bit < 8 || bit == 16 || (bit >= 27 && bit <= 31) || bit >= 62;
        vm.assume(!isKnown || (isXfam && bit < 2));
        QuoteSpec memory quoted = spec();
        if (isXfam) quoted.xfam ^= flag;
        else quoted.attributes ^= flag;
        if (isListed) {
            listed(
                isXfam ? PolicyRules.XFAM : PolicyRules.TD_ATTRIBUTES,
                isXfam ? quoted.xfam : quoted.attributes
            );
        }
        bytes memory evidence = abi.encode(mint(quoted));
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.ReservedBitsSet.selector, quoted.attributes, quoted.xfam)
        );
        tdx.appraise(tdxPolicy, HEAD, evidence);
    }

    /// K1. PERFMON, no SEPT_VE_DISABLE, ICSSD, LASS, TPA, processor trace, last branch records: by a rule that names the exact value.
    function test_RevertWhen_AttributesNeedARuleAndHaveNone() public {
        bytes8[5] memory attributes = [
            bytes8(0x0000001000000080),
            0x0000000000000000,
            0x0000011000000000,
            0x0000001800000000,
            0x0000001000000040
        ];
        for (uint256 i = 0; i < attributes.length; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = attributes[i];
            expectRule(quoted, PolicyRules.TD_ATTRIBUTES, attributes[i]);
            listed(PolicyRules.TD_ATTRIBUTES, attributes[i]);
            appraise(quoted);
            // Exactly this value: one more bit is another.
            quoted.attributes |= 0x0000004000000000; // PKS
            expectRule(quoted, PolicyRules.TD_ATTRIBUTES, quoted.attributes);
        }
        bytes8[2] memory xfam = [bytes8(0xe703060000000000), 0xe782060000000000];
        for (uint256 i = 0; i < xfam.length; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.xfam = xfam[i];
            expectRule(quoted, PolicyRules.XFAM, xfam[i]);
            listed(PolicyRules.XFAM, xfam[i]);
            appraise(quoted);
        }
    }

    function test_AcceptsOrdinaryAttributesWithoutARule() public {
        QuoteSpec memory quoted = spec();
        quoted.attributes = 0x000000d000000000; // with PKS and KL
        quoted.xfam = 0xe75a060000000000; // all but tracing
        appraise(quoted);
    }

    /// K1. A TD that can be migrated: by a rule that names the exact value, and only where the report shows that no migration TD is
    /// bound. A body of TDX 1.0 cannot show it.
    function test_RevertWhen_TheTdCanBeMigrated() public {
        bytes8 migratable = 0x0000003000000000;
        for (uint256 i = 0; i < 3; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = migratable;
            (quoted.version, quoted.is15) = (i == 0 ? 4 : 5, i == 2);
            if (i == 2) expectRule(quoted, PolicyRules.TD_ATTRIBUTES, migratable);
            else expectRefused(quoted, ITdxVerifier.ServiceTdNotShown.selector);
        }
        listed(PolicyRules.TD_ATTRIBUTES, migratable);
        for (uint256 i = 0; i < 3; ++i) {
            QuoteSpec memory quoted = spec();
            quoted.attributes = migratable;
            (quoted.version, quoted.is15) = (i == 0 ? 4 : 5, i == 2);
            if (i == 2) {
                appraise(quoted);
                quoted.serviceTd = 0x01;
                expectRefused(quoted, ITdxVerifier.ServiceTdBound.selector);
            } else {
                expectRefused(quoted, ITdxVerifier.ServiceTdNotShown.selector);
            }
        }
    }

    function test_RevertWhen_AServiceTdIsBound() public {
        QuoteSpec memory quoted = spec();
        (quoted.version, quoted.is15, quoted.serviceTd) = (5, true, 0x01);
        expectRefused(quoted, ITdxVerifier.ServiceTdBound.selector);
    }
}
