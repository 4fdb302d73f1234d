// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Opening, QuorumMember, SignedLeaf } from "../../src/interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../../src/types/Answer.sol";
import { Aggregation, Request, Requests, RequestTerms } from "../../src/types/Request.sol";
import { SimulatedEnclave } from "./RegistryWorld.sol";
import { World } from "./World.sol";

/// Nodes on platforms of their own, and what they commit and open.
abstract contract Quorums is World {
    uint256 internal constant WINDOW = 30;
    uint256 internal constant OPENING = 60;

    SimulatedEnclave[] internal nodes;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(START);
        for (uint256 i = 0; i < 9; ++i) {
            nodes.push(makeEnclave(string(abi.encodePacked("n", uint8(48 + i)))));
            admit(nodes[i]);
        }
        vm.warp(START + 10);
    }

    function askQuorum(uint8 threshold, Aggregation aggregation) internal returns (Request memory) {
        RequestTerms memory asked = terms();
        asked.threshold = threshold;
        asked.aggregation = aggregation;
        return ask(asked);
    }

    function openingOf(uint256 node, Request memory request, AnswerStatus status, bytes memory output)
        internal
        view
        returns (Opening memory)
    {
        return Opening(answerTo(request, status, output, nodes[node]), block.number - 1, output);
    }

    /// One opening by each of the first nodes, `Ok` with these outputs.
    function openingsOf(Request memory request, bytes[] memory outputs)
        internal
        view
        returns (Opening[] memory openings)
    {
        openings = new Opening[](outputs.length);
        for (uint256 i = 0; i < outputs.length; ++i) {
            openings[i] = openingOf(i, request, AnswerStatus.Ok, outputs[i]);
        }
    }

    function list(bytes memory a, bytes memory b) internal pure returns (bytes[] memory outputs) {
        outputs = new bytes[](2);
        (outputs[0], outputs[1]) = (a, b);
    }

    function list(bytes memory a, bytes memory b, bytes memory c)
        internal
        pure
        returns (bytes[] memory outputs)
    {
        outputs = new bytes[](3);
        (outputs[0], outputs[1], outputs[2]) = (a, b, c);
    }

    /// The leaves behind openings of the first nodes.
    function leavesOf(Opening[] memory openings) internal view returns (SignedLeaf[] memory leaves) {
        leaves = new SignedLeaf[](openings.length);
        for (uint256 i = 0; i < openings.length; ++i) {
            leaves[i] = leafOf(openings[i].answer, nodes[i]);
        }
    }

    function only(SignedLeaf memory leaf) internal pure returns (SignedLeaf[] memory leaves) {
        leaves = new SignedLeaf[](1);
        leaves[0] = leaf;
    }

    function only(Opening memory opening) internal pure returns (Opening[] memory openings) {
        openings = new Opening[](1);
        openings[0] = opening;
    }

    function first(Opening[] memory openings, uint256 count) internal pure returns (Opening[] memory part) {
        part = new Opening[](count);
        for (uint256 i = 0; i < count; ++i) {
            part[i] = openings[i];
        }
    }

    function commit(Request memory request, Opening[] memory openings) internal {
        coordinator.commitQuorum(request, leavesOf(openings));
    }

    /// A request of which each of the first `threshold` nodes has committed "yes".
    function committed(uint8 threshold) internal returns (Request memory request, Opening[] memory openings) {
        request = askQuorum(threshold, Aggregation.Identical);
        bytes[] memory outputs = new bytes[](threshold);
        for (uint256 i = 0; i < threshold; ++i) {
            outputs[i] = "yes";
        }
        openings = openingsOf(request, outputs);
        commit(request, openings);
    }

    /// Commits, waits out the window, and opens all at once.
    function settle(Request memory request, Opening[] memory openings) internal {
        commit(request, openings);
        vm.warp(block.timestamp + WINDOW);
        coordinator.openQuorum(request, openings);
    }

    function statusOf(Request memory request) internal view returns (AnswerStatus) {
        return consumer.statusOf(Requests.id(request));
    }

    function outputHashOf(Request memory request) internal view returns (bytes32) {
        return consumer.outputHashOf(Requests.id(request));
    }

    function earned(uint256 node) internal view returns (uint256) {
        return coordinator.creditOf(nodes[node].keyset.payee);
    }

    function membersOf(Request memory request) internal view returns (uint256 members, uint256 opened) {
        (QuorumMember[] memory all,,) = coordinator.quorumOf(Requests.id(request));
        members = all.length;
        for (uint256 i = 0; i < members; ++i) {
            if (all[i].isOpened) ++opened;
        }
    }
}
