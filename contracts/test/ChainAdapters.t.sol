// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { ArbitrumAdapter } from "../src/adapters/ArbitrumAdapter.sol";
import { OptimismAdapter } from "../src/adapters/OptimismAdapter.sol";
import { IArbGasInfo } from "../src/interfaces/external/IArbGasInfo.sol";
import { IArbSys } from "../src/interfaces/external/IArbSys.sol";
import { IGasPriceOracle } from "../src/interfaces/external/IGasPriceOracle.sol";
import { RequestTerms, Request } from "../src/types/Request.sol";
import { RecordingConsumer } from "./support/Consumers.sol";
import { World } from "./support/World.sol";

/// OP Stack's GasPriceOracle since Fjord, with what it knew in block 124665056 of OP Mainnet
/// (specs.optimism.io, Fjord, L1-cost fees; and its `getL1FeeUpperBound`).
contract FjordGasPriceOracle is IGasPriceOracle {
    uint256 private constant L1_BASE_FEE = 1_055_991_687;
    uint256 private constant BASE_FEE_SCALAR = 5_227;
    uint256 private constant BLOB_BASE_FEE = 1;
    uint256 private constant BLOB_BASE_FEE_SCALAR = 1_014_213;

    function getL1FeeUpperBound(uint256 unsignedTxSize) external pure returns (uint256) {
        uint256 size = unsignedTxSize + 68;
        // FastLZ makes nothing longer than by a byte in 255, and 16.
        uint256 compressed = 836_500 * (size + size / 255 + 16) - 42_585_600;
        if (compressed < 100e6) compressed = 100e6;
        return compressed * (BASE_FEE_SCALAR * L1_BASE_FEE * 16 + BLOB_BASE_FEE_SCALAR * BLOB_BASE_FEE) / 1e12;
    }
}

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
        coordinator = deployCoordinator(new OptimismAdapter());
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

    /// Transaction 0x1059e8004daff32caa1f1b1ef97fe3a07a8cf40508f5b835b66d9420d87c4a4a of that block: 1,060 bytes of calldata.
    function test_OnOptimismNoLessIsRepaidThanARecordedReceiptCharges() public {
        vm.etch(GAS_PRICE_ORACLE, address(new FjordGasPriceOracle()).code);
        uint256 l1Fee = 0x5bf1ab43d;
        assertTrue(new OptimismAdapter().dataFee(1_060) >= l1Fee, "at least its l1Fee");
    }

    function test_ArbitrumsOlderBlocksAreInTheHistoryContract() public {
        ArbitrumAdapter adapter = new ArbitrumAdapter();
        address history = 0x0000F90827F1C53a10cb7A02335B175320002935;
        mock(ARB_SYS, abi.encodeCall(IArbSys.arbBlockNumber, ()), abi.encode(uint256(400_000)));
        assertEq(adapter.blockHash(390_000), 0, "unknown before ArbOS 40");
        mock(history, abi.encode(uint256(10_000)), abi.encode(keccak256("10000")));
        assertEq(adapter.blockHash(10_000), keccak256("10000"), "hash");
        assertEq(adapter.blockHash(400_000), 0, "not yet");
        vm.mockCallRevert(history, abi.encode(uint256(1)), "");
        assertEq(adapter.blockHash(1), 0, "too old");
        assertEq(adapter.blockHashWindowSeconds(), 98_292, "393,168 blocks, four a second");
    }

    function test_LifetimesFollowWhatTheChainRemembers() public {
        coordinator = deployCoordinator(new OptimismAdapter());
        assertEq(coordinator.MAX_LIFETIME_SECONDS(), 14_743, "about four hours");
    }
}
