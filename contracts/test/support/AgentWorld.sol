// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import { AgentRun, AgentRuns } from "../../src/agents/AgentRun.sol";
import { Call, Grant, Permission, TokenLimit, WordLimit, WordRule } from "../../src/agents/Grant.sol";
import { IAgentAccount, IdleRun, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { Answer, Answers, AnswerStatus } from "../../src/types/Answer.sol";
import { PolicyRules } from "../../src/types/Policy.sol";
import { RegistryWorld, SimulatedEnclave } from "./RegistryWorld.sol";

/// All that an `AgentAccount` can be called for.
interface IOwnedAgentAccount is IAgentAccount {
    function offerOwnership(address successor) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
    function callAsOwner(Call calldata call_) external;
    function owner() external view returns (address);
}

contract Coin is ERC20("Coin", "COIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// What an agent acts on: counts, spends gas, or calls back.
contract Machine {
    uint256 public turns;
    address public reenter;
    bytes public call;

    function turn(uint256 by) external payable {
        require(by != 13, "unlucky");
        turns += by;
        if (reenter == address(0)) return;
        (bool succeeded,) = reenter.call(call);
        require(succeeded, "not entered");
    }

    function setReentrance(address target, bytes calldata data) external {
        (reenter, call) = (target, data);
    }
}

/// An account with a grant of ten-minute slots, and the enclave that runs its program.
abstract contract AgentWorld is RegistryWorld {
    uint32 internal constant GRANT_DELAY = 1 hours;
    uint32 internal constant SLOT = 600;
    uint96 internal constant RUN_FEE = 1e15;
    bytes32 internal constant PROGRAM = keccak256("program");
    address internal constant FRIEND = address(0xF1);
    address internal constant STRANGER = address(0xBAD);

    IOwnedAgentAccount internal account;
    Coin internal coin;
    Machine internal machine;
    bytes32 internal agentPolicy;
    /// As it was proposed, and its id.
    bytes internal encodedGrant;
    bytes32 internal grantId;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(START);
        agentPolicy = createPolicy("agents", one(present(PolicyRules.KEYS_BEFORE_REQUEST, 0)));
        admitUnder(agentPolicy, alice);
        account = deployAccount(address(this));
        coin = new Coin();
        machine = new Machine();
        coin.mint(address(account), 1_000 ether);
        vm.deal(address(account), 100 ether);
        // Whoever earns has earned before.
        vm.deal(alice.keyset.payee, 1 ether);
        grantSlots(account, grantTerms());
    }

    /// From its artifact: a test that imported it would be compiled by IR, as it is.
    function deployAccount(address owner) internal returns (IOwnedAgentAccount) {
        bytes memory arguments = abi.encode(enclaves, owner, GRANT_DELAY);
        return IOwnedAgentAccount(vm.deployCode("AgentAccount.sol:AgentAccount", arguments));
    }

    function grantTerms() internal view returns (Grant memory grant) {
        grant.programHash = PROGRAM;
        grant.policyId = agentPolicy;
        grant.validUntil = uint40(START + 12 hours);
        grant.slotSeconds = SLOT;
        grant.windowSeconds = 4 hours;
        grant.maxCalls = 4;
        grant.maxIdleClaims = 200;
        grant.fee = RUN_FEE;
        grant.gasPriceCap = 2 gwei;
        grant.valuePerWindow = 2 ether;
        grant.permissions = new Permission[](3);
        grant.permissions[0] = Permission(address(machine), Machine.turn.selector, 30_000, new WordLimit[](0));
        grant.permissions[1] = Permission(address(coin), ERC20.transfer.selector, 0, new WordLimit[](2));
        grant.permissions[1].limits[0] =
            WordLimit(0, WordRule.OneOf, words(bytes32(uint256(uint160(FRIEND)))));
        grant.permissions[1].limits[1] = WordLimit(1, WordRule.AtMost, words(bytes32(uint256(100 ether))));
        grant.permissions[2] = Permission(FRIEND, 0, 0, new WordLimit[](0));
        grant.tokens = new TokenLimit[](1);
        grant.tokens[0] = TokenLimit(address(coin), 150 ether);
    }

    function grantSlots(IAgentAccount to, Grant memory grant) internal {
        grantId = to.propose(grant);
        encodedGrant = abi.encode(grant);
        vm.warp(START + GRANT_DELAY + SLOT);
        vm.roll(block.number + 1);
    }

    function words(bytes32 word) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = word;
    }

    function slot() internal view returns (uint64) {
        return uint64(block.timestamp / SLOT);
    }

    function toMachine(uint256 by, uint256 value) internal view returns (Call memory) {
        return Call(address(machine), value, abi.encodeCall(Machine.turn, (by)));
    }

    function toFriend(uint256 amount) internal view returns (Call memory) {
        return Call(address(coin), 0, abi.encodeCall(ERC20.transfer, (FRIEND, amount)));
    }

    function oneCall(Call memory call_) internal pure returns (Call[] memory calls) {
        calls = new Call[](1);
        calls[0] = call_;
    }

    function runOfSlot(uint64 nonce, bytes32 blockHash) internal view returns (AgentRun memory) {
        return AgentRun({
            chainId: block.chainid,
            account: address(account),
            grantId: grantId,
            programHash: PROGRAM,
            inputHash: keccak256(""),
            policyId: agentPolicy,
            requestedAt: uint40(nonce) * SLOT,
            nonce: nonce,
            stateBlockHash: blockHash,
            deadline: uint40(nonce + 1) * SLOT
        });
    }

    function answerFor(AgentRun memory run, AnswerStatus status, bytes memory output)
        internal
        view
        returns (Answer memory)
    {
        return Answer({
            requestId: AgentRuns.id(run),
            status: status,
            outputHash: keccak256(output),
            transcriptRoot: keccak256("transcript"),
            stateBlockHash: run.stateBlockHash,
            keysetId: alice.keysetId,
            answeredAt: uint64(run.requestedAt)
        });
    }

    function signAgent(SimulatedEnclave memory by, AgentRun memory run, Answer memory answer)
        internal
        pure
        returns (bytes memory)
    {
        bytes32 separator = AgentRuns.domainSeparator(run.chainId, run.account);
        return signBy(by, AgentRuns.digest(separator, Answers.structHash(answer)));
    }

    /// What the enclave signs of a run that calls.
    function signedRun(AgentRun memory run, uint256 blockNumber, Call[] memory calls)
        internal
        view
        returns (SignedRun memory)
    {
        bytes memory output = abi.encode(calls);
        Answer memory answer = answerFor(run, AnswerStatus.Ok, output);
        return SignedRun({
            nonce: run.nonce,
            stateBlockNumber: uint48(blockNumber),
            answeredAt: uint40(answer.answeredAt),
            transcriptRoot: answer.transcriptRoot,
            keysetId: answer.keysetId,
            output: output,
            signature: signAgent(alice, run, answer)
        });
    }

    /// A run of this slot, over the last block.
    function acting(Call[] memory calls) internal view returns (SignedRun memory) {
        return signedRun(runOfSlot(slot(), blockhash(block.number - 1)), block.number - 1, calls);
    }

    /// What the enclave signs of a run that calls nothing.
    function idleRun(uint64 nonce, uint256 blockNumber, AnswerStatus status)
        internal
        view
        returns (IdleRun memory)
    {
        AgentRun memory run = runOfSlot(nonce, blockhash(blockNumber));
        bytes memory output = status == AnswerStatus.Ok ? abi.encode(new Call[](0)) : bytes("");
        Answer memory answer = answerFor(run, status, output);
        return IdleRun({
            nonce: nonce,
            stateBlockNumber: uint48(blockNumber),
            answeredAt: uint40(answer.answeredAt),
            status: status,
            transcriptRoot: answer.transcriptRoot,
            signature: signAgent(alice, run, answer)
        });
    }

    function execute(SignedRun memory run) internal {
        account.execute(encodedGrant, run, new IdleRun[](0));
    }

    function nextSlot() internal {
        vm.warp((block.timestamp / SLOT + 1) * SLOT);
        vm.roll(block.number + 1);
    }
}
