/** ONNX: chains of Gemm with Relu between them. Everything else is refused by its operator's name. Format: onnx.proto3 of onnx/onnx 1.23. */

import { refused } from "./integer-model.ts";
import { bytes, floats, integers, readMessage, text } from "./protobuf.ts";
import type { RealLayers } from "./quantise.ts";

/** Numbers of the fields that are read. */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, float: 2, integer: 3 } as const;
const TENSOR = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, external: 13 } as const;
const VALUE = { name: 1 } as const;
const TYPE_FLOAT = 1;

interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: ReadonlyMap<string, number>;
}

interface Tensor {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

export function readOnnx(file: Uint8Array): RealLayers {
  let graph: Uint8Array | undefined;
  readMessage(file, {
    [MODEL.graph]: bytes((value) => {
      graph = value;
    }),
  });
  if (graph === undefined) throw refused("no ONNX model: it has no graph");
  const nodes: Node[] = [];
  const tensors = new Map<string, Tensor>();
  const named: { readonly input: string[]; readonly output: string[] } = { input: [], output: [] };
  readMessage(graph, {
    [GRAPH.node]: bytes((value) => {
      nodes.push(nodeOf(value));
    }),
    [GRAPH.initializer]: bytes((value) => {
      tensors.set(...tensorOf(value));
    }),
    [GRAPH.input]: bytes((value) => {
      named.input.push(nameOf(value));
    }),
    [GRAPH.output]: bytes((value) => {
      named.output.push(nameOf(value));
    }),
  });
  // Older files list their weights among the inputs.
  const [input, ...others] = named.input.filter((name) => !tensors.has(name));
  const [output, ...more] = named.output;
  if (input === undefined || output === undefined || others.length + more.length > 0)
    throw refused("an ONNX model has one input and one output here");
  return chain(nodes, tensors, { input, output });
}

function chain(
  nodes: readonly Node[],
  tensors: ReadonlyMap<string, Tensor>,
  { input, output }: { readonly input: string; readonly output: string },
): RealLayers {
  const layers: RealLayers["layers"][number][] = [];
  let value = input;
  for (const node of nodes) {
    const { operator, inputs } = node;
    if (operator !== "Gemm" && operator !== "Relu")
      throw refused(`the operator ${operator} is not served: Gemm and Relu are`);
    if (inputs[0] !== value) throw refused("the model is no chain of operators");
    const last = layers.at(-1);
    if (operator === "Gemm") layers.push({ ...gemm(node, tensors), relu: false });
    else if (last === undefined || last.relu) throw refused("Relu follows no Gemm");
    else layers[layers.length - 1] = { ...last, relu: true };
    value = node.output;
  }
  if (value !== output || layers.length === 0) throw refused("the model is no chain of operators");
  layers.slice(1).forEach(({ weights }, index) => {
    if (weights[0]?.length !== layers[index]?.weights.length) throw refused("two Gemm do not fit each other");
  });
  return { features: layers[0]?.weights[0]?.length ?? 0, layers };
}

function gemm(
  { inputs, attributes }: Node,
  tensors: ReadonlyMap<string, Tensor>,
): Omit<RealLayers["layers"][number], "relu"> {
  const strange = [...attributes].find(
    ([name, value]) => name !== "transB" && value !== (name === "transA" ? 0 : 1),
  );
  if (strange !== undefined) throw refused(`Gemm with ${strange[0]} = ${strange[1]} is not served`);
  const weights = tensors.get(inputs[1] ?? "");
  const bias = tensors.get(inputs[2] ?? "");
  const [rows = 0, columns = 0] = weights?.dims ?? [];
  if (weights?.dims.length !== 2 || (inputs.length > 2 && bias === undefined))
    throw refused("Gemm takes its weights from the file");
  const isTransposed = attributes.get("transB") === 1;
  const [outputs, features] = isTransposed ? [rows, columns] : [columns, rows];
  const at = (output: number, feature: number): number =>
    weights.values[isTransposed ? output * columns + feature : feature * columns + output] ?? 0;
  const counted = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
  if (bias !== undefined && bias.values.length !== outputs)
    throw refused("a bias has a number for each output");
  return {
    weights: counted(outputs).map((output) => counted(features).map((feature) => at(output, feature))),
    bias: bias?.values ?? counted(outputs).map(() => 0),
  };
}

function nodeOf(message: Uint8Array): Node {
  let [operator, domain] = ["", ""];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, number>();
  readMessage(message, {
    [NODE.input]: text((value) => {
      inputs.push(value);
    }),
    [NODE.output]: text((value) => {
      outputs.push(value);
    }),
    [NODE.operator]: text((value) => {
      operator = value;
    }),
    [NODE.domain]: text((value) => {
      domain = value;
    }),
    [NODE.attribute]: bytes((value) => {
      attributes.set(...attributeOf(value));
    }),
  });
  return {
    operator: domain === "" || domain === "ai.onnx" ? operator : `${domain}.${operator}`,
    inputs,
    output: outputs[0] ?? "",
    attributes,
  };
}

function attributeOf(message: Uint8Array): [string, number] {
  let name = "";
  let number = 0;
  const take = (value: number): void => {
    number = value;
  };
  readMessage(message, {
    [ATTRIBUTE.name]: text((value) => {
      name = value;
    }),
    [ATTRIBUTE.float]: floats(take),
    [ATTRIBUTE.integer]: integers(take),
  });
  return [name, number];
}

function tensorOf(message: Uint8Array): [string, Tensor] {
  let [name, type, isElsewhere] = ["", 0, false];
  const dims: number[] = [];
  const values: number[] = [];
  readMessage(message, {
    [TENSOR.name]: text((value) => {
      name = value;
    }),
    [TENSOR.type]: integers((value) => {
      type = value;
    }),
    [TENSOR.external]: bytes(() => {
      isElsewhere = true;
    }),
    [TENSOR.dims]: integers((value) => {
      dims.push(value);
    }),
    [TENSOR.floats]: floats((value) => {
      values.push(value);
    }),
    [TENSOR.raw]: bytes((value) => {
      for (const number of floatsOf(value)) values.push(number);
    }),
  });
  if (type !== TYPE_FLOAT || isElsewhere) throw refused(`the tensor ${name} is not float32 inside the file`);
  if (values.length !== dims.reduce((product, size) => product * size, 1) || !values.every(Number.isFinite))
    throw refused(`the tensor ${name} has not as many numbers as its form`);
  return [name, { dims, values }];
}

function nameOf(message: Uint8Array): string {
  let name = "";
  readMessage(message, {
    [VALUE.name]: text((value) => {
      name = value;
    }),
  });
  return name;
}

function* floatsOf(raw: Uint8Array): Iterable<number> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  for (let at = 0; at + 4 <= raw.length; at += 4) yield view.getFloat32(at, true);
}
