// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IPolicyRegistry } from "../src/interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyHead, PolicyRules } from "../src/types/Policy.sol";
import { World } from "./support/World.sol";

contract PolicyRegistryTest is World {
    bytes32 private constant SUBJECT = keccak256("subject");

    function floor(uint8 svn, uint16 pceSvn, uint8 teeSvn, uint16 qeSvn) internal pure returns (bytes32) {
        return bytes32(
            abi.encodePacked(
                bytes1(svn),
                bytes15(0),
                bytes2(pceSvn),
                bytes1(teeSvn),
                bytes7(0),
                bytes2(qeSvn),
                bytes4(uint32(1))
            )
        );
    }

    function narrow(PolicyChange memory change) internal {
        vm.prank(POLICY_OWNER);
        policies.narrow(policyId, one(change));
    }

    function schedule(PolicyChange memory change) internal returns (bytes32) {
        vm.prank(POLICY_OWNER);
        return policies.schedule(policyId, one(change));
    }

    function executeLater(PolicyChange memory change) internal {
        schedule(change);
        vm.warp(block.timestamp + TIMELOCK);
        policies.execute(policyId, one(change));
    }

    function test_WideningWaitsOutTheTimelock() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        vm.prank(POLICY_OWNER);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotNarrowing.selector, wider.kind, SUBJECT));
        policies.narrow(policyId, one(wider));

        schedule(wider);
        vm.warp(block.timestamp + TIMELOCK - 1);
        vm.expectPartialRevert(IPolicyRegistry.ChangeNotExecutable.selector);
        policies.execute(policyId, one(wider));
        vm.warp(block.timestamp + 1);
        policies.execute(policyId, one(wider));
        PolicyHead memory head = policies.head(policyId);
        assertEq(head.version, 2, "version");
        assertEq(head.widenedVersion, 2, "widened");
        assertEq(head.epoch, 1, "keys stay");
        assertEq(policies.rule(policyId, wider.kind, SUBJECT), PolicyRules.PRESENT, "rule");
        vm.expectPartialRevert(IPolicyRegistry.ChangeNotExecutable.selector);
        policies.execute(policyId, one(wider));
    }

    function test_GuardianVetoes() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        bytes32 changeId = schedule(wider);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, address(this)));
        policies.veto(policyId, changeId);
        vm.prank(GUARDIAN);
        policies.veto(policyId, changeId);
        vm.warp(block.timestamp + TIMELOCK);
        vm.expectPartialRevert(IPolicyRegistry.ChangeNotExecutable.selector);
        policies.execute(policyId, one(wider));
    }

    function test_NarrowingBumpsTheEpochAtOnce() public {
        PolicyChange[4] memory narrowings = [
            PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0),
            present(PolicyRules.REVOKED_KEYSET, SUBJECT),
            present(PolicyRules.REVOKED_CERTIFICATE, SUBJECT),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(1 hours)))
        ];
        for (uint256 i = 0; i < narrowings.length; ++i) {
            narrow(narrowings[i]);
            assertEq(policies.head(policyId).epoch, 2 + i, "epoch");
            assertEq(policies.head(policyId).widenedVersion, 1, "not widened");
        }
    }

    function test_RevertWhen_TheOppositeOfANarrowingIsCalledNarrow() public {
        narrow(present(PolicyRules.REVOKED_KEYSET, SUBJECT));
        PolicyChange[5] memory widenings = [
            PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, 0),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(VALIDITY) + 1)),
            present(PolicyRules.BEHAVIOUR, SUBJECT),
            present(PolicyRules.VERIFIER, SUBJECT),
            PolicyChange(PolicyRules.TCB, SUBJECT, floor(1, 1, 1, 1))
        ];
        for (uint256 i = 0; i < widenings.length; ++i) {
            vm.prank(POLICY_OWNER);
            vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
            policies.narrow(policyId, one(widenings[i]));
        }
    }

    /// The contract, not the caller, decides what is narrowing: a floor is narrowed only when no component falls.
    function testFuzz_RaisingAFloorIsNarrowingAndLoweringIsNot(
        uint8[2] memory svn,
        uint16[2] memory pceSvn,
        uint8[2] memory teeSvn,
        uint16[2] memory qeSvn
    ) public {
        executeLater(PolicyChange(PolicyRules.TCB, SUBJECT, floor(svn[0], pceSvn[0], teeSvn[0], qeSvn[0])));
        PolicyChange memory change =
            PolicyChange(PolicyRules.TCB, SUBJECT, floor(svn[1], pceSvn[1], teeSvn[1], qeSvn[1]));
        bool raises =
            svn[1] >= svn[0] && pceSvn[1] >= pceSvn[0] && teeSvn[1] >= teeSvn[0] && qeSvn[1] >= qeSvn[0];
        vm.prank(POLICY_OWNER);
        if (!raises) vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
        policies.narrow(policyId, one(change));
    }

    function testFuzz_CoversComparesEveryComponent(bytes32 floorValue, bytes32 actual) public pure {
        bool expected = true;
        for (uint256 i = 0; i < 28; ++i) {
            if (i == 16 || i == 26) {
                expected =
                    expected && uint16(bytes2(actual << (8 * i))) >= uint16(bytes2(floorValue << (8 * i)));
                ++i;
            } else if (uint8(actual[i]) < uint8(floorValue[i])) {
                expected = false;
            }
        }
        assertTrue(PolicyRules.covers(floorValue, actual) == expected, "covers");
        assertTrue(PolicyRules.covers(floorValue, floorValue), "reflexive");
    }

    function test_OneChangeThatWidensAndNarrowsDoesBoth() public {
        PolicyChange[] memory mixed = new PolicyChange[](2);
        mixed[0] = present(PolicyRules.MEASUREMENT, SUBJECT);
        mixed[1] = PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0);
        vm.prank(POLICY_OWNER);
        policies.schedule(policyId, mixed);
        vm.warp(block.timestamp + TIMELOCK);
        policies.execute(policyId, mixed);
        assertEq(policies.head(policyId).epoch, 2, "narrowed");
        assertEq(policies.head(policyId).widenedVersion, 2, "and widened");
    }

    function test_RevertWhen_CallerHasNoRole() public {
        PolicyChange[] memory changes = one(PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0));
        bytes memory refused = abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, address(this));
        vm.expectRevert(refused);
        policies.narrow(policyId, changes);
        vm.expectRevert(refused);
        policies.schedule(policyId, changes);
        vm.expectRevert(refused);
        policies.offerOwnership(policyId, address(this));
        vm.expectRevert(refused);
        policies.acceptOwnership(policyId);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, GUARDIAN));
        policies.schedule(policyId, changes);
        vm.prank(POLICY_OWNER);
        policies.offerOwnership(policyId, address(this));
        policies.acceptOwnership(policyId);
        policies.narrow(policyId, changes);
    }

    function test_RevertWhen_ARuleIsNotOne() public {
        PolicyChange[6] memory wrong = [
            PolicyChange(0, SUBJECT, PolicyRules.PRESENT),
            PolicyChange(100, SUBJECT, PolicyRules.PRESENT),
            PolicyChange(PolicyRules.MEASUREMENT, SUBJECT, bytes32(uint256(2))),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, 0),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(366 days))),
            PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, bytes32(uint256(2)))
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.prank(POLICY_OWNER);
            vm.expectPartialRevert(IPolicyRegistry.RuleInvalid.selector);
            policies.narrow(policyId, one(wrong[i]));
        }
    }

    function test_RevertWhen_ThePolicyExistsOrHasNoValidity() public {
        vm.expectPartialRevert(IPolicyRegistry.RuleInvalid.selector);
        policies.create("x", GUARDIAN, TIMELOCK, REGISTER_MASK, new PolicyChange[](0));
        vm.prank(POLICY_OWNER);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.PolicyExists.selector, policyId));
        policies.create("policy", GUARDIAN, TIMELOCK, REGISTER_MASK, new PolicyChange[](0));
    }
}
