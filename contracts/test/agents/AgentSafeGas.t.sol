// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Call, Grant, Permission, WordLimit } from "../../src/agents/Grant.sol";
import { IdleRun, SignedRun } from "../../src/agents/IAgentAccount.sol";
import { ISafe } from "../../src/interfaces/external/ISafe.sol";
import { AgentWorld, IOwnedAgentAccount } from "../support/AgentWorld.sol";

/// Of a Safe's proxy: the singleton's address in its first slot, and every call delegated there.
contract StandInProxy {
    address private _singleton;

    constructor(address singleton) {
        _singleton = singleton;
    }

    receive() external payable { }

    fallback() external {
        address singleton = _singleton;
        // Memory may be overwritten: either branch leaves the call.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let succeeded := delegatecall(gas(), singleton, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(succeeded) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

/// Of a Safe of the L2 kind with a guard: what it reads, writes and logs on the way to its call.
contract StandInSingleton is ISafe {
    event SafeModuleTransaction(address module, address to, uint256 value, bytes data, uint8 operation);

    address private _singleton;
    mapping(address module => address) private _modules;
    address private _guard;

    function enableModule(address module) external {
        _modules[module] = address(1);
    }

    function execTransactionFromModule(address to, uint256 value, bytes memory data, uint8 operation)
        external
        returns (bool success)
    {
        emit SafeModuleTransaction(msg.sender, to, value, data, operation);
        require(_modules[msg.sender] != address(0) && _guard == address(0) && operation == 0, "GS104");
        // Memory-safe: reads `data`; the area for return data is empty.
        assembly ("memory-safe") {
            success := call(gas(), to, value, add(data, 0x20), mload(data), 0, 0)
        }
    }
}

/// Keeps how much gas it was called with.
contract GasWitness {
    uint256 public seen;

    function act(bytes calldata) external payable {
        seen = gasleft();
    }
}

/// Each call is a transaction of its own, so that accounts and slots are cold.
/// forge-config: default.isolate = true
contract AgentSafeGasTest is AgentWorld {
    uint32 private constant MIN_GAS = 1_000_000;
    GasWitness private witness;

    function setUp() public override {
        super.setUp();
        witness = new GasWitness();
        address safe = address(new StandInProxy(address(new StandInSingleton())));
        bytes memory arguments = abi.encode(enclaves, safe, GRANT_DELAY);
        address module = vm.deployCode("AgentSafeModule.sol:AgentSafeModule", arguments);
        StandInSingleton(safe).enableModule(module);
        vm.deal(safe, 100 ether);
        account = IOwnedAgentAccount(module);
        Grant memory grant = grantTerms();
        grant.permissions[0] =
            Permission(address(witness), GasWitness.act.selector, MIN_GAS, new WordLimit[](0));
        vm.warp(START + 2 hours);
        uint256 now_ = block.timestamp;
        vm.prank(safe);
        (encodedGrant, grantId) = (abi.encode(grant), account.propose(grant));
        vm.warp(now_ + GRANT_DELAY);
        nextSlot();
        vm.roll(block.number + 1);
    }

    /// However little gas a submitter sends: three frames keep back 1/64 each, and the Safe spends some itself.
    function test_ACallThroughASafeGetsTheGasThatItIsPromised() public {
        uint256[2] memory sizes = [uint256(32), 4_096];
        for (uint256 i = 0; i < sizes.length; ++i) {
            bytes memory data = abi.encodeCall(GasWitness.act, (new bytes(sizes[i])));
            uint256 settled = 0;
            for (uint256 sent = 1_100_000; settled < 3; sent += 2_000) {
                SignedRun memory run = acting(oneCall(Call(address(witness), 1 ether / 8, data)));
                try account.execute{ gas: sent }(encodedGrant, run, new IdleRun[](0)) {
                    // What is used before the target looks is the same each time.
                    assertTrue(witness.seen() > MIN_GAS - 1_000, "all of its gas");
                    ++settled;
                    nextSlot();
                    vm.roll(block.number + 1);
                } catch { }
            }
        }
    }
}
