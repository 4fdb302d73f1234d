// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Candidate, Candidates } from "./coordinator/Candidate.sol";
import { IChainAdapter } from "./interfaces/IChainAdapter.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { IOracleLens } from "./interfaces/IOracleLens.sol";
import { Packed } from "./libraries/Packed.sol";
import { SettlementGas } from "./libraries/SettlementGas.sol";
import { Answer } from "./types/Answer.sol";
import { Aggregation, Delivery, Request, Requests, RequestTerms } from "./types/Request.sol";

/// @title OracleLens
/// @notice See `IOracleLens`.
contract OracleLens is IOracleLens {
    /// @notice Thrown when the topics are not those of a request's event.
    error NotARequest(bytes32 topic);

    /// @inheritdoc IOracleLens
    function escrowAt(IOracleCoordinator coordinator, RequestTerms calldata terms, uint64 gasPriceWei)
        external
        view
        returns (uint256)
    {
        RequestTerms memory priced = terms;
        priced.gasPriceCap = gasPriceWei;
        return coordinator.requiredEscrow(priced);
    }

    /// @inheritdoc IOracleLens
    function estimateGas(RequestTerms calldata terms) external pure returns (uint256) {
        return SettlementGas.estimate(
            terms.threshold, terms.aggregation, terms.delivery, terms.callbackGasLimit, terms.maxOutputBytes
        );
    }

    /// @inheritdoc IOracleLens
    function defaultGasPriceCap(uint256 baseFeeWei) external pure returns (uint64) {
        return uint64(2 * baseFeeWei + 2 gwei);
    }

    /// @inheritdoc IOracleLens
    function decodeRequested(address coordinator, bytes32[] calldata topics, bytes calldata data)
        external
        view
        returns (Request memory request, bytes32 requestId)
    {
        bytes32 topic = topics[0];
        uint256 payerAndFee;
        uint256 refundAndGas;
        uint256 rest;
        if (topic == IOracleCoordinator.Requested.selector) {
            bytes memory payload;
            (payerAndFee, refundAndGas, rest, request.context, payload) =
                abi.decode(data, (uint256, uint256, uint256, bytes32, bytes));
            request.payloadHash = keccak256(payload);
        } else {
            require(topic == IOracleCoordinator.RequestedByUri.selector, NotARequest(topic));
            string memory uri;
            (payerAndFee, refundAndGas, rest, request.context, request.payloadHash, uri) =
                abi.decode(data, (uint256, uint256, uint256, bytes32, bytes32, string));
            request.payloadUriHash = keccak256(bytes(uri));
        }
        request.chainId = block.chainid;
        request.coordinator = coordinator;
        request.consumer = address(uint160(uint256(topics[2])));
        request.policyId = topics[3];
        (request.payer, request.fee) = (address(uint160(payerAndFee >> 96)), uint96(payerAndFee));
        request.refundTo = address(uint160(refundAndGas >> 96));
        (request.gasPriceCap, request.callbackGasLimit) = (uint64(refundAndGas >> 32), uint32(refundAndGas));
        (request.subscriptionId, request.deadline) = (uint64(rest >> 160), uint40(rest >> 120));
        (request.requestedAt, request.nonce) = (uint40(rest >> 80), uint32(rest >> 48));
        (request.maxOutputBytes, request.threshold) = (uint24(rest >> 24), uint8(rest >> 16));
        (request.aggregation, request.delivery) = (Aggregation(uint8(rest >> 8)), Delivery(uint8(rest)));
        requestId = Requests.id(request);
    }

    /// @inheritdoc IOracleLens
    function decodePacked(IOracleCoordinator coordinator, bytes32 keysetId, bytes calldata items)
        external
        view
        returns (
            Request[] memory requests,
            Answer[] memory answers,
            bytes[] memory outputs,
            uint256[] memory stateBlockNumbers
        )
    {
        Candidate[] memory candidates = _read(coordinator, keysetId, items);
        requests = new Request[](candidates.length);
        answers = new Answer[](candidates.length);
        outputs = new bytes[](candidates.length);
        stateBlockNumbers = new uint256[](candidates.length);
        for (uint256 i = 0; i < candidates.length; ++i) {
            Candidate candidate = candidates[i];
            (requests[i], answers[i]) = (candidate.requestOf(), candidate.answerOf());
            // Read here, an item names this contract.
            requests[i].coordinator = address(coordinator);
            answers[i].requestId = Requests.id(requests[i]);
            outputs[i] = candidate.output();
            stateBlockNumbers[i] = candidate.stateBlockNumber();
        }
    }

    function _read(IOracleCoordinator coordinator, bytes32 keysetId, bytes calldata items)
        private
        view
        returns (Candidate[] memory candidates)
    {
        candidates = new Candidate[](_countItems(items));
        IChainAdapter chain = coordinator.ENCLAVES().CHAIN();
        uint256 position = _start(items);
        for (uint256 i = 0; i < candidates.length; ++i) {
            candidates[i] = Candidates.allocate();
            Candidate before = candidates[i == 0 ? 0 : i - 1];
            position = Packed.read(candidates[i], before, position, keysetId, chain);
        }
    }

    function _countItems(bytes calldata items) private pure returns (uint256 count) {
        uint256 position = _start(items);
        uint256 end = position + items.length;
        while (position < end) {
            uint256 length = Packed.lengthAt(position);
            require(length != 0, Packed.PackedMalformed());
            position += length;
            ++count;
        }
        require(position == end, Packed.PackedMalformed());
    }

    function _start(bytes calldata items) private pure returns (uint256 start) {
        // Memory-safe: reads a calldata pointer.
        assembly ("memory-safe") {
            start := items.offset
        }
    }
}
