// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Handover, IPolicyRegistry } from "../src/interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyRules } from "../src/types/Policy.sol";
import { RegistryWorld } from "./support/RegistryWorld.sol";

contract PolicyRolesTest is RegistryWorld {
    bytes32 private constant SUBJECT = keccak256("subject");
    address private constant STRANGER = address(0xBAD);
    uint256 private constant LIFETIME = 14 days;

    function expectHandover(uint256 executableAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPolicyRegistry.HandoverNotExecutable.selector, uint40(executableAt))
        );
    }

    function test_OwnershipIsHandedOverAfterTheTimelock() public {
        vm.prank(POLICY_OWNER);
        enclaves.offerOwnership(policyId, address(this));
        uint256 executableAt = block.timestamp + TIMELOCK;
        (Handover memory owner,) = enclaves.pendingHandovers(policyId);
        assertEq(owner.to, address(this), "pending");
        assertEq(owner.executableAt, executableAt, "from");
        assertEq(owner.expiresAt, executableAt + LIFETIME, "until");
        vm.warp(executableAt - 1);
        expectHandover(executableAt);
        enclaves.acceptOwnership(policyId);
        vm.warp(executableAt);
        enclaves.acceptOwnership(policyId);
        (address nowOwner,,) = enclaves.rolesOf(policyId);
        assertEq(nowOwner, address(this), "owner");
        (owner,) = enclaves.pendingHandovers(policyId);
        assertEq(owner.to, address(0), "nothing is pending");
    }

    function test_RevertWhen_AnOfferIsTakenBackOrExpired() public {
        vm.startPrank(POLICY_OWNER);
        enclaves.offerOwnership(policyId, STRANGER);
        enclaves.offerOwnership(policyId, address(0));
        vm.stopPrank();
        vm.warp(block.timestamp + TIMELOCK);
        vm.prank(STRANGER);
        vm.expectPartialRevert(IPolicyRegistry.NotAuthorized.selector);
        enclaves.acceptOwnership(policyId);

        vm.prank(POLICY_OWNER);
        enclaves.offerOwnership(policyId, STRANGER);
        vm.warp(block.timestamp + TIMELOCK + LIFETIME + 1);
        vm.prank(STRANGER);
        expectHandover(0);
        enclaves.acceptOwnership(policyId);
    }

    /// X2. A guardian who misbehaves is replaced, after the timelock, and cannot veto that.
    function test_AGuardianIsReplacedAfterTheTimelock() public {
        address next = address(0x9A);
        vm.startPrank(POLICY_OWNER);
        expectHandover(0);
        enclaves.replaceGuardian(policyId);
        enclaves.proposeGuardian(policyId, next);
        uint256 executableAt = block.timestamp + TIMELOCK;
        expectHandover(executableAt);
        enclaves.replaceGuardian(policyId);
        vm.stopPrank();
        vm.prank(GUARDIAN);
        enclaves.narrow(policyId, one(present(PolicyRules.REVOKED_CERTIFICATE, SUBJECT)));
        (, Handover memory guardian) = enclaves.pendingHandovers(policyId);
        assertEq(guardian.to, next, "still pending");
        vm.warp(executableAt);
        vm.prank(POLICY_OWNER);
        enclaves.replaceGuardian(policyId);
        (, address nowGuardian,) = enclaves.rolesOf(policyId);
        assertEq(nowGuardian, next, "guardian");
        vm.prank(GUARDIAN);
        vm.expectPartialRevert(IPolicyRegistry.NotAuthorized.selector);
        enclaves.narrow(policyId, one(PolicyChange(PolicyRules.MEASUREMENT, measurement(), 0)));
    }
}
