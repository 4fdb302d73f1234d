// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import { AnswerStatus, IOracleCoordinator } from "adyton/contracts/src/OracleConsumer.sol";
import { Founded } from "../src/Founded.sol";

interface Vm {
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function startBroadcast() external;
}

contract Ask {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// Deploys the contract to the network of `adyton up`, and asks.
    function run() external returns (Founded founded) {
        string memory network = vm.readFile(".adyton/network.json");
        address coordinator = vm.parseJsonAddress(network, ".contracts.coordinator");
        bytes32 policyId = vm.parseJsonBytes32(network, ".policyId");
        string memory model = vm.parseJsonString(network, ".model");
        vm.startBroadcast();
        founded = new Founded(IOracleCoordinator(coordinator), policyId, model);
        founded.ask{ value: 0.05 ether }("Rome");
    }

    /// What became of the question; `Unset` (0) while it waits.
    function read(Founded founded) external view returns (bytes32 requestId, AnswerStatus status, int256 year) {
        requestId = founded.lastRequestId();
        (, status, year) = founded.cities(requestId);
    }
}
