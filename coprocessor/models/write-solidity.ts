/** The contract of a model: the same scores as `scoreModel`, with the numbers of the model in the code of contracts beside it. */

import { concatBytes, toHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { encodeModel, modelHash } from "./encode-model.ts";
import { refused, type IntegerModel } from "./integer-model.ts";

/** EIP-170, without the byte in front that keeps data from being run. */
const MAX_DATA = 24_575;
/** Contracts of data: 5 million gas each to deploy. */
const MAX_CONTRACTS = 16;

export interface SolidityModel {
  readonly name: string;
  /** One file: `interface IScoreModel`, and the model, whose constructor takes the addresses of its data. */
  readonly source: string;
  /** Creation code of the contracts of data, to be deployed first and in this order. */
  readonly data: readonly Hex[];
  readonly modelHash: Hex;
}

/** @throws {InputError} INPUT_INVALID for a name that is none of Solidity's, or a model that is too large */
export function writeSolidity(model: IntegerModel, name: string): SolidityModel {
  if (!/^[A-Z][A-Za-z0-9]{0,63}$/.test(name))
    throw refused(`a contract's name begins with a capital and has letters and digits, unlike ${name}`);
  const bytes = encodeModel(model);
  const count = Math.ceil(bytes.length / MAX_DATA);
  if (count > MAX_CONTRACTS)
    throw refused(`it has ${bytes.length} bytes: at most ${MAX_CONTRACTS * MAX_DATA} fit a contract's data`);
  const chunks = Array.from({ length: count }, (_, index) =>
    concatBytes(Uint8Array.of(0), bytes.subarray(index * MAX_DATA, (index + 1) * MAX_DATA)),
  );
  return {
    name,
    source: source(model, name, chunks, bytes.length),
    data: chunks.map(creationCode),
    modelHash: modelHash(model),
  };
}

/** PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN (EIP-3855), and the code. */
function creationCode(code: Uint8Array): Hex {
  const length = code.length.toString(16).padStart(4, "0");
  return `0x61${length}80600a5f395ff3${toHex(code).slice(2)}`;
}

function source(model: IntegerModel, name: string, chunks: readonly Uint8Array[], length: number): string {
  const { features, outputs, featureBits, featureLimit, scoreBits } = model;
  const indices = chunks.map((_, index) => index);
  const check = chunks.map(
    (code, index) =>
      `        require(data[${index}].codehash == ${keccak(code)}, OtherData(data[${index}]));\n        _data${index} = data[${index}];`,
  );
  const copy = chunks.map(
    (code, index) =>
      `            extcodecopy(data${index}, add(at, ${index * MAX_DATA}), 1, ${code.length - 1})`,
  );
  return `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Made by \`adyton model build\`: make it again and compare, instead of reading it.

interface IScoreModel {
    /// @param features int32 each, big-endian, packed: a feature x is x * 2^featureBits
    /// @return scores a score s is s * 2^scoreBits
    function score(bytes calldata features) external view returns (int256[] memory scores);
    function modelHash() external view returns (bytes32);
}

contract ${name} is IScoreModel {
    /// @notice Thrown when the data is not this model's.
    error OtherData(address data);
    /// @notice Thrown for another number of features, or one that is out of range.
    error FeaturesInvalid();

    uint256 public constant FEATURES = ${features};
    uint256 public constant FEATURE_BITS = ${featureBits};
    uint256 public constant SCORE_BITS = ${scoreBits};
    bytes32 public constant modelHash = ${modelHash(model)};

${indices.map((index) => `    address private immutable _data${index};`).join("\n")}

    constructor(address[] memory data) {
${check.join("\n")}
    }

    /// @inheritdoc IScoreModel
    function score(bytes calldata features) external view returns (int256[] memory scores) {
        require(features.length == ${features * 4}, FeaturesInvalid());
        scores = new int256[](${outputs});
${indices.map((index) => `        address data${index} = _data${index};`).join("\n")}
        bool valid = true;
        // Memory from the free pointer on is used, and left; what is read of code is what the constructor compared.
        assembly ("memory-safe") {
            let at := mload(0x40)
${copy.join("\n")}
            for { let i := 0 } lt(i, ${features}) { i := add(i, 1) } {
                let value := sar(224, calldataload(add(features.offset, shl(2, i))))
                if or(sgt(value, ${featureLimit}), slt(value, sub(0, ${featureLimit}))) { valid := 0 }
            }
            let end := add(at, ${length})
${model.kind === "trees" ? treesBody(outputs) : layersBody(model)}
        }
        require(valid, FeaturesInvalid());
    }
}
`;
}

function treesBody(outputs: number): string {
  return `            for { let i := 0 } lt(i, ${outputs}) { i := add(i, 1) } {
                mstore(add(scores, shl(5, add(i, 1))), sar(224, mload(at)))
                at := add(at, 4)
            }
            for { } lt(at, end) { } {
                let head := shr(224, mload(at))
                let cell := add(scores, shl(5, add(and(head, 0xffff), 1)))
                let nodes := add(at, 4)
                at := add(nodes, shl(3, shr(16, head)))
                for { let node := nodes } 1 { } {
                    let word := shr(192, mload(node))
                    let amount := signextend(3, shr(16, word))
                    let feature := shr(48, word)
                    if eq(feature, 0xffff) {
                        mstore(cell, add(mload(cell), amount))
                        break
                    }
                    let value := sar(224, calldataload(add(features.offset, shl(2, feature))))
                    switch sgt(value, amount)
                    case 0 { node := add(node, 8) }
                    default { node := add(nodes, shl(3, and(word, 0xffff))) }
                }
            }`;
}

function layersBody({ features, layers }: IntegerModel & { kind: "layers" }): string {
  const widest = Math.max(features, ...layers.map(({ rows }) => rows.length));
  return `            let values := and(add(end, 63), not(31))
            let next := add(values, ${widest * 32})
            for { let i := 0 } lt(i, ${features}) { i := add(i, 1) } {
                mstore(add(values, shl(5, i)), sar(224, calldataload(add(features.offset, shl(2, i)))))
            }
            for { } lt(at, end) { } {
                let head := shr(216, mload(at))
                let bits := and(head, 0xff)
                let inputs := shl(5, shr(24, head))
                let row := next
                if eq(bits, 0xff) { row := add(scores, 32) }
                let last := add(row, shl(5, and(shr(8, head), 0xffff)))
                at := add(at, 5)
                for { } lt(row, last) { row := add(row, 32) } {
                    let sum := sar(192, mload(at))
                    at := add(at, 8)
                    for { let i := 0 } lt(i, inputs) { i := add(i, 32) } {
                        sum := add(sum, mul(sar(240, mload(at)), mload(add(values, i))))
                        at := add(at, 2)
                    }
                    if lt(bits, 0xff) {
                        if slt(sum, 0) { sum := 0 }
                        sum := sar(bits, sum)
                    }
                    mstore(row, sum)
                }
                let free := values
                values := next
                next := free
            }`;
}
