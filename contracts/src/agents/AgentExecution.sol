// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { Chain } from "../libraries/Chain.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { AgentGrants } from "./AgentGrants.sol";
import { AgentRun, AgentRuns } from "./AgentRun.sol";
import { CallRules } from "./CallRules.sol";
import { Call, Grant, Window, Windows } from "./Grant.sol";
import { GrantState, IAgentAccount, IdleRun, RunInput, SignedRun } from "./IAgentAccount.sol";
import { RunCalls } from "./RunCalls.sol";

/// @title AgentExecution
/// @notice Does what signed runs say, whoever holds the money: `AgentAccount` itself, or a Safe. See `IAgentAccount`.
abstract contract AgentExecution is AgentGrants, ReentrancyGuardTransient {
    using Windows for Window;

    /// @dev What a call knows of its run.
    /// @param separator Of this account's domain.
    /// @param oldestRequestedAt Of the run, or of the first idle one: a key that serves it serves them all.
    /// @param widenedAt The policy's last widening when the grant was proposed.
    struct Round {
        bytes32 grantId;
        bytes32 requestId;
        bytes32 separator;
        uint40 oldestRequestedAt;
        uint40 widenedAt;
        address signer;
        uint256 gasAtStart;
        uint256 calldataBytes;
    }

    /// @dev Outputs of runs that call nothing: abi.encode(new Call[](0)), and none.
    bytes32 private constant NO_CALLS_HASH = keccak256(abi.encode(uint256(0x20), uint256(0)));
    bytes32 private constant NOTHING_HASH = keccak256("");
    /// @dev Calldata of a run without its grant and output, and of an idle one. Of all of it about a third of the bytes are not zero;
    /// what a submitter appends does not count.
    uint256 private constant RUN_BYTES = 484;
    uint256 private constant IDLE_BYTES = 352;
    uint256 private constant TOKENS_PER_BYTE = 2;
    /// @dev Gas that the measurement misses: before the first `gasleft` and after the last, the payee's transfer among it.
    uint256 private constant UNMETERED_GAS = 14_400;
    /// @dev A payee that is a contract gets no more: it must not undo, by burning gas, a run whose outcome it does not like.
    uint256 private constant PAYEE_GAS = 100_000;
    /// @dev Between the check and the CALL: a cold account twice (what it delegates to), value, and the instructions.
    uint256 internal constant CALL_RESERVE_GAS = 16_000;

    /// @dev Whether this transaction's base cost was repaid.
    bool private transient _isBaseRepaid;

    /// @inheritdoc IAgentAccount
    function execute(bytes calldata encodedGrant, SignedRun calldata run, IdleRun[] calldata idle)
        external
        nonReentrant
    {
        Round memory round;
        round.gasAtStart = gasleft();
        round.calldataBytes = RUN_BYTES + encodedGrant.length + run.output.length;
        round.grantId = keccak256(encodedGrant);
        Grant calldata grant = _decode(encodedGrant);
        GrantState memory state = _requireLive(round.grantId, grant);
        uint256 slotSeconds = grant.slotSeconds;
        require(
            slotSeconds != 0 && run.nonce == block.timestamp / slotSeconds && run.nonce >= state.nextNonce,
            SlotNotDue(run.nonce)
        );
        uint40 requestedAt = uint40(run.nonce * slotSeconds);
        require(requestedAt >= state.activeFrom, SlotNotDue(run.nonce));

        round.separator = AgentRuns.domainSeparator(block.chainid, address(this));
        round.oldestRequestedAt = requestedAt;
        round.widenedAt = state.widenedAt;
        AgentRun memory run_ = _runOf(round, grant, NOTHING_HASH, requestedAt, run.nonce, uint40(slotSeconds));
        run_.stateBlockHash = _blockHashAfter(state.lastStateBlock, run.stateBlockNumber);
        _identify(round, run_, run);
        _requireIdle(round, run_, state, grant, run, idle);
        round.calldataBytes += IDLE_BYTES * idle.length;
        state.lastStateBlock = run.stateBlockNumber;
        state.nextNonce = run.nonce + 1;
        _grants[round.grantId] = state;
        _actAndPay(round, grant, run, idle.length);
    }

    /// @inheritdoc IAgentAccount
    function executeRequest(bytes calldata encodedGrant, SignedRun calldata run, RunInput calldata input)
        external
        nonReentrant
    {
        Round memory round;
        round.gasAtStart = gasleft();
        round.calldataBytes = RUN_BYTES + encodedGrant.length + run.output.length;
        round.grantId = keccak256(encodedGrant);
        Grant calldata grant = _decode(encodedGrant);
        round.widenedAt = _requireLive(round.grantId, grant).widenedAt;
        require(
            run.nonce == input.nonce && run.stateBlockNumber == input.blockNumber
                && _inputs[round.grantId][input.nonce] == _inputCommitment(input)
                && block.timestamp <= uint256(input.requestedAt) + grant.lifetimeSeconds,
            InputNotPending(input.nonce)
        );
        delete _inputs[round.grantId][input.nonce];

        round.separator = AgentRuns.domainSeparator(block.chainid, address(this));
        round.oldestRequestedAt = input.requestedAt;
        AgentRun memory run_ = _runOf(
            round, grant, input.inputHash, input.requestedAt, input.nonce, uint40(grant.lifetimeSeconds)
        );
        run_.stateBlockHash = _blockHashAfter(0, input.blockNumber);
        _identify(round, run_, run);
        _actAndPay(round, grant, run, 0);
    }

    /// @dev A run of these terms, but for its block.
    function _runOf(
        Round memory round,
        Grant calldata grant,
        bytes32 inputHash,
        uint40 requestedAt,
        uint64 nonce,
        uint40 lifetime
    ) private view returns (AgentRun memory) {
        return AgentRun({
            chainId: block.chainid,
            account: address(this),
            grantId: round.grantId,
            programHash: grant.programHash,
            inputHash: inputHash,
            policyId: grant.policyId,
            requestedAt: requestedAt,
            nonce: nonce,
            stateBlockHash: 0,
            deadline: requestedAt + lifetime
        });
    }

    /// @dev Zero would be no block: an unknown one refuses.
    function _blockHashAfter(uint48 last, uint48 blockNumber) private view returns (bytes32 blockHash) {
        blockHash = blockNumber > last ? Chain.blockHash(CHAIN, blockNumber) : bytes32(0);
        require(blockHash != 0, StateBlockRefused(blockNumber));
    }

    /// @dev Whose answer the acting run is.
    function _identify(Round memory round, AgentRun memory run_, SignedRun calldata run) private view {
        round.requestId = AgentRuns.id(run_);
        round.signer = _signerOf(
            round.separator,
            Answer({
                requestId: round.requestId,
                status: AnswerStatus.Ok,
                outputHash: keccak256(run.output),
                transcriptRoot: run.transcriptRoot,
                stateBlockHash: run_.stateBlockHash,
                keysetId: run.keysetId,
                answeredAt: run.answeredAt
            }),
            run_.requestedAt,
            run.signature
        );
    }

    /// @dev Earlier slots that called nothing, in order, each once: the next nonce passes them all. Leaves `run_` at the last of them.
    function _requireIdle(
        Round memory round,
        AgentRun memory run_,
        GrantState memory state,
        Grant calldata grant,
        SignedRun calldata run,
        IdleRun[] calldata idle
    ) private view {
        require(idle.length <= grant.maxIdleClaims, IdleRunRefused(grant.maxIdleClaims));
        uint64 next = state.nextNonce;
        uint48 lastBlock = state.lastStateBlock;
        for (uint256 i = 0; i < idle.length; ++i) {
            IdleRun calldata claimed = idle[i];
            uint40 requestedAt = uint40(uint256(claimed.nonce) * grant.slotSeconds);
            require(
                claimed.nonce >= next && claimed.nonce < run.nonce && requestedAt >= state.activeFrom
                    && claimed.stateBlockNumber < run.stateBlockNumber,
                IdleRunRefused(i)
            );
            (run_.nonce, run_.requestedAt) = (claimed.nonce, requestedAt);
            run_.deadline = requestedAt + grant.slotSeconds;
            run_.stateBlockHash = _blockHashAfter(lastBlock, claimed.stateBlockNumber);
            require(_signerOfIdle(round, run_, run.keysetId, claimed) == round.signer, IdleRunRefused(i));
            if (i == 0) round.oldestRequestedAt = requestedAt;
            (next, lastBlock) = (claimed.nonce + 1, claimed.stateBlockNumber);
        }
    }

    function _signerOfIdle(
        Round memory round,
        AgentRun memory run_,
        bytes32 keysetId,
        IdleRun calldata claimed
    ) private view returns (address) {
        bool isOk = claimed.status == AnswerStatus.Ok;
        if (!isOk && claimed.status != AnswerStatus.ProgramFailed) return address(0);
        return _signerOf(
            round.separator,
            Answer({
                requestId: AgentRuns.id(run_),
                status: claimed.status,
                outputHash: isOk ? NO_CALLS_HASH : NOTHING_HASH,
                transcriptRoot: claimed.transcriptRoot,
                stateBlockHash: run_.stateBlockHash,
                keysetId: keysetId,
                answeredAt: claimed.answeredAt
            }),
            run_.requestedAt,
            claimed.signature
        );
    }

    function _signerOf(bytes32 separator, Answer memory answer, uint40 requestedAt, bytes calldata signature)
        private
        view
        returns (address)
    {
        require(
            Answers.isTimely(answer.status, answer.answeredAt, requestedAt),
            AnsweredAtRefused(uint40(answer.answeredAt))
        );
        return Answers.recover(AgentRuns.digest(separator, Answers.structHash(answer)), signature);
    }

    /// @dev Calls and pays; everything that could refuse the run itself was checked, and its slot is written.
    function _actAndPay(Round memory round, Grant calldata grant, SignedRun calldata run, uint256 idleRuns)
        private
    {
        address payee = _payeeOf(round, grant, run.keysetId);
        uint256 calls = RunCalls.count(run.output);
        require(calls != 0 || grant.slotSeconds == 0, NothingToDo(run.nonce));
        require(calls <= grant.maxCalls, TooManyCalls(calls, grant.maxCalls));
        uint256[] memory before = _balances(grant);
        uint256 left = _takeWindow(round.grantId, grant);
        for (uint256 i = 0; i < calls; ++i) {
            left = _call(grant, i, RunCalls.at(run.output, i), left);
        }
        _countTokens(round.grantId, grant, before);
        uint256 paid = _pay(round, grant, payee, left, idleRuns + 1);
        emit RunActed(
            round.grantId, round.requestId, run.keysetId, run.nonce, run.transcriptRoot, idleRuns, payee, paid
        );
    }

    /// @dev Who is paid; the run's key is admitted, and the policy takes no more than when it was granted.
    function _payeeOf(Round memory round, Grant calldata grant, bytes32 keysetId)
        private
        view
        returns (address payee)
    {
        bytes32 policyId = grant.policyId;
        uint40 widenedAt;
        bool keysBeforeRequest;
        (payee, widenedAt, keysBeforeRequest) =
            ENCLAVES.payeeUnder(policyId, round.oldestRequestedAt, keysetId, round.signer);
        _requireUnwidened(grant, round.widenedAt, widenedAt, keysBeforeRequest);
    }

    /// @return Wei that may leave after it.
    function _call(Grant calldata grant, uint256 index, Call calldata call_, uint256 left)
        private
        returns (uint256)
    {
        (address target, uint256 value) = (call_.target, call_.value);
        if (value > left) {
            uint256 most = grant.valuePerWindow;
            revert OutflowExceeded(address(0), most - left + value, most);
        }
        require(!_isForbidden(target), TargetForbidden(target));
        uint256 minGas = CallRules.requirePermitted(grant, index, call_);
        uint256 required = _gasBefore(minGas, call_.data.length);
        require(gasleft() > required, CallGasUnavailable(index, required, gasleft()));
        require(_perform(target, value, call_.data, gasleft()), CallFailed(index));
        return left - value;
    }

    /// @dev Counts all that may still leave into the window: what does not is taken back, which costs the same whatever it was.
    /// @return left What may leave: by calls, and for the run.
    function _takeWindow(bytes32 grantId, Grant calldata grant) private returns (uint256 left) {
        Window storage window = _windows[grantId][address(0)];
        Window memory open = window.current(grant.windowSeconds);
        uint128 most = grant.valuePerWindow;
        left = most - open.spent;
        open.spent = most;
        _windows[grantId][address(0)] = open;
    }

    function _balances(Grant calldata grant) private view returns (uint256[] memory balances) {
        balances = new uint256[](grant.tokens.length);
        for (uint256 i = 0; i < balances.length; ++i) {
            balances[i] = IERC20(grant.tokens[i].token).balanceOf(_holder());
        }
    }

    function _countTokens(bytes32 grantId, Grant calldata grant, uint256[] memory before) private {
        for (uint256 i = 0; i < before.length; ++i) {
            address token = grant.tokens[i].token;
            uint256 balance = IERC20(token).balanceOf(_holder());
            if (balance >= before[i]) continue;
            Window memory open = _windows[grantId][token].current(grant.windowSeconds);
            uint256 spent = open.spent + (before[i] - balance);
            uint128 most = grant.tokens[i].perWindow;
            require(spent <= most, OutflowExceeded(token, spent, most));
            open.spent = uint128(spent);
            _windows[grantId][token] = open;
        }
    }

    /// @dev The fee of each run, and the transaction's gas; never above what may still leave in the window, nor above what there is.
    function _pay(Round memory round, Grant calldata grant, address payee, uint256 left, uint256 runs)
        private
        returns (uint256 paid)
    {
        uint256 tokens = TOKENS_PER_BYTE * round.calldataBytes;
        uint256 dataFee = Chain.dataFee(CHAIN, round.calldataBytes);
        uint256 gas = _isBaseRepaid ? 0 : SettlementGas.TRANSACTION;
        _isBaseRepaid = true;
        gas += SettlementGas.charged(tokens, UNMETERED_GAS + round.gasAtStart - gasleft(), 0);
        paid = runs * grant.fee + gas * SettlementGas.repaidPrice(grant.gasPriceCap) + dataFee;
        if (paid > left) paid = left;
        uint256 balance = _holder().balance;
        if (paid > balance) paid = balance;
        if (!_perform(payee, paid, msg.data[:0], PAYEE_GAS)) paid = 0;
        _windows[round.grantId][address(0)].spent -= uint128(left - paid);
    }

    /// @dev Who holds the money and makes the calls.
    function _holder() internal view virtual returns (address);

    /// @dev Whom no run may call, whatever a grant says.
    function _isForbidden(address target) internal view virtual returns (bool);

    /// @dev Gas that has to be left before a call, for its target to get `minGas`.
    function _gasBefore(uint256 minGas, uint256) internal pure virtual returns (uint256) {
        return minGas + minGas / 63 + CALL_RESERVE_GAS;
    }

    /// @dev Calls as the holder, with at most so much gas; no return data is copied.
    function _perform(address target, uint256 value, bytes calldata data, uint256 gasLimit)
        internal
        virtual
        returns (bool succeeded);
}
