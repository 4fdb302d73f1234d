"""Trains the models of this folder and records what their own runtimes say of 10,000 inputs.

python3.11, numpy 2.4.6, lightgbm 4.7.0, scikit-learn 1.9.1, onnx 1.23.1, onnxruntime 1.30.0: python train.py
"""

import json
import pathlib

import lightgbm
import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor

FOLDER = pathlib.Path(__file__).parent
FEATURES = 8
SCALE = 4096


def mulberry32(seed):
    while True:
        seed = (seed + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((seed ^ (seed >> 15)) * (seed | 1)) & 0xFFFFFFFF
        t = (t ^ (t + ((t ^ (t >> 7)) * (t | 61) & 0xFFFFFFFF))) & 0xFFFFFFFF
        yield (t ^ (t >> 14)) & 0xFFFFFFFF


def inputs(count, seed):
    """Fixed-point features between -8 and 8, the same as the tests draw."""
    words = mulberry32(seed)
    flat = [(next(words) >> 16) - 32768 for _ in range(count * FEATURES)]
    return numpy.array(flat, dtype=numpy.float64).reshape(count, FEATURES) / SCALE


def target(x):
    return numpy.sin(x[:, 0]) * x[:, 1] + numpy.abs(x[:, 2]) - 0.3 * x[:, 3] * (x[:, 4] > 0)


def record(name, scores, kind):
    (FOLDER / name).write_bytes(numpy.ascontiguousarray(scores, dtype=kind).tobytes())


train, ask = inputs(4000, 1), inputs(10000, 2)
y = target(train)

booster = lightgbm.train(
    {"objective": "binary", "num_leaves": 24, "learning_rate": 0.15, "verbose": -1, "seed": 1, "deterministic": True, "num_threads": 1},
    lightgbm.Dataset(train, label=(y > 2).astype(int)),
    num_boost_round=30,
)
booster.save_model(FOLDER / "lightgbm.txt")
(FOLDER / "lightgbm.json").write_text(json.dumps(booster.dump_model(num_iteration=3)))
record("lightgbm.f64", booster.predict(ask, raw_score=True), "<f8")


def gemm_model(layers, relu_last=False):
    nodes, weights, value = [], [], "x"
    for index, (w, b) in enumerate(layers):
        last = index == len(layers) - 1
        out = "y" if last else f"h{index}"
        weights += [numpy_helper.from_array(w.astype(numpy.float32), f"w{index}"), numpy_helper.from_array(b.astype(numpy.float32), f"b{index}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [out], transB=index % 2))
        value = out
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"r{index}"]))
            value = f"r{index}"
    graph = helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", len(layers[-1][1])])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def write_onnx(name, model):
    onnx.save(model, FOLDER / f"{name}.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    record(f"{name}.f32", session.run(None, {"x": ask.astype(numpy.float32)})[0], "<f4")


network = MLPRegressor(hidden_layer_sizes=(16, 8), activation="relu", random_state=1, max_iter=200).fit(train, numpy.stack([y, -y], 1))
layers = list(zip(network.coefs_, network.intercepts_))
write_onnx("perceptron", gemm_model([(w.T if i % 2 else w, b) for i, (w, b) in enumerate(layers)]))

logistic = LogisticRegression(max_iter=500).fit(train, (y > 2).astype(int))
write_onnx("logistic", gemm_model([(logistic.coef_.T, logistic.intercept_)]))
