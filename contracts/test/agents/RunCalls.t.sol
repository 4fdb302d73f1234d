// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Call } from "../../src/agents/Grant.sol";
import { RunCalls } from "../../src/agents/RunCalls.sol";
import { Test } from "../support/Vm.sol";

contract RunCallsReader {
    /// What is after the output in calldata is a stranger's.
    function read(bytes calldata output, bytes calldata) external pure returns (Call[] memory calls) {
        calls = new Call[](RunCalls.count(output));
        for (uint256 i = 0; i < calls.length; ++i) {
            calls[i] = RunCalls.at(output, i);
        }
    }

    function decode(bytes calldata output) external pure returns (Call[] memory) {
        return abi.decode(output, (Call[]));
    }
}

/// Calls read in calldata are those that Solidity's own decoder reads, and none outside of the output.
contract RunCallsTest is Test {
    bytes private constant STRANGERS = hex"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    RunCallsReader private _reader;

    function setUp() public {
        _reader = new RunCallsReader();
    }

    function testFuzz_ReadsWhatWasEncoded(Call[] calldata calls) public view {
        assertEq(abi.encode(_reader.read(abi.encode(calls), STRANGERS)), abi.encode(calls), "the same");
    }

    /// With any word replaced, what is read is what the decoder reads of these bytes alone; or nothing.
    function testFuzz_ReadsNothingThatTheDecoderDoesNot(Call[2] calldata pair, uint256 at, uint256 word)
        public
        view
    {
        Call[] memory calls = new Call[](2);
        (calls[0], calls[1]) = (pair[0], pair[1]);
        bytes memory output = abi.encode(calls);
        at = 32 * (at % (output.length / 32));
        for (uint256 i = 0; i < 4; ++i) {
            // Anything; near the end; small, as offsets are; far beyond.
            uint256 value = i == 0 ? word : i == 1 ? output.length - (word % 97) : i == 2 ? word % 512 : ~word;
            // Memory-safe: inside of `output`.
            assembly ("memory-safe") {
                mstore(add(add(output, 0x20), at), value)
            }
            try _reader.read(output, STRANGERS) returns (Call[] memory read) {
                assertEq(abi.encode(read), abi.encode(_reader.decode(output)), "the same");
            } catch { }
        }
    }

    function testFuzz_RevertWhen_TheOutputIsCut(Call[1] calldata single, uint256 length) public {
        Call[] memory calls = new Call[](1);
        calls[0] = single[0];
        bytes memory output = abi.encode(calls);
        // The padding behind the last call's data says nothing.
        length %= output.length - (32 - (single[0].data.length % 32)) % 32;
        // Memory-safe: shortens `output`.
        assembly ("memory-safe") {
            mstore(output, length)
        }
        vm.expectRevert(RunCalls.OutputMalformed.selector);
        _reader.read(output, STRANGERS);
    }

    /// The calls of an output that is none could else be what a submitter appended.
    function test_RevertWhen_AnOffsetLeavesTheOutput() public {
        Call[] memory calls = new Call[](1);
        calls[0] = Call(address(this), 1, hex"01020304");
        bytes memory output = abi.encode(calls);
        // Of the call, of its data, and the data's length.
        uint256[3] memory at = [uint256(0x40), 0xa0, 0xc0];
        for (uint256 i = 0; i < at.length; ++i) {
            bytes memory changed = bytes.concat(output);
            uint256 position = at[i];
            uint256 beyond = output.length;
            // Memory-safe: inside of `changed`.
            assembly ("memory-safe") {
                mstore(add(add(changed, 0x20), position), beyond)
            }
            vm.expectRevert(RunCalls.OutputMalformed.selector);
            _reader.read(changed, STRANGERS);
        }
    }
}
