// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { PendingChange } from "../../src/interfaces/IPolicyRegistry.sol";
import { PolicyChange, PolicyHead, PolicyRules } from "../../src/types/Policy.sol";
import { RegistryWorld, SimulatedEnclave } from "../support/RegistryWorld.sol";

/// Owner, guardian and strangers change a policy in any order; keeps books of its own of what was scheduled and narrowed when.
contract GovernanceHandler is RegistryWorld {
    uint256 private constant CHANGES = 8;
    uint256 private constant CHANGE_LIFETIME = 14 days;
    uint256 private constant MACHINES = 2;
    uint256 private constant KEYSETS = 3;

    /// What happened, in order.
    uint256 private clock = 1;
    uint256 private narrowedWhen;
    mapping(bytes32 changeId => uint256) private scheduledWhen;
    mapping(bytes32 changeId => uint256) private scheduledAt;
    /// Of each machine, one after the other: to derive keys each time is most of what a run would cost.
    SimulatedEnclave[] private keysets;

    uint256 public outlived;
    uint256 public outsideItsTime;
    uint256 public widenedAtOnce;
    uint256 public idleEpochs;
    uint256 public executions;
    uint256 public narrowings;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < MACHINES * KEYSETS; ++i) {
            SimulatedEnclave memory enclave = i == 0 ? alice : makeEnclave(vm.toString(i));
            enclave.machine = i < KEYSETS ? alice.machine : bytes20(keccak256("another machine"));
            keysets.push(enclave);
        }
    }

    /// A rule that is there or not, a floor that is higher or lower, a keyset that is revoked or not.
    function change(uint256 index) private view returns (PolicyChange[] memory changes) {
        index = bound(index, 0, CHANGES - 1);
        bytes32 subject = keccak256(abi.encode("subject", index / 4));
        if (index % 4 == 0) return one(present(PolicyRules.BEHAVIOUR, subject));
        if (index % 4 == 1) return one(PolicyChange(PolicyRules.BEHAVIOUR, subject, 0));
        if (index % 4 == 2) {
            return one(
                PolicyChange(
                    PolicyRules.REVOKED_KEYSET,
                    alice.keysetId,
                    bytes32(uint256(uint160(alice.keyset.answerKey)))
                )
            );
        }
        changes = new PolicyChange[](2);
        changes[0] = PolicyChange(PolicyRules.REVOKED_KEYSET, alice.keysetId, 0);
        changes[1] =
            PolicyChange(PolicyRules.TCB, subject, bytes32(bytes1(uint8(index))) | PolicyRules.PRESENT);
    }

    function schedule(uint256 index) external {
        PolicyChange[] memory changes = change(index);
        vm.prank(POLICY_OWNER);
        try enclaves.schedule(policyId, changes) returns (bytes32 changeId) {
            scheduledWhen[changeId] = ++clock;
            scheduledAt[changeId] = block.timestamp;
        } catch { }
    }

    function execute(uint256 index) external {
        PolicyChange[] memory changes = change(index);
        bytes32 changeId = keccak256(abi.encode(changes));
        PolicyHead memory before = enclaves.head(policyId);
        vm.prank(address(0xBAD));
        try enclaves.execute(policyId, changes) {
            ++executions;
            if (scheduledWhen[changeId] < narrowedWhen) ++outlived;
            uint256 executableAt = scheduledAt[changeId] + TIMELOCK;
            if (block.timestamp < executableAt || block.timestamp > executableAt + CHANGE_LIFETIME) {
                ++outsideItsTime;
            }
            // Executed once.
            scheduledWhen[changeId] = 0;
            if (enclaves.head(policyId).narrowedVersion != before.narrowedVersion) narrowedWhen = ++clock;
        } catch { }
    }

    function narrow(uint256 index, bool byGuardian) external {
        PolicyHead memory before = enclaves.head(policyId);
        PolicyChange[] memory changes = change(index);
        vm.prank(byGuardian ? GUARDIAN : POLICY_OWNER);
        try enclaves.narrow(policyId, changes) {
            ++narrowings;
            narrowedWhen = ++clock;
            PolicyHead memory current = enclaves.head(policyId);
            if (current.widenedAt != before.widenedAt) ++widenedAtOnce;
            bool isRevocation = changes[0].kind == PolicyRules.REVOKED_KEYSET;
            if (isRevocation && current.epoch != before.epoch) ++idleEpochs;
        } catch { }
    }

    function veto(uint256 index) external {
        bytes32 changeId = keccak256(abi.encode(change(index)));
        vm.prank(GUARDIAN);
        try enclaves.veto(policyId, changeId) {
            scheduledWhen[changeId] = 0;
        } catch { }
    }

    function admitOne(uint256 machine, uint256 index) external {
        SimulatedEnclave memory enclave = keysetOf(machine, index);
        bytes memory evidence = evidenceOf(enclave);
        try enclaves.admit(policyId, enclave.keyset, block.number - 1, simulated, evidence) { } catch { }
    }

    function wait_(uint32 time) external {
        vm.warp(block.timestamp + bound(time, 0, 5 days));
    }

    function keysetOf(uint256 machine, uint256 index) private view returns (SimulatedEnclave storage) {
        return keysets[bound(machine, 0, MACHINES - 1) * KEYSETS + bound(index, 0, KEYSETS - 1)];
    }

    /// How many keysets of a machine are live at once, at most.
    function mostLiveKeysets() external view returns (uint256 most) {
        for (uint256 machine = 0; machine < MACHINES; ++machine) {
            uint256 live = 0;
            for (uint256 index = 0; index < KEYSETS; ++index) {
                SimulatedEnclave storage enclave = keysetOf(machine, index);
                if (enclaves.isLive(policyId, enclave.keysetId, enclave.keyset.answerKey)) ++live;
            }
            if (live > most) most = live;
        }
    }

    /// Whether anything waits that was scheduled before the last narrowing, was spent, or is past its time.
    function hasStalePending() external view returns (bool) {
        PendingChange[] memory pending = enclaves.pendingChanges(policyId);
        for (uint256 i = 0; i < pending.length; ++i) {
            if (scheduledWhen[pending[i].changeId] <= narrowedWhen) return true;
            if (block.timestamp > pending[i].expiresAt) return true;
        }
        return false;
    }
}

