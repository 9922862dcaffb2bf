"""The encoder as a graph: padded windows in, one vector a piece out.

Paper: Devlin et al., BERT, https://arxiv.org/abs/1810.04805
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...encoder import BertEncoder
from ...encoder.layer import EncoderLayer
from .graph import GraphBuilder

# Finite, so that no difference is NaN.
PADDING_SCORE = -1e30


def add_encoder(graph: GraphBuilder, encoder: BertEncoder, *, ids: str, mask: str) -> str:
    """Add the encoder.

    Positions are counted in the graph, and every piece is in segment 0, as in spaCy pipelines.

    ids: Name of the piece ids. Shape: (n_windows, length), int64
    mask: Name of what is 1 for pieces and 0 for padding after them. Same shape, int64
    RETURNS (str): Name of the vectors. Shape: (n_windows, length, width), float32
    """
    with graph.scope("embeddings"):
        x = _embed(graph, encoder, ids)
    bias = _make_bias(graph, mask)
    for number, module in enumerate(encoder.layers):
        layer: Any = module
        with graph.scope(f"layers.{number}"):
            x = _add_layer(graph, layer, x, bias)
    return x


def _embed(graph: GraphBuilder, encoder: BertEncoder, ids: str) -> str:
    tables = encoder.embeddings
    positions = tables.positions.weight.detach().cpu().numpy()[tables.position_offset :]
    if tables.segments is not None:
        positions = positions + tables.segments.weight.detach().cpu().numpy()[:1]
    x = graph.node("Gather", graph.weight("pieces", tables.pieces.weight), ids, name="piece")
    zero, one = (graph.weight(name, np.array([v], np.int64)) for name, v in (("0", 0), ("1", 1)))
    length = graph.node("Shape", ids, name="length", start=1, end=2)
    rows = graph.node(
        "Slice", graph.weight("positions", positions), zero, length, zero, one, name="position"
    )
    x = graph.node("Add", x, rows, name="sum")
    x = graph.norm(x, tables.norm, name="norm")
    if tables.projection is not None:
        x = graph.linear(x, [tables.projection], name="projection")
    return str(x)


def _make_bias(graph: GraphBuilder, mask: str) -> str:
    """What to add to the scores of attention. Shape: (n_windows, 1, 1, length)"""
    axes = graph.weight("mask.axes", np.array([1, 2], np.int64))
    real = graph.node("Cast", mask, name="mask.float", to=1)
    one = graph.weight("mask.one", np.float32(1).reshape(1))
    factor = graph.weight("mask.factor", np.float32(-PADDING_SCORE).reshape(1))
    below = graph.node(
        "Mul", graph.node("Sub", real, one, name="mask.below"), factor, name="mask.bias"
    )
    return str(graph.node("Unsqueeze", below, axes, name="mask.spread"))


def _add_layer(graph: GraphBuilder, layer: EncoderLayer, x: str, bias: str) -> str:
    with graph.scope("attention"):
        attended = _attend(graph, layer, x, bias)
    x = graph.node("Add", x, attended, name="attention_sum")
    x = graph.norm(x, layer.attention_norm, name="attention_norm")
    hidden = graph.linear(x, [layer.up], name="up")
    hidden = add_activation(graph, hidden, layer.activation)
    output = graph.linear(hidden, [layer.down], name="down")
    return graph.norm(
        graph.node("Add", x, output, name="output_sum"), layer.output_norm, name="output_norm"
    )


def _attend(graph: GraphBuilder, layer: EncoderLayer, x: str, bias: str) -> str:
    maps = layer.attention
    width, n_heads = maps.query.out_features, maps.n_heads
    # The scale of the scores goes into the queries.
    scale = np.ones(3 * width, np.float32)
    scale[:width] = (width // n_heads) ** -0.5
    qkv = graph.linear(x, [maps.query, maps.key, maps.value], name="qkv", scale=scale)
    split = graph.node("Split", qkv, name="split", n_outputs=3, axis=-1, num_outputs=3)
    shape = graph.weight("heads", np.array([0, 0, n_heads, width // n_heads], np.int64))
    query, key, value = (
        graph.node(
            "Transpose",
            graph.node("Reshape", part, shape, name=f"{name}.heads"),
            name=name,
            perm=[0, 2, 3, 1] if name == "key" else [0, 2, 1, 3],
        )
        for name, part in zip(("query", "key", "value"), split, strict=True)
    )
    scores = graph.node("Add", graph.node("MatMul", query, key, name="scores"), bias, name="masked")
    shares = graph.node("Softmax", scores, name="shares", axis=-1)
    context = graph.node("MatMul", shares, value, name="context")
    context = graph.node("Transpose", context, name="context.rows", perm=[0, 2, 1, 3])
    joined = graph.weight("joined", np.array([0, 0, width], np.int64))
    context = graph.node("Reshape", context, joined, name="context.joined")
    return graph.linear(context, [maps.output], name="output")


def add_activation(graph: GraphBuilder, x: str, activation: str) -> str:
    """Add an activation of `encoder.config.ACTIVATIONS`."""
    if activation == "relu":
        return str(graph.node("Relu", x, name="activation"))
    if activation == "silu":
        return str(graph.node("Mul", x, graph.node("Sigmoid", x, name="gate"), name="activation"))
    kind = "tanh" if activation == "gelu_tanh" else "none"
    return str(graph.node("Gelu", x, name="activation", approximate=kind))
