// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { CreOracleConsumer } from "../../src/adapters/CreOracleConsumer.sol";
import { FunctionsAnswers } from "../../src/adapters/FunctionsAnswers.sol";
import { IEnclaveAnswers } from "../../src/adapters/IEnclaveAnswers.sol";
import { IReceiver } from "../../src/adapters/IReceiver.sol";
import { IEnclaveRegistry } from "../../src/interfaces/IEnclaveRegistry.sol";
import { AnswerStatus } from "../../src/types/Answer.sol";
import { FunctionsWorld } from "../support/FunctionsWorld.sol";

contract RecordingCreConsumer is CreOracleConsumer {
    mapping(bytes32 requestId => uint256) public deliveries;
    mapping(bytes32 requestId => bytes) public outputOf;

    constructor(IEnclaveRegistry enclaves, bytes32 policyId, uint32 fallbackWindow)
        CreOracleConsumer(enclaves, policyId, fallbackWindow)
    { }

    function ask(bytes memory payload) external returns (bytes32) {
        return _request(0, 4096, 1 hours, payload);
    }

    function _onAnswer(bytes32 requestId, bytes32, AnswerStatus, uint64, bytes calldata output)
        internal
        override
    {
        deliveries[requestId] += 1;
        outputOf[requestId] = output;
    }
}

/// What believes whoever calls it: what a report costs without our check.
contract PlainReceiver {
    bytes32 public last;

    function onReport(bytes calldata, bytes calldata report) external {
        last = keccak256(report);
    }
}

contract CreOracleConsumerTest is FunctionsWorld {
    RecordingCreConsumer private cre;

    function setUp() public override {
        super.setUp();
        cre = new RecordingCreConsumer(enclaves, policyId, FUNCTIONS_FALLBACK_WINDOW);
    }

    function ask() private returns (bytes32 requestId) {
        requestId = cre.ask(question("Which temple was the oracle's?"));
        nextBlock();
    }

    function answerTo(bytes32 requestId, address to, bytes memory output)
        private
        view
        returns (bytes memory)
    {
        return respond(
            functionsAnswer(requestId, AnswerStatus.Ok, output),
            alice,
            to,
            FunctionsAnswers.FORM_INLINE,
            output
        );
    }

    function testFuzz_DeliversAnOutputOfUpTo4Kilobytes(bytes memory output) public {
        bytes32 requestId = ask();
        cre.onReport("", abi.encode(requestId, answerTo(requestId, address(cre), output)));
        assertEq(cre.deliveries(requestId), 1, "delivered once");
        assertEq(cre.outputOf(requestId), output, "output");
    }

    function test_TakesTheLongestOutputAndNoLonger() public {
        bytes32 requestId = ask();
        bytes memory longer = answerTo(requestId, address(cre), new bytes(4_097));
        vm.expectRevert(abi.encodeWithSelector(FunctionsAnswers.ResponseMalformed.selector, 4_239));
        cre.onReport("", abi.encode(requestId, longer));
        cre.onReport("", abi.encode(requestId, answerTo(requestId, address(cre), new bytes(4_096))));
        assertEq(cre.deliveries(requestId), 1, "delivered");
    }

    /// What nodes sign does not cover the receiver: a report for one contract reaches any other.
    function test_AReportForAnotherContractBringsNothing() public {
        RecordingCreConsumer other = new RecordingCreConsumer(enclaves, policyId, FUNCTIONS_FALLBACK_WINDOW);
        bytes32 requestId = cre.ask(question("Which temple was the oracle's?"));
        other.ask(question("Which temple was the oracle's?"));
        nextBlock();
        bytes memory report = abi.encode(requestId, answerTo(requestId, address(cre), "Delphi"));
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        other.onReport("", report);
    }

    function testFuzz_ALieChangesNothingAndTheQuestionStaysOpen(uint256 at, uint8 bit) public {
        bytes32 requestId = ask();
        bytes memory good = answerTo(requestId, address(cre), "Delphi");
        bytes memory lie = bytes.concat(good);
        at %= lie.length;
        lie[at] ^= bytes1(uint8(1) << (bit % 8));
        (bool taken,) = address(cre).call(abi.encodeCall(cre.onReport, ("", abi.encode(requestId, lie))));
        assertEq(cre.deliveries(requestId), 0, "delivered");
        // Only the form's last bits make another response of the same answer: by hash it has another length.
        assertTrue(!taken, "taken");
        cre.relay(requestId, good);
        assertEq(cre.outputOf(requestId), "Delphi", "by anybody");
    }

    function test_AnAnswerCountsOnceHoweverOftenTheNetworkTries() public {
        bytes32 requestId = ask();
        bytes memory report = abi.encode(requestId, answerTo(requestId, address(cre), "Delphi"));
        cre.onReport("", report);
        vm.expectRevert(abi.encodeWithSelector(IEnclaveAnswers.QuestionNotPending.selector, requestId));
        cre.onReport("", report);
    }

    function test_RefusesReportsOfAnotherForm() public {
        bytes[4] memory reports = [
            bytes(""),
            abi.encode(bytes32(0), uint256(64)),
            abi.encode(bytes32(0), uint256(32), uint256(0)),
            abi.encode(bytes32(0), uint256(64), type(uint256).max)
        ];
        for (uint256 i = 0; i < reports.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(CreOracleConsumer.ReportMalformed.selector, reports[i].length)
            );
            cre.onReport("", reports[i]);
        }
    }

    function test_RefusesAQuestionThatNoTriggerHandsOn() public {
        bytes memory payload = new bytes(4_481);
        vm.expectRevert(abi.encodeWithSelector(CreOracleConsumer.QuestionTooLong.selector, 4_801, 4_800));
        cre.ask(payload);
        cre.ask(new bytes(4_480));
    }

    function test_NamesTheInterfaceThatTheForwarderAsksFor() public view {
        assertTrue(cre.supportsInterface(0x805f2132), "IReceiver");
        assertTrue(cre.supportsInterface(0x01ffc9a7), "ERC-165");
        assertTrue(!cre.supportsInterface(0xffffffff), "nothing else");
        assertTrue(type(IReceiver).interfaceId == bytes4(0x805f2132), "id");
    }

    event Gas(string what, uint256 gas);

    /// Not a bound: figures for docs/how-to/chainlink-cre.md, from `forge test -vvv`.
    function test_GasBesideAPlainReceiver() public {
        PlainReceiver plain = new PlainReceiver();
        bytes32 requestId = ask();
        bytes memory report = abi.encode(requestId, answerTo(requestId, address(cre), "Delphi"));
        uint256 before = gasleft();
        plain.onReport("", report);
        emit Gas("plain receiver", before - gasleft());
        before = gasleft();
        cre.onReport("", report);
        emit Gas("CreOracleConsumer", before - gasleft());
    }
}
