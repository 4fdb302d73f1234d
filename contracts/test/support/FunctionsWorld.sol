// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Inference } from "../../src/Inference.sol";
import { FunctionsAnswers } from "../../src/adapters/FunctionsAnswers.sol";
import { FunctionsOracleConsumer, FunctionsTerms } from "../../src/adapters/FunctionsOracleConsumer.sol";
import { SecretsLocation } from "../../src/adapters/FunctionsRequests.sol";
import { IFunctionsRouter } from "../../src/adapters/IFunctionsRouter.sol";
import { IEnclaveRegistry } from "../../src/interfaces/IEnclaveRegistry.sol";
import { Answer, AnswerStatus } from "../../src/types/Answer.sol";
import { RegistryWorld, SimulatedEnclave } from "./RegistryWorld.sol";

/// Takes requests as Chainlink's router does, and calls back with what the test says.
contract FakeFunctionsRouter is IFunctionsRouter {
    struct Sent {
        address consumer;
        uint64 subscriptionId;
        bytes data;
        uint16 dataVersion;
        uint32 callbackGasLimit;
        bytes32 donId;
    }

    mapping(bytes32 functionsRequestId => Sent) private _sent;
    bytes32 public lastId;
    uint256 private _count;

    function sendRequest(
        uint64 subscriptionId,
        bytes calldata data,
        uint16 dataVersion,
        uint32 callbackGasLimit,
        bytes32 donId
    ) external returns (bytes32) {
        lastId = keccak256(abi.encode(++_count));
        _sent[lastId] = Sent(msg.sender, subscriptionId, data, dataVersion, callbackGasLimit, donId);
        return lastId;
    }

    function sent(bytes32 id) external view returns (Sent memory) {
        return _sent[id];
    }

    /// Reverts with what the consumer reverted with; the real router records that and goes on.
    function fulfill(bytes32 id, bytes calldata response, bytes calldata err) external {
        FunctionsOracleConsumer(_sent[id].consumer).handleOracleFulfillment(id, response, err);
    }
}

/// A consumer that keeps what it is told.
contract RecordingFunctionsConsumer is FunctionsOracleConsumer {
    mapping(bytes32 requestId => uint256) public deliveries;
    mapping(bytes32 requestId => AnswerStatus) public statusOf;
    mapping(bytes32 requestId => bytes) public outputOf;
    mapping(bytes32 requestId => bytes) public errorOf;
    bytes private _reentry;
    bool public hasReentered;

    mapping(bytes32 requestId => bytes32) public contextOf;
    mapping(bytes32 requestId => uint64) public answeredAtOf;

    constructor(IFunctionsRouter router, IEnclaveRegistry enclaves, bytes32 policyId, uint32 fallbackWindow)
        FunctionsOracleConsumer(router, enclaves, policyId, fallbackWindow)
    { }

    function ask(FunctionsTerms memory terms, bytes memory payload) external returns (bytes32) {
        return _request(terms, payload);
    }

    /// A call that `_onAnswer` makes to this contract.
    function reenterWith(bytes calldata call) external {
        _reentry = call;
    }

    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal override {
        deliveries[requestId] += 1;
        contextOf[requestId] = context;
        answeredAtOf[requestId] = answeredAt;
        statusOf[requestId] = status;
        outputOf[requestId] = output;
        if (_reentry.length != 0) (hasReentered,) = address(this).call(_reentry);
    }

    function _onTransportFailure(bytes32 requestId, bytes calldata err) internal override {
        errorOf[requestId] = err;
    }
}

/// `RegistryWorld` with the road through Functions.
abstract contract FunctionsWorld is RegistryWorld {
    uint32 internal constant LIFETIME = 1 hours;
    uint32 internal constant FUNCTIONS_FALLBACK_WINDOW = 60;
    bytes32 internal constant CONTEXT = keccak256("context");

    FakeFunctionsRouter internal router;
    RecordingFunctionsConsumer internal asker;

    function setUp() public virtual override {
        super.setUp();
        router = new FakeFunctionsRouter();
        asker = newAsker();
    }

    function newAsker() internal returns (RecordingFunctionsConsumer) {
        return new RecordingFunctionsConsumer(router, enclaves, policyId, FUNCTIONS_FALLBACK_WINDOW);
    }

    function functionsTerms() internal pure returns (FunctionsTerms memory) {
        return FunctionsTerms({
            context: CONTEXT,
            subscriptionId: 7,
            donId: "fun-local",
            callbackGasLimit: 300_000,
            maxOutputBytes: 1024,
            lifetimeSeconds: LIFETIME,
            secretsLocation: SecretsLocation.DonHosted,
            secretsReference: hex"a266736c6f744964006776657273696f6e01"
        });
    }

    function question(string memory text) internal pure returns (bytes memory) {
        return Inference.encode(Inference.text("openai/gpt-5.1", "", text));
    }

    function askFunctions() internal returns (bytes32 requestId, bytes32 functionsId) {
        requestId = asker.ask(functionsTerms(), question("Which temple was the oracle's?"));
        functionsId = router.lastId();
        nextBlock();
    }

    /// The block of the question gets a hash: nobody can answer before.
    function nextBlock() internal {
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 12);
    }

    function functionsAnswer(bytes32 requestId, AnswerStatus status, bytes memory output)
        internal
        view
        returns (Answer memory)
    {
        return Answer({
            requestId: requestId,
            status: status,
            outputHash: keccak256(output),
            transcriptRoot: keccak256("transcript"),
            stateBlockHash: blockhash(block.number - 1),
            keysetId: alice.keysetId,
            answeredAt: uint64(block.timestamp)
        });
    }

    function encodeResponse(uint8 form, Answer memory answer, bytes memory signature, bytes memory tail)
        internal
        view
        returns (bytes memory)
    {
        return encodeResponse(form, answer, signature, block.number - 1, tail);
    }

    function encodeResponse(
        uint8 form,
        Answer memory answer,
        bytes memory signature,
        uint256 stateBlockNumber,
        bytes memory tail
    ) internal pure returns (bytes memory) {
        bytes32 r;
        bytes32 s;
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        return abi.encodePacked(
            form,
            uint8(answer.status),
            uint48(answer.answeredAt),
            answer.keysetId,
            answer.transcriptRoot,
            r,
            signature[64] == 0x1c ? s | bytes32(uint256(1) << 255) : s,
            uint48(stateBlockNumber),
            tail
        );
    }

    /// Signed by `enclave` for `to`, in the form that is asked for.
    function respond(
        Answer memory answer,
        SimulatedEnclave memory enclave,
        address to,
        uint8 form,
        bytes memory tail
    ) internal view returns (bytes memory) {
        bytes32 digest = FunctionsAnswers.digest(answer, block.chainid, to);
        return encodeResponse(form, answer, signBy(enclave, digest), tail);
    }

    /// An ok answer of alice, inline.
    function okResponse(bytes32 requestId, bytes memory output) internal view returns (bytes memory) {
        return respond(
            functionsAnswer(requestId, AnswerStatus.Ok, output),
            alice,
            address(asker),
            FunctionsAnswers.FORM_INLINE,
            output
        );
    }

    function hashResponse(bytes32 requestId, bytes memory output) internal view returns (bytes memory) {
        return respond(
            functionsAnswer(requestId, AnswerStatus.Ok, output),
            alice,
            address(asker),
            FunctionsAnswers.FORM_HASH,
            abi.encodePacked(keccak256(output))
        );
    }
}
