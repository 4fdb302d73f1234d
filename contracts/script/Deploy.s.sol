// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AnswerChecker } from "../src/AnswerChecker.sol";
import { OracleLens } from "../src/OracleLens.sol";
import { ArbitrumAdapter } from "../src/adapters/ArbitrumAdapter.sol";
import { OptimismAdapter } from "../src/adapters/OptimismAdapter.sol";
import { IChainAdapter } from "../src/interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../src/interfaces/IEnclaveRegistry.sol";
import { IOracleCoordinator } from "../src/interfaces/IOracleCoordinator.sol";
import { AttestationResultVerifier } from "../src/verifiers/AttestationResultVerifier.sol";

/// @notice The cheatcodes that a deployment needs.
interface DeployVm {
    function startBroadcast() external;
    function stopBroadcast() external;
    function envOr(string calldata name, address defaultValue) external view returns (address);
    function envOr(string calldata name, uint256 defaultValue) external view returns (uint256);
    function envOr(string calldata name, string calldata defaultValue) external view returns (string memory);
    function serializeAddress(string calldata key, string calldata name, address value)
        external
        returns (string memory);
    function serializeUint(string calldata key, string calldata name, uint256 value)
        external
        returns (string memory);
    function writeJson(string calldata json, string calldata path) external;
    function toString(uint256 value) external pure returns (string memory);
    function getCode(string calldata artifact) external view returns (bytes memory creationBytecode);
}

/// @title Deploy
/// @notice Deploys everything that production uses and writes contracts/deployments/{chainId}.json. The simulator's verifier is
/// never deployed by it.
///
/// `forge script contracts/script/Deploy.s.sol --rpc-url URL --broadcast --account NAME`, with in the environment:
/// GUARDIAN (may pause new requests; default nobody), CHAIN_RULES (`ethereum`, `optimism` or `arbitrum`; default the first),
/// FALLBACK_WINDOW_SECONDS (default 120), CANCEL_DELAY_SECONDS (default 900), MAX_EVIDENCE_AGE_BLOCKS (default 256).
contract Deploy {
    /// @notice Thrown when CHAIN_RULES is none that is known.
    error ChainRulesUnknown(string rules);
    /// @notice Thrown when a contract's constructor reverted.
    error NotDeployed(string artifact);

    DeployVm private constant vm = DeployVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Intel SGX Root CA, as attestation/onchain/root.ts has it.
    bytes32 private constant INTEL_ROOT_X =
        0x0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5;
    bytes32 private constant INTEL_ROOT_Y =
        0x67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394;
    bytes32 private constant INTEL_ROOT_NAME =
        0x3112c8e9428b5c08824e727e3ea896f3597c8a91caeafe57d64a4bc08df71dfb;

    function run() external {
        vm.startBroadcast();
        IChainAdapter chain = _chainAdapter(vm.envOr("CHAIN_RULES", string("ethereum")));
        IEnclaveRegistry enclaves = IEnclaveRegistry(
            _deployArtifact(
                "EnclaveRegistry.sol:EnclaveRegistry",
                abi.encode(chain, uint32(vm.envOr("MAX_EVIDENCE_AGE_BLOCKS", uint256(256))))
            )
        );
        address tdx = _deployArtifact(
            "TdxVerifier.sol:TdxVerifier", abi.encode(enclaves, INTEL_ROOT_X, INTEL_ROOT_Y, INTEL_ROOT_NAME)
        );
        AttestationResultVerifier results = new AttestationResultVerifier(enclaves);
        IOracleCoordinator coordinator = IOracleCoordinator(_deployCoordinator(enclaves, chain));
        AnswerChecker checker = new AnswerChecker(coordinator);
        OracleLens lens = new OracleLens();
        vm.stopBroadcast();

        vm.serializeUint("deployment", "chainId", block.chainid);
        vm.serializeUint("deployment", "block", block.number);
        vm.serializeAddress("deployment", "chainAdapter", address(chain));
        vm.serializeAddress("deployment", "enclaveRegistry", address(enclaves));
        vm.serializeAddress("deployment", "tdxVerifier", tdx);
        vm.serializeAddress("deployment", "attestationResultVerifier", address(results));
        vm.serializeAddress("deployment", "answerChecker", address(checker));
        vm.serializeAddress("deployment", "oracleLens", address(lens));
        string memory json = vm.serializeAddress("deployment", "oracleCoordinator", address(coordinator));
        vm.writeJson(json, string.concat("contracts/deployments/", vm.toString(block.chainid), ".json"));
    }

    function _deployCoordinator(IEnclaveRegistry enclaves, IChainAdapter chain) private returns (address) {
        return _deployArtifact(
            "OracleCoordinator.sol:OracleCoordinator",
            abi.encode(
                enclaves,
                chain,
                vm.envOr("GUARDIAN", address(0)),
                uint32(vm.envOr("FALLBACK_WINDOW_SECONDS", uint256(120))),
                uint32(vm.envOr("CANCEL_DELAY_SECONDS", uint256(900)))
            )
        );
    }

    /// @dev For contracts that are compiled by IR: importing one would have this whole script, and every contract in it, compiled so.
    function _deployArtifact(string memory artifact, bytes memory arguments)
        private
        returns (address deployed)
    {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), arguments);
        // Memory-safe: reads `code`.
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), NotDeployed(artifact));
    }

    function _chainAdapter(string memory rules) private returns (IChainAdapter) {
        bytes32 wanted = keccak256(bytes(rules));
        if (wanted == keccak256("ethereum")) return IChainAdapter(address(0));
        if (wanted == keccak256("optimism")) return new OptimismAdapter();
        if (wanted == keccak256("arbitrum")) return new ArbitrumAdapter();
        revert ChainRulesUnknown(rules);
    }
}
