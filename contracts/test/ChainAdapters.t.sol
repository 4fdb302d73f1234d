// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { OracleCoordinator } from "../src/OracleCoordinator.sol";
import { ArbitrumAdapter } from "../src/adapters/ArbitrumAdapter.sol";
import { OptimismAdapter } from "../src/adapters/OptimismAdapter.sol";
import { IArbGasInfo } from "../src/interfaces/external/IArbGasInfo.sol";
import { IArbSys } from "../src/interfaces/external/IArbSys.sol";
import { IGasPriceOracle } from "../src/interfaces/external/IGasPriceOracle.sol";
import { RequestTerms, Request } from "../src/types/Request.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { World } from "./support/World.sol";

contract ChainAdaptersTest is World {
    address private constant GAS_PRICE_ORACLE = 0x420000000000000000000000000000000000000F;
    address private constant ARB_SYS = address(100);
    address private constant ARB_GAS_INFO = address(108);

    function mock(address target, bytes memory call, bytes memory result) internal {
        vm.etch(target, hex"00");
        vm.mockCall(target, call, result);
    }

    function test_ARollupsDataFeeIsInTheEscrowAndRepaid() public {
        mock(
            GAS_PRICE_ORACLE,
            abi.encodeWithSelector(IGasPriceOracle.getL1FeeUpperBound.selector),
            abi.encode(uint256(5e12))
        );
        uint256 without = coordinator.requiredEscrow(terms());
        coordinator =
            new OracleCoordinator(enclaves, new OptimismAdapter(), GUARDIAN, FALLBACK_WINDOW, CANCEL_DELAY);
        consumer = new RecordingConsumer(coordinator, policyId);
        assertEq(coordinator.requiredEscrow(terms()), without + 5e12, "in the escrow");
        vm.txGasPrice(0);
        Request memory request = ask();
        fulfill(request, ok(request, "yes"));
        assertEq(coordinator.creditOf(alice.keyset.payee), FEE + 5e12, "repaid");
    }

    function test_ArbitrumHasItsOwnBlocksAndPrices() public {
        ArbitrumAdapter adapter = new ArbitrumAdapter();
        mock(ARB_SYS, abi.encodeCall(IArbSys.arbBlockNumber, ()), abi.encode(uint256(777)));
        mock(ARB_SYS, abi.encodeCall(IArbSys.arbBlockHash, (776)), abi.encode(keccak256("776")));
        mock(
            ARB_GAS_INFO,
            abi.encodeCall(IArbGasInfo.getPricesInWei, ()),
            abi.encode(uint256(1), uint256(20), uint256(3), uint256(4), uint256(5), uint256(6))
        );
        assertEq(adapter.blockNumber(), 777, "number");
        assertEq(adapter.blockHash(776), keccak256("776"), "hash");
        assertEq(adapter.dataFee(100), 20 * (100 + 160), "20 wei a byte, the envelope too");
    }

    function test_OptimismsBlocksAreEthereums() public {
        OptimismAdapter adapter = new OptimismAdapter();
        assertEq(adapter.blockNumber(), block.number, "number");
        assertEq(adapter.blockHash(block.number - 1), blockhash(block.number - 1), "hash");
        assertEq(adapter.blockHash(block.number), 0, "not yet");
    }
}
