// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AgentRun, AgentRuns } from "../../src/agents/AgentRun.sol";
import { Call } from "../../src/agents/Grant.sol";
import { IdleRun, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { AnswerStatus } from "../../src/types/Answer.sol";
import { AgentWorld } from "../support/AgentWorld.sol";

/// An operator that holds everything the enclave ever signed, and sends any of it at any time, changed as it likes. The enclave
/// answers each run once, over the first block at or after its slot, as the real one does.
contract AgentHandler is AgentWorld {
    uint256 private constant MOST = 2 ether;
    uint256 private constant MOST_COIN = 150 ether;

    SignedRun[] private signed;
    IdleRun[] private idle;
    mapping(uint64 slot => uint256 number) private firstBlockOf;
    mapping(bytes32 requestId => bool) private isAnswered;
    mapping(uint64 slot => uint256) private actsOf;
    mapping(uint64 slot => uint256) private claimsOf;

    /// Of the windows that follow from what left, kept apart from the account's.
    uint256 private valueWindowAt;
    uint256 private valueSpent;
    uint256 private coinWindowAt;
    uint256 private coinSpent;
    bool private isStopped;

    uint256 public acts;
    uint256 public claims;
    uint256 public overspent;
    uint256 public twice;
    uint256 public chosen;
    uint256 public early;
    uint256 public unpaid;
    uint256 public afterStop;

    function setUp() public override {
        super.setUp();
        remember();
    }

    /// A block, some time later.
    function mine(uint16 secondsLater) external {
        vm.warp(block.timestamp + bound(secondsLater, 1, 900));
        vm.roll(block.number + 1);
        remember();
    }

    function remember() private {
        if (firstBlockOf[slot()] == 0) firstBlockOf[slot()] = block.number;
        // Its admission lives for a day.
        if (!enclaves.isLive(agentPolicy, alice.keysetId, alice.keyset.answerKey)) {
            admitUnder(agentPolicy, alice);
        }
    }

    /// The enclave runs the program for this slot, once, when its block has a successor.
    function run(uint8 kind, uint96 amount, bool isIdle) external {
        uint256 number = firstBlockOf[slot()];
        if (number == 0 || number >= block.number) return;
        bytes32 id = AgentRuns.id(runOfSlot(slot(), blockhash(number)));
        if (isAnswered[id]) return;
        isAnswered[id] = true;
        if (isIdle) {
            idle.push(idleRun(slot(), number, kind % 2 == 0 ? AnswerStatus.Ok : AnswerStatus.ProgramFailed));
            return;
        }
        Call[] memory calls = new Call[](1 + kind % 2);
        for (uint256 i = 0; i < calls.length; ++i) {
            calls[i] =
                kind % 3 == 0 ? toFriend(bound(amount, 0, 120 ether)) : toMachine(1, amount % 1.5 ether);
        }
        signed.push(signedRun(runOfSlot(slot(), blockhash(number)), number, calls));
    }

    /// Sends what it has, with some of the idle runs that it has.
    function send(uint256 index, uint8 idleFrom, uint8 idleCount) external {
        if (signed.length == 0) return;
        // Mostly the newest: the others are over.
        SignedRun memory run_ =
            signed[index % 4 == 0 ? bound(index, 0, signed.length - 1) : signed.length - 1];
        uint256 from = idle.length == 0 ? 0 : idleFrom % idle.length;
        uint256 count = idle.length == 0 ? 0 : idleCount % (idle.length - from + 1);
        IdleRun[] memory part = new IdleRun[](count);
        for (uint256 i = 0; i < count; ++i) {
            part[i] = idle[from + i];
        }
        attempt(run_, part, false);
    }

    /// A re-roll: what was signed, with one field of the submitter's.
    function sendChanged(uint256 index, uint8 field, uint48 other) external {
        if (signed.length == 0) return;
        SignedRun memory run_ = signed[bound(index, 0, signed.length - 1)];
        field = field % 5;
        if (field == 0) run_.nonce = slot();
        if (field == 1) run_.stateBlockNumber = uint48(bound(other, block.number - 100, block.number));
        if (field == 2) run_.answeredAt += uint40(bound(other, 1, 300));
        if (field == 3) run_.transcriptRoot = bytes32(uint256(other));
        if (field == 4) run_.output = abi.encode(oneCall(toMachine(1, 0)));
        bool isSame =
            keccak256(abi.encode(run_)) == keccak256(abi.encode(signed[bound(index, 0, signed.length - 1)]));
        if (!isSame) attempt(run_, new IdleRun[](0), true);
    }

    /// An answer that was made before its slot: to a block that nobody knows yet.
    function sendEarly(uint8 slotsAhead, bytes32 guess) external {
        uint64 later = slot() + uint64(bound(slotsAhead, 1, 3));
        SignedRun memory run_ = signedRun(runOfSlot(later, guess), block.number + 1, oneCall(toMachine(1, 0)));
        vm.warp(uint256(later) * SLOT);
        vm.roll(block.number + 2);
        remember();
        try account.execute(encodedGrant, run_, new IdleRun[](0)) {
            ++early;
        } catch { }
    }

    function stopOrResume(bool stop) external {
        if (stop) account.stop();
        else account.resume();
        isStopped = stop;
    }

    function attempt(SignedRun memory run_, IdleRun[] memory part, bool isChanged) private {
        uint256 value = address(account).balance;
        uint256 coins = coin.balanceOf(address(account));
        uint256 payeeBefore = alice.keyset.payee.balance;
        try account.execute(encodedGrant, run_, part) {
            ++acts;
            if (isChanged) ++chosen;
            if (isStopped) ++afterStop;
            if (++actsOf[run_.nonce] > 1) ++twice;
            for (uint256 i = 0; i < part.length; ++i) {
                if (++claimsOf[part[i].nonce] > 1 || part[i].nonce == run_.nonce) ++twice;
            }
            claims += part.length;
            count(value - address(account).balance, coins - coin.balanceOf(address(account)));
            uint256 due = RUN_FEE * (1 + part.length);
            // All that could still leave went out when it was less.
            bool isWindowFull = valueSpent == MOST;
            if (alice.keyset.payee.balance - payeeBefore < due && !isWindowFull) ++unpaid;
        } catch { }
    }

    function count(uint256 value, uint256 coins) private {
        if (block.timestamp >= valueWindowAt + 4 hours) (valueWindowAt, valueSpent) = (block.timestamp, 0);
        if (coins != 0 && block.timestamp >= coinWindowAt + 4 hours) {
            (coinWindowAt, coinSpent) = (block.timestamp, 0);
        }
        valueSpent += value;
        coinSpent += coins;
        if (valueSpent > MOST || coinSpent > MOST_COIN) ++overspent;
    }
}

contract AgentAccountInvariants {
    AgentHandler private handler;

    function setUp() public {
        handler = new AgentHandler();
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
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = handler.mine.selector;
        selectors[1] = handler.run.selector;
        selectors[2] = handler.send.selector;
        selectors[3] = handler.sendChanged.selector;
        selectors[4] = handler.sendEarly.selector;
        selectors[5] = handler.stopOrResume.selector;
        selectors[6] = handler.mine.selector;
        selectors[7] = handler.run.selector;
        selectors[8] = handler.send.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// One campaign for all: each is asked after every call of every run.
    function invariant_AgentsStayInsideTheirGrants() public view {
        noMoreLeavesInAWindowThanMayAndTheActingRunPays();
        aSlotActsOnceAndNothingOfItIsTheSubmittersChoice();
    }

    function noMoreLeavesInAWindowThanMayAndTheActingRunPays() private view {
        require(handler.overspent() == 0, "more left than may");
        require(handler.unpaid() == 0, "an acting run paid less than its fees");
    }

    function aSlotActsOnceAndNothingOfItIsTheSubmittersChoice() private view {
        require(handler.twice() == 0, "a slot acted, or was claimed, twice");
        require(handler.chosen() == 0, "a changed field was another draw");
        require(handler.early() == 0, "an answer from before its slot");
        require(handler.afterStop() == 0, "a stopped account acted");
    }
}
