// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import { IOracleCoordinator } from "adyton/contracts/src/interfaces/IOracleCoordinator.sol";
import { MockCoordinator } from "adyton/contracts/src/testing/MockCoordinator.sol";
import { AnswerStatus } from "adyton/contracts/src/types/Answer.sol";
import { Founded } from "../src/Founded.sol";

interface Vm {
    function warp(uint256 timestamp) external;
    function expectPartialRevert(bytes4 selector) external;
}

contract FoundedTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    MockCoordinator private mock = new MockCoordinator();
    Founded private founded = new Founded(mock.asCoordinator(), "policy", "openai/gpt-4.1-mini");

    function ask() private returns (bytes32) {
        return founded.ask{ value: 1 ether }("Rome");
    }

    function test_KeepsTheYear() public {
        bytes32 id = ask();
        require(mock.answer(id, abi.encode(int256(-753))), "delivered");
        (, AnswerStatus status, int256 year) = founded.cities(id);
        require(status == AnswerStatus.Ok && year == -753, "year");
    }

    function test_EachOtherStatusKeepsNoYear() public {
        for (uint8 status = 2; status <= 9; ++status) {
            // Only a quorum ends so.
            if (AnswerStatus(status) == AnswerStatus.Disagreed) continue;
            bytes32 id = ask();
            // What a single host can cause settles only shortly before the deadline.
            vm.warp(block.timestamp + 59 minutes + 59 seconds);
            require(mock.answerStatus(id, AnswerStatus(status)), "delivered");
            (, AnswerStatus kept, int256 year) = founded.cities(id);
            require(kept == AnswerStatus(status) && year == 0, "status, and no year");
        }
    }

    function test_ALateAnswerIsRefused() public {
        bytes32 id = ask();
        vm.warp(block.timestamp + 1 hours + 1);
        vm.expectPartialRevert(IOracleCoordinator.FulfillmentRefused.selector);
        mock.answer(id, abi.encode(int256(-753)));
    }

    function test_NeverAnsweredTheMoneyComesBack() public {
        bytes32 id = ask();
        vm.warp(block.timestamp + 1 hours + 1);
        mock.expire(id);
        require(mock.creditOf(address(this)) == 1 ether, "all back");
    }
}
