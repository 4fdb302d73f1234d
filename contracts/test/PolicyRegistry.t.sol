// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IPolicyRegistry, PendingChange } from "../src/interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyHead, PolicyRules } from "../src/types/Policy.sol";
import { RegistryWorld } from "./support/RegistryWorld.sol";

contract PolicyRegistryTest is RegistryWorld {
    bytes32 private constant SUBJECT = keccak256("subject");
    address private constant STRANGER = address(0xBAD);
    uint256 private constant LIFETIME = 14 days;

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
        enclaves.narrow(policyId, one(change));
    }

    function schedule(PolicyChange memory change) internal returns (bytes32) {
        return schedule(one(change));
    }

    function schedule(PolicyChange[] memory changes) internal returns (bytes32) {
        vm.prank(POLICY_OWNER);
        return enclaves.schedule(policyId, changes);
    }

    function executeLater(PolicyChange memory change) internal {
        schedule(change);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(policyId, one(change));
    }

    function expectNotExecutable(PolicyChange memory change) internal {
        bytes32 changeId = keccak256(abi.encode(one(change)));
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyRegistry.ChangeNotExecutable.selector, changeId, uint40(0))
        );
        enclaves.execute(policyId, one(change));
    }

    function test_WideningWaitsOutTheTimelock() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        vm.prank(POLICY_OWNER);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotNarrowing.selector, wider.kind, SUBJECT));
        enclaves.narrow(policyId, one(wider));

        schedule(wider);
        vm.warp(block.timestamp + TIMELOCK - 1);
        vm.expectPartialRevert(IPolicyRegistry.ChangeNotExecutable.selector);
        enclaves.execute(policyId, one(wider));
        vm.warp(block.timestamp + 1);
        enclaves.execute(policyId, one(wider));
        PolicyHead memory head = enclaves.head(policyId);
        assertEq(head.version, 2, "version");
        assertEq(head.widenedAt, block.timestamp, "widened");
        assertEq(head.epoch, 1, "keys stay");
        assertEq(enclaves.rule(policyId, wider.kind, SUBJECT), PolicyRules.PRESENT, "rule");
        expectNotExecutable(wider);
    }

    function test_AScheduledChangeExpires() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        schedule(wider);
        uint256 executableAt = block.timestamp + TIMELOCK;
        vm.warp(executableAt + LIFETIME + 1);
        expectNotExecutable(wider);
        assertEq(enclaves.pendingChanges(policyId).length, 0, "not pending");
        // It can be announced again, and is in the list once.
        schedule(wider);
        assertEq(enclaves.pendingChanges(policyId).length, 1, "pending once");
        vm.warp(block.timestamp + TIMELOCK + LIFETIME);
        enclaves.execute(policyId, one(wider));
    }

    /// I1. What was scheduled before an emergency narrowing undoes it never, by nobody.
    function test_AScheduledChangeDiesWithANarrowing() public {
        PolicyChange memory lower = PolicyChange(PolicyRules.TCB, SUBJECT, floor(5, 0, 0, 0));
        executeLater(PolicyChange(PolicyRules.TCB, SUBJECT, floor(9, 0, 0, 0)));
        schedule(lower);
        vm.warp(block.timestamp + TIMELOCK);
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(PolicyChange(PolicyRules.TCB, SUBJECT, floor(12, 0, 0, 0))));
        vm.prank(STRANGER);
        expectNotExecutable(lower);
        assertEq(enclaves.rule(policyId, PolicyRules.TCB, SUBJECT), floor(12, 0, 0, 0), "as narrowed");
        assertEq(enclaves.pendingChanges(policyId).length, 0, "nothing is pending");
    }

    /// … be it the revocation of one keyset, or the narrowing half of another scheduled change.
    function test_AScheduledChangeDiesWithEveryKindOfNarrowing() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        schedule(wider);
        narrow(PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, bytes32(uint256(1))));
        vm.warp(block.timestamp + TIMELOCK);
        expectNotExecutable(wider);

        PolicyChange[] memory mixed = new PolicyChange[](2);
        mixed[0] = present(PolicyRules.BEHAVIOUR, SUBJECT);
        mixed[1] = PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0);
        schedule(mixed);
        schedule(wider);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(policyId, mixed);
        expectNotExecutable(wider);
    }

    function test_AScheduledChangeOutlivesAWidening() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        schedule(wider);
        executeLater(present(PolicyRules.BEHAVIOUR, SUBJECT));
        enclaves.execute(policyId, one(wider));
    }

    function test_WhatIsPendingIsSeen() public {
        bytes32 first = schedule(present(PolicyRules.MEASUREMENT, SUBJECT));
        uint256 scheduledAt = block.timestamp;
        vm.warp(block.timestamp + 100);
        bytes32 second = schedule(present(PolicyRules.BEHAVIOUR, SUBJECT));
        PendingChange[] memory pending = enclaves.pendingChanges(policyId);
        assertEq(pending.length, 2, "two");
        assertEq(pending[0].changeId, first, "first");
        assertEq(pending[0].executableAt, scheduledAt + TIMELOCK, "executable");
        assertEq(pending[0].expiresAt, scheduledAt + TIMELOCK + LIFETIME, "expires");
        assertEq(pending[1].changeId, second, "second");
        vm.prank(GUARDIAN);
        enclaves.veto(policyId, first);
        pending = enclaves.pendingChanges(policyId);
        assertTrue(pending.length == 1 && pending[0].changeId == second, "the vetoed one is gone");
    }

    function test_GuardianVetoes() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        bytes32 changeId = schedule(wider);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, address(this)));
        enclaves.veto(policyId, changeId);
        vm.prank(GUARDIAN);
        enclaves.veto(policyId, changeId);
        vm.warp(block.timestamp + TIMELOCK);
        expectNotExecutable(wider);
        vm.prank(GUARDIAN);
        vm.expectPartialRevert(IPolicyRegistry.ChangeNotExecutable.selector);
        enclaves.veto(policyId, changeId);
    }

    function test_RevertWhen_TheSameChangeWaitsAlready() public {
        PolicyChange memory wider = present(PolicyRules.MEASUREMENT, SUBJECT);
        schedule(wider);
        vm.prank(POLICY_OWNER);
        vm.expectPartialRevert(IPolicyRegistry.ChangeAlreadyScheduled.selector);
        enclaves.schedule(policyId, one(wider));
    }

    function test_NarrowingBumpsTheEpochAtOnce() public {
        PolicyChange[5] memory narrowings = [
            PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0),
            present(PolicyRules.REVOKED_CERTIFICATE, SUBJECT),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(1 hours))),
            PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, bytes32(uint256(1))),
            PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(32)))
        ];
        for (uint256 i = 0; i < narrowings.length; ++i) {
            narrow(narrowings[i]);
            assertEq(enclaves.head(policyId).epoch, 2 + i, "epoch");
            assertEq(enclaves.head(policyId).widenedAt, START, "not widened");
        }
    }

    /// X2, X3. A narrowing narrows: nothing, or what is so already, makes no key attest again.
    function test_RevertWhen_ANarrowingNarrowsNothing() public {
        vm.prank(GUARDIAN);
        vm.expectRevert(IPolicyRegistry.NothingChanges.selector);
        enclaves.narrow(policyId, new PolicyChange[](0));

        executeLater(PolicyChange(PolicyRules.TCB, SUBJECT, floor(5, 0, 0, 0)));
        PolicyChange[8] memory idle = [
            PolicyChange(PolicyRules.MEASUREMENT, SUBJECT, 0),
            present(PolicyRules.MEASUREMENT, measurement()),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(VALIDITY))),
            PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, 0),
            PolicyChange(PolicyRules.DISTINCT_VENDORS, 0, 0),
            PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(31))),
            PolicyChange(PolicyRules.QUORUM_WINDOW, 0, 0),
            PolicyChange(PolicyRules.TCB, SUBJECT, floor(5, 0, 0, 0))
        ];
        for (uint256 i = 0; i < idle.length; ++i) {
            vm.prank(GUARDIAN);
            vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
            enclaves.narrow(policyId, one(idle[i]));
        }
        // One that narrows does not carry one that does not, nor itself twice.
        PolicyChange[] memory twice = new PolicyChange[](2);
        twice[0] = present(PolicyRules.REVOKED_CERTIFICATE, SUBJECT);
        twice[1] = twice[0];
        vm.prank(GUARDIAN);
        vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
        enclaves.narrow(policyId, twice);
        assertEq(enclaves.head(policyId).epoch, 1, "no key attests again");
    }

    /// A revocation that was made already deletes nothing, whatever answer key it names.
    function testFuzz_RevertWhen_AKeysetIsRevokedTwice(uint160 first, uint160 second) public {
        vm.assume(first != 0 && second != 0);
        narrow(PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, bytes32(uint256(first))));
        vm.prank(GUARDIAN);
        vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
        enclaves.narrow(
            policyId, one(PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, bytes32(uint256(second))))
        );
        assertEq(enclaves.head(policyId).epoch, 1, "no epoch is bumped");
    }

    function test_RevertWhen_AScheduleChangesNothing() public {
        vm.prank(POLICY_OWNER);
        vm.expectRevert(IPolicyRegistry.NothingChanges.selector);
        enclaves.schedule(policyId, new PolicyChange[](0));
        PolicyChange memory idle = present(PolicyRules.MEASUREMENT, measurement());
        schedule(idle);
        vm.warp(block.timestamp + TIMELOCK);
        vm.expectRevert(IPolicyRegistry.NothingChanges.selector);
        enclaves.execute(policyId, one(idle));
    }

    function test_RevertWhen_TheOppositeOfANarrowingIsCalledNarrow() public {
        narrow(PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, bytes32(uint256(7))));
        PolicyChange[7] memory widenings = [
            PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, 0),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(VALIDITY) + 1)),
            present(PolicyRules.BEHAVIOUR, SUBJECT),
            present(PolicyRules.VERIFIER, SUBJECT),
            present(PolicyRules.TD_ATTRIBUTES, SUBJECT),
            PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(30))),
            PolicyChange(PolicyRules.TCB, SUBJECT, floor(1, 1, 1, 1))
        ];
        for (uint256 i = 0; i < widenings.length; ++i) {
            vm.prank(POLICY_OWNER);
            vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
            enclaves.narrow(policyId, one(widenings[i]));
        }
    }

    /// The contract, not the caller, decides what is narrowing: a floor is narrowed only when no component falls and one rises.
    function testFuzz_RaisingAFloorIsNarrowingAndLoweringIsNot(
        uint8[2] memory svn,
        uint16[2] memory pceSvn,
        uint8[2] memory teeSvn,
        uint16[2] memory qeSvn
    ) public {
        bytes32 before = floor(svn[0], pceSvn[0], teeSvn[0], qeSvn[0]);
        bytes32 wanted = floor(svn[1], pceSvn[1], teeSvn[1], qeSvn[1]);
        executeLater(PolicyChange(PolicyRules.TCB, SUBJECT, before));
        bool raises = svn[1] >= svn[0] && pceSvn[1] >= pceSvn[0] && teeSvn[1] >= teeSvn[0]
            && qeSvn[1] >= qeSvn[0] && before != wanted;
        vm.prank(POLICY_OWNER);
        if (!raises) vm.expectPartialRevert(IPolicyRegistry.NotNarrowing.selector);
        enclaves.narrow(policyId, one(PolicyChange(PolicyRules.TCB, SUBJECT, wanted)));
    }

    function testFuzz_CoversComparesEveryComponent(bytes32 floorValue, bytes32 actual, uint256 mix)
        public
        pure
    {
        // Half the time both agree but for a few bits, so that single components decide.
        if (mix % 2 == 0) {
            actual = floorValue ^ bytes32(1 << (mix >> 8) % 256) ^ bytes32(1 << (mix >> 16) % 256);
        }
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
        schedule(mixed);
        vm.warp(block.timestamp + TIMELOCK);
        enclaves.execute(policyId, mixed);
        assertEq(enclaves.head(policyId).epoch, 2, "narrowed");
        assertEq(enclaves.head(policyId).widenedAt, block.timestamp, "and widened");
    }

    function test_TheQuorumWindowIsHalfAMinuteUnlessARuleSaysElse() public {
        (uint16 windowSeconds, bool distinctVendors) = enclaves.quorumTerms(policyId);
        assertTrue(windowSeconds == 30 && !distinctVendors, "the default");
        narrow(PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(301))));
        (windowSeconds,) = enclaves.quorumTerms(policyId);
        assertEq(windowSeconds, 300, "the longest");
        executeLater(PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(1))));
        (windowSeconds,) = enclaves.quorumTerms(policyId);
        assertEq(windowSeconds, 0, "none");
        narrow(PolicyChange(PolicyRules.QUORUM_WINDOW, 0, 0));
        (windowSeconds,) = enclaves.quorumTerms(policyId);
        assertEq(windowSeconds, 30, "the default again");
    }

    function test_RevertWhen_CallerHasNoRole() public {
        PolicyChange[] memory changes = one(PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0));
        bytes memory refused = abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, address(this));
        vm.expectRevert(refused);
        enclaves.narrow(policyId, changes);
        vm.expectRevert(refused);
        enclaves.schedule(policyId, changes);
        vm.expectRevert(refused);
        enclaves.offerOwnership(policyId, address(this));
        vm.expectRevert(refused);
        enclaves.acceptOwnership(policyId);
        vm.expectRevert(refused);
        enclaves.proposeGuardian(policyId, address(this));
        vm.expectRevert(refused);
        enclaves.replaceGuardian(policyId);
        bytes memory notGuardian = abi.encodeWithSelector(IPolicyRegistry.NotAuthorized.selector, GUARDIAN);
        vm.startPrank(GUARDIAN);
        vm.expectRevert(notGuardian);
        enclaves.schedule(policyId, changes);
        vm.expectRevert(notGuardian);
        enclaves.proposeGuardian(policyId, GUARDIAN);
        vm.stopPrank();
    }

    function test_RevertWhen_ARuleIsNotOne() public {
        PolicyChange[10] memory wrong = [
            PolicyChange(0, SUBJECT, PolicyRules.PRESENT),
            PolicyChange(12, SUBJECT, PolicyRules.PRESENT),
            PolicyChange(100, SUBJECT, PolicyRules.PRESENT),
            PolicyChange(PolicyRules.MEASUREMENT, SUBJECT, bytes32(uint256(2))),
            // Only a quoting enclave and a TCB have floors: raising another would narrow nothing.
            PolicyChange(PolicyRules.BEHAVIOUR, BEHAVIOUR, floor(1, 0, 0, 0)),
            PolicyChange(PolicyRules.REVOKED_KEYSET, SUBJECT, bytes32(uint256(1) << 160)),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, 0),
            PolicyChange(PolicyRules.VALIDITY_SECONDS, 0, bytes32(uint256(366 days))),
            PolicyChange(PolicyRules.KEYS_BEFORE_REQUEST, 0, bytes32(uint256(2))),
            PolicyChange(PolicyRules.QUORUM_WINDOW, 0, bytes32(uint256(302)))
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.prank(POLICY_OWNER);
            vm.expectPartialRevert(IPolicyRegistry.RuleInvalid.selector);
            enclaves.narrow(policyId, one(wrong[i]));
        }
    }

    function test_RevertWhen_ThePolicyExistsOrHasNoValidity() public {
        vm.expectPartialRevert(IPolicyRegistry.RuleInvalid.selector);
        enclaves.create("x", GUARDIAN, TIMELOCK, REGISTER_MASK, new PolicyChange[](0));
        vm.prank(POLICY_OWNER);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.PolicyExists.selector, policyId));
        enclaves.create("policy", GUARDIAN, TIMELOCK, REGISTER_MASK, new PolicyChange[](0));
    }

    function test_SeveralRulesAreReadAtOnce() public view {
        bytes32[] memory ruleKeys = new bytes32[](2);
        ruleKeys[0] = keccak256(abi.encode(PolicyRules.MEASUREMENT, SUBJECT));
        ruleKeys[1] = keccak256(abi.encode(PolicyRules.BEHAVIOUR, BEHAVIOUR));
        bytes32[] memory values = enclaves.rules(policyId, ruleKeys);
        assertTrue(values[0] == 0 && values[1] == PolicyRules.PRESENT, "values");
    }
}