/// After any sequence of actions.
contract GovernanceInvariants {
    GovernanceHandler private handler;

    function setUp() public {
        handler = new GovernanceHandler();
        handler.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = handler.schedule.selector;
        selectors[1] = handler.execute.selector;
        selectors[2] = handler.narrow.selector;
        selectors[3] = handler.veto.selector;
        selectors[4] = handler.admitOne.selector;
        selectors[5] = handler.wait_.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// One campaign for all: each is asked after every call of every run.
    function invariant_PoliciesWidenSlowlyAndNarrowAtOnce() public view {
        scheduledChangesNeverOutliveANarrowing();
        scheduledChangesAreExecutedInTheirTimeOnly();
        whatIsAppliedAtOnceWidensNothing();
        aPlatformHasAtMostTwoLiveKeysets();
    }

    function scheduledChangesNeverOutliveANarrowing() private view {
        require(handler.outlived() == 0, "a change scheduled before a narrowing was executed after it");
        require(!handler.hasStalePending(), "and is seen as pending");
    }

    function scheduledChangesAreExecutedInTheirTimeOnly() private view {
        require(handler.outsideItsTime() == 0, "too early or too late");
    }

    function whatIsAppliedAtOnceWidensNothing() private view {
        require(handler.widenedAtOnce() == 0, "narrow widened");
        require(handler.idleEpochs() == 0, "revoking one keyset made others attest again");
    }

    function aPlatformHasAtMostTwoLiveKeysets() private view {
        require(handler.mostLiveKeysets() <= 2, "a third");
    }
}
